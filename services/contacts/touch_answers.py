"""What who publishes touches on Kafka has to act on, told on `touches-answers` (C-14).

A record that was set aside, with the problem that HTTP would answer; a promotion that the person
got lately, or did not agree to. Of every other touch nothing is said. A topic cannot be scrubbed:
an answer says what is wrong and where, never what the publisher wrote there, and names nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Literal, get_args

import orjson
import structlog
from pydantic import TypeAdapter

from services.contacts.consents import NoConsent
from services.contacts.defaults import ContactsDefaults
from services.contacts.fatigue import Noted, compared, promotes
from services.contacts.touch_events import JSON, read_event
from services.contacts.touch_inbox import (
    PREFIX,
    RefusedTouchError,
    event_of,
    fact_of,
    named_blind,
    named_in,
)
from services.contacts.touches import NewTouch, Sent
from shared.batch import identity, place
from shared.clock import derived_id
from shared.correlation import about
from shared.errors import DomainError
from shared.events import Envelope, UndecodableError, timestamp
from shared.events.touches import Channel, Topic, TouchRecorded
from shared.inbox import Answers, Became, Inbox
from shared.log import Record
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import refusal
from shared.web.problems import PROBLEM_TYPE, problem

log = structlog.get_logger()

TOPIC = "touches-answers"
TYPE = "sellers.touch_answered.v1"
SOURCE = "/touches"
# A release may be wrong in every field that there is, and in a thousand that there are not.
CAUSES_MAX = 20
# The names that a pointer goes through; any other is the publisher's, and may be an address.
ATTRIBUTES = {"specversion", "id", "source", "type", "time", "datacontenttype", "data"}
NAMES = {"#", "content-type", *NewTouch.model_fields, *ATTRIBUTES}
NAMES |= {f"{PREFIX}{name}" for name in ATTRIBUTES}
# What both say is no quotation, and neither is what is too short to tell anything.
OURS = {*NAMES, *get_args(Channel), *get_args(Topic), "inbound", "outbound"}
QUOTED_MIN = {True: 3, False: 2}  # ASCII or not: names may be short.
TEXTS_MAX = 1_000
CUT = "it is not as the schema says"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the record lies that is answered: as the publisher's client was told."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Cause:
    """What is wrong with one field."""

    pointer: str
    detail: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the record was set aside (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Repeated:
    """When the person got the same promotion last; `by` whom, where that is no address."""

    on: date
    again_from: date
    by: str | None = None


@dataclass(frozen=True, slots=True)
class TouchAnswered:
    """What became of a record; `id` and `source` are its publisher's, where they can be read."""

    status: Literal["accepted", "rejected"]
    record: Place
    id: str | None = None
    source: str | None = None
    stream: str | None = None
    token: str | None = None
    repeats: Repeated | None = None
    no_consent: NoConsent | None = None
    problem: Problem | None = None


_ANSWERED = TypeAdapter(TouchAnswered)


async def answers_of(
    runtime: Runtime, became: Sequence[Became], *, again: bool
) -> list[tuple[str, bytes]]:
    """Return what has to be acted on. What had been set aside hears that it need not, any more.

    Raises:
        UnavailableError: promotions cannot be compared now; whoever moves the records waits.

    """
    notes = await _remarks(runtime, became)
    now = runtime.clock.now()
    told: list[tuple[str, bytes]] = []
    for record, outcome in became:
        if isinstance(outcome, UndecodableError):
            if not again:
                told.append(_written(record, _refused(record, outcome), now))
        elif again or place(record) in notes:
            noted = notes.get(place(record), Noted())
            told.append(_written(record, _accepted(record, outcome, noted), now))
    return told


async def _remarks(runtime: Runtime, became: Sequence[Became]) -> dict[str, Noted]:
    """Return what there is to say of promotions that are new, by the places of their records."""
    once: dict[str, tuple[str, Sent]] = {}
    for record, fact in became:
        if isinstance(fact, Envelope) and _promotion(fact) and fact.stream not in once:
            sent = read_event(event_of(record)).sent
            if sent is not None:
                once[fact.stream] = place(record), sent
    if not once:
        return {}
    notes = await compared(runtime, [sent for _, sent in once.values()])
    return {at: note for (at, _), note in zip(once.values(), notes, strict=True) if note != Noted()}


def _promotion(fact: Envelope) -> bool:
    return isinstance(fact.data, TouchRecorded) and promotes(fact.data)


def _accepted(record: Record, fact: Envelope, noted: Noted) -> TouchAnswered:
    name, source = named_in(record)
    last = noted.repeats
    repeats = None
    if last is not None:
        by = None if not last.by or "@" in last.by else last.by
        repeats = Repeated(last.on, last.again_from, by)
    return TouchAnswered(
        "accepted",
        Place(*record.position),
        id=name,
        source=source,
        stream=fact.stream,
        token=Token(fact.stream, 1).encode(),
        repeats=repeats,
        no_consent=noted.no_consent,
    )


def _refused(record: Record, error: UndecodableError) -> TouchAnswered:
    """Say why; whatever cannot be said of one record stops no other."""
    try:
        return _rejected(record, error)
    except Exception as failure:
        log.exception("touch_not_answered_in_words", error=type(failure), **about(record, None))
        told = Problem(f"{PROBLEM_TYPE}invalid", "The record does not fit its schema", 422, CUT)
        return TouchAnswered("rejected", Place(*record.position), problem=told)


def _rejected(record: Record, error: UndecodableError) -> TouchAnswered:
    name, source = named_in(record)
    said = unquoting(_problem(error), record)
    return TouchAnswered("rejected", Place(*record.position), id=name, source=source, problem=said)


def _problem(error: UndecodableError) -> dict[str, Any]:
    if isinstance(error, RefusedTouchError):
        return error.problem
    if isinstance(error.__cause__, DomainError):
        return refusal(error.__cause__)
    detail = "The record is kept, and becomes a touch once that is mended."
    return problem(500, "internal-error", "This is our fault", detail)


def unquoting(told: dict[str, Any], record: Record) -> Problem:
    """Return a problem without anything that its publisher wrote."""
    said = _said(_event(record))
    causes = told.get("errors", ())
    shown = [_cause(one, said) for one in causes[:CAUSES_MAX]]
    detail = told["detail"]
    if [(one.pointer, one.detail) for one in shown] != [
        (one["pointer"], one["detail"]) for one in causes
    ]:
        detail = "; ".join(f"{one.pointer}: {one.detail}" for one in shown)
    elif _quotes(detail, said):
        detail = CUT
    return Problem(told["type"], told["title"], told["status"], detail, tuple(shown))


def _cause(told: dict[str, Any], said: set[str] | None) -> Cause:
    detail = CUT if _quotes(told["detail"], said) else told["detail"]
    return Cause(_pointer(told["pointer"]), detail, told.get("code"))


def _quotes(detail: str, said: set[str] | None) -> bool:
    # No check writes what it was given into its words; a new one may.
    folded_detail = detail.casefold()
    return said is None or any(text in folded_detail for text in said)


def _pointer(pointer: str) -> str:
    """Return how far a pointer goes by names of ours; a header that is none of them is `#`."""
    steps: list[str] = []
    for step in pointer.split("/"):
        if step not in NAMES:
            break
        steps.append(step)
    return "/".join(steps) or "#"


def _event(record: Record) -> Any:
    try:
        return event_of(record)
    except DomainError:
        return None  # What cannot be taken apart is not quoted, either: its pointer says where.


def _said(event: Any) -> set[str] | None:
    """Return what the event says that is not ours; None: too much to look for in every cause."""
    found: set[str] = set()
    left, looked_at = [event], 0
    while left:
        one = left.pop()
        looked_at += 1
        if looked_at > TEXTS_MAX:
            return None
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
        elif one is not None:
            found.add(str(one).casefold())
    return {text for text in found - OURS if len(text) >= QUOTED_MIN[text.isascii()]}


def _written(record: Record, told: TouchAnswered, now: datetime) -> tuple[str, bytes]:
    """Return the key and the CloudEvent; told again of the same record it has the same id."""
    at = place(record)
    event = {
        "specversion": "1.0",
        "id": derived_id("touch-answered", at, identity(record), told.status),
        "source": SOURCE,
        "type": TYPE,
        "subject": at,
        "time": timestamp(now),
        "datacontenttype": JSON,
        "data": _ANSWERED.dump_python(told, mode="json", exclude_none=True),
    }
    key = at if told.id is None or told.source is None else f"{told.source} {told.id}"
    return key, orjson.dumps(event)


def touches_inbox_by(rules: ContactsDefaults) -> Inbox:
    """Return the inbox of a deployment with these rules."""
    reading = partial(fact_of, rules=rules)
    answers = Answers(TOPIC, answers_of)
    return Inbox("touches_inbox", "touches-inbox", reading, named_blind, answers)
