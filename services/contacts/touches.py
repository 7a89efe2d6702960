"""The edge where touches come in. A touch already happened: no business rule may refuse it.

The publisher's (source, id) makes the stream, so the same touch sent again is the same touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from services.contacts.defaults import ContactsDefaults
from services.contacts.identities import NAMES, Blind, Named, entry_named
from services.contacts.reads import defaults_of
from shared import builds
from shared.clock import derived_id
from shared.command import Instant
from shared.errors import DomainError, InvalidError, TooLargeError, UnavailableError
from shared.events import CONTENT_TYPE, Envelope, encode, timestamp
from shared.events.touches import Channel, Topic, TouchRecorded
from shared.journal import entry_of
from shared.log import LogUnavailableError
from shared.personal import CLEAR
from shared.projection import Projection
from shared.projector import Collections
from shared.references import ID, CompanyStream, OpportunityStream, PersonStream
from shared.runtime import Runtime
from shared.seals import check_clear
from shared.service import FACT_BYTES_MAX
from shared.store import DuplicateKeyError

# One of us by stream, or by an address that nobody has found the employee of yet. A bare word
# would be neither: nobody who asks for `employee-kim` would find the touches of `kim`.
Colleague = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        max_length=200,
        pattern=rf"^(employee-{ID}|[^\s@]+@[^\s@]+)$",
    ),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
WITH_WHOM = ("person", *NAMES)
# What a fact says otherwise than who tells us of a touch.
NOT_SAID_ALIKE = {"occurred_at", *WITH_WHOM}


class TouchAheadError(InvalidError):
    """A touch has happened: it is of no time that is still to come."""


class NewTouch(Named):
    """What anybody may tell us about a contact with a customer (C-03, C-04).

    With whom: the `person` of our book, or an `email`, `phone` or `external_id` whose person need
    not be known yet; the touch is theirs as soon as it is (C-14).
    """

    person: PersonStream | None = None
    channel: Channel
    about: Topic = "general"
    direction: str = Field("outbound", pattern="^(inbound|outbound)$")
    occurred_at: Instant | None = None
    employee: Colleague | None = None
    grade: Text | None = None
    function: Text | None = None
    company: CompanyStream | None = None
    opportunity: OpportunityStream | None = None
    subject: Text | None = None
    note: str | None = Field(None, max_length=10_000)
    campaign: Text | None = None

    @model_validator(mode="after")
    def _with_somebody(self) -> Self:
        told = [name for name in WITH_WHOM if getattr(self, name) is not None]
        if len(told) != 1:
            raise ValueError(f"tell one of {', '.join(WITH_WHOM)}")
        return self

    def with_whom(self, blind: Blind) -> str:
        """Return the entry of our book that it is told of."""
        return self.person or entry_named(self.identity or "", blind)


@dataclass(frozen=True, slots=True)
class Sent:
    """A touch with the name under which its publisher sends it."""

    touch: NewTouch
    publisher: str
    publisher_id: str
    # Where its sender says when it happened, a JSON pointer.
    dated_at: str = field(default="#/occurred_at", compare=False)
    # The same however often it is sent.
    name: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        name = derived_id("touch", self.publisher, self.publisher_id)
        object.__setattr__(self, "name", name)

    @property
    def stream(self) -> str:
        return f"touch-{self.name}"


@dataclass(frozen=True, slots=True)
class Made:
    """The fact that a touch makes, and how it is written."""

    fact: Envelope
    value: bytes


def check_happened(sent: Sent, now: datetime, rules: ContactsDefaults) -> None:
    """Refuse a touch that is still to come, further ahead than clocks may be wrong.

    Raises:
        TouchAheadError: naming where it says when.

    """
    happened, ahead = sent.touch.occurred_at, timedelta(hours=rules.touch_ahead_hours)
    if happened is not None and happened > now + ahead:
        until = timestamp(now + ahead)
        raise TouchAheadError(f"a touch has happened; {until} is the latest", field=sent.dated_at)


async def folded(runtime: Runtime, view: Projection[Any], streams: Sequence[str]) -> set[str]:
    """Return which of these touches a view has folded already: those were sent before."""
    build = (await builds.read(runtime.store, view)).active
    heads = Collections(build.collection).heads
    return set(await runtime.store.get_many(heads, sorted(streams)))


def touch_fact(
    sent: Sent,
    *,
    now: datetime,
    actor: str,
    correlation_id: str,
    traceparent: str | None = None,
    blind: Blind = CLEAR.blind,
) -> Envelope:
    """Return the immutable record of a touch; its id and stream follow from publisher and id."""
    touch = sent.touch
    told = touch.model_dump(exclude=NOT_SAID_ALIKE)
    return Envelope(
        id=sent.name,
        source="/touches",
        stream=sent.stream,
        version=1,
        occurred_at=(touch.occurred_at or now).astimezone(UTC),
        recorded_at=now,
        actor=actor,
        correlation_id=correlation_id,
        traceparent=traceparent,
        data=TouchRecorded(
            publisher=sent.publisher,
            publisher_id=sent.publisher_id,
            person=touch.with_whom(blind),
            identity=touch.identity,
            **told,
        ),
    )


async def made_of(
    runtime: Runtime,
    touches: Sequence[Sent],
    *,
    actor: str,
    correlation_id: str,
    traceparent: str | None = None,
) -> list[Made | DomainError]:
    """Return of each touch the fact that it makes, ready to be kept, or why it cannot be.

    InvalidError: it says what only sealed words may say. TouchAheadError: it is still to come.
    TooLargeError: it does not fit into a record of the log. What is wrong with one stops no other.
    """
    now, blind = runtime.clock.now(), await runtime.seals.blinder()
    rules = defaults_of(runtime)
    told: list[Made | DomainError] = []
    for sent in touches:
        try:
            check_happened(sent, now, rules)
        except TouchAheadError as error:
            told.append(error)
            continue
        fact = touch_fact(
            sent,
            now=now,
            actor=actor,
            correlation_id=correlation_id,
            traceparent=traceparent,
            blind=blind,
        )
        told.append(_clear(fact))
    sealed = iter(await runtime.seals.seal([one.fact for one in told if isinstance(one, Made)]))
    return [_sealed(one, next(sealed)) if isinstance(one, Made) else one for one in told]


def _clear(fact: Envelope) -> Made | DomainError:
    value = encode(fact)
    try:
        check_clear(value)
    except InvalidError as error:
        return error
    return Made(fact, value)


def _sealed(clear: Made, fact: Envelope) -> Made | DomainError:
    value = clear.value if fact is clear.fact else encode(fact)
    if len(value) > FACT_BYTES_MAX:
        return TooLargeError(f"a touch may have at most {FACT_BYTES_MAX} bytes")
    return Made(fact, value)


async def keep(runtime: Runtime, made: Sequence[Made]) -> None:
    """Record touches, all or none of them: durable when this returns.

    Raises:
        UnavailableError: not acknowledged; sent again with the same ids they count once.

    """
    entries = [entry_of(one.fact, one.value) for one in made]
    if runtime.settings.embedded:
        # That broker may forget its last second when it is killed: there the journal is the truth.
        try:
            outgoing = await runtime.accepting.accept(entries)
        except DuplicateKeyError as error:
            raise UnavailableError("the same touch is being recorded right now") from error
        if outgoing is not None:
            runtime.publisher.announce(outgoing)
        return
    headers = (("content-type", CONTENT_TYPE.encode()),)
    try:
        # Each is a stream of its own: they have no order.
        records = [(entry.stream, entry.value) for entry in entries]
        await runtime.log.append_many(TouchRecorded.topic, records, headers)
    except LogUnavailableError as error:
        raise UnavailableError(f"the log does not answer: {error}", retry_after_s=5) from error
