"""The one shape every fact takes: what happened, inside an envelope that says when, who and why.

On the log an envelope is a CloudEvents 1.0 event in structured JSON. Pure: no clock, no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, ClassVar, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import causes
from shared.personal import CLEAR, Words

CONTENT_TYPE = "application/cloudevents+json"
WIRE = re.compile(
    r"(?P<topic>[a-z]{1,60})\.(?P<name>[a-z][a-z_]{0,99})\.v(?P<version>[1-9][0-9]{0,8})"
)

REGISTRY: dict[str, type[Event]] = {}


class Event(BaseModel):
    """A fact: past tense, immutable. Once released its class is never edited, only succeeded."""

    # Readers ignore fields they do not know, so a newer writer cannot break an older reader.
    model_config = ConfigDict(frozen=True, extra="ignore")
    wire: ClassVar[str]
    topic: ClassVar[str]
    # The fields that name the person whose words it holds, the first that does; none: its stream.
    whose: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls, *, wire: str | None = None, whose: tuple[str, ...] = (), **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.whose = whose
        if wire is None:
            return  # An abstract shape that other events share; it is never recorded by itself.
        name = WIRE.fullmatch(wire)
        if name is None:
            raise TypeError(f"{wire!r} is not a wire name like 'contacts.person_registered.v1'")
        if wire in REGISTRY:
            raise TypeError(f"two events claim the wire name {wire!r}")
        cls.wire = wire
        cls.topic = name["topic"]
        REGISTRY[wire] = cls


class Dated(Event):
    """A fact with a business date. `on` is a date, not an instant; None: nobody knows the date."""

    on: date | None = None


class UndecodableError(Exception):
    """These bytes are no fact that this release understands. They are parked, never skipped."""


Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

# Old wire name -> (its successor, how its data becomes the successor's). Applied in a chain.
UPCASTERS: dict[str, tuple[str, Upcaster]] = {}


# CloudEvents 1.0 knows integers of 32 bits.
INTEGER_MAX = 2**31 - 1
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
OUT_OF_RANGE = "not between the years 1900 and 2200"
# A day of which every zone's hours are.
FIRST_DAY, LAST_DAY = date(1900, 1, 2), date(2199, 12, 30)
DAY_OUT_OF_RANGE = f"a day is from {FIRST_DAY} to {LAST_DAY}"


class Position(NamedTuple):
    """Where a fact sits in the log. Only the log makes these; callers hand them back."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One recorded fact. `stream` is the Kafka key, so facts about one thing stay in order."""

    id: str
    source: str
    stream: str
    version: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    correlation_id: str
    data: Event
    causation_id: str | None = None
    command_id: str | None = None
    command_hash: str | None = None
    traceparent: str | None = None
    depth: int = 0
    # How its sealed words read, for whoever was given the keys; no part of the fact.
    words: Words = field(default=CLEAR, compare=False, repr=False)

    @property
    def wire(self) -> str:
        return self.data.wire

    @property
    def whose(self) -> str | None:
        """Return whose words the fact holds, where it holds somebody's."""
        if not self.data.whose:
            return self.stream
        for name in self.data.whose:
            named: str | tuple[str, ...] | None = getattr(self.data, name)
            if named:
                return named if isinstance(named, str) else named[0]
        return None

    def day(self, zone: Any) -> date:
        """The business date on which it happened, in the company's zone.

        A fact whose date nobody knows happened, for every count, on the day it was recorded.
        """
        if isinstance(self.data, Dated):
            return self.data.on or self.recorded_at.astimezone(zone).date()
        return self.occurred_at.astimezone(zone).date()


def encode(fact: Envelope) -> bytes:
    """The fact as one self-contained CloudEvents 1.0 structured-mode JSON document."""
    happened = timestamp(fact.occurred_at)
    recorded = happened if fact.recorded_at is fact.occurred_at else timestamp(fact.recorded_at)
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": fact.id,
        "source": fact.source,
        "type": fact.data.wire,
        "subject": fact.stream,
        "time": happened,
        "datacontenttype": "application/json",
        "recordedat": recorded,
        "streamversion": fact.version,
        "actor": fact.actor,
        "correlationid": fact.correlation_id,
    }
    optional = (
        ("causationid", fact.causation_id),
        ("commandid", fact.command_id),
        ("commandhash", fact.command_hash),
        ("traceparent", fact.traceparent),
        ("chaindepth", fact.depth),
    )
    attributes |= {name: value for name, value in optional if value}
    attributes["data"] = orjson.Fragment(fact.data.model_dump_json().encode())
    return orjson.dumps(attributes)


def decode(value: bytes | None) -> Envelope:
    """Read a fact back, in the newest version of its event.

    Raises:
        UndecodableError: naming the attribute and the cause.

    """
    document = _document(value)
    wire, data = upcast(_text(document, "type"), document.get("data"))
    event = REGISTRY.get(wire)
    if event is None:
        raise UndecodableError(f"type: {wire!r} is not an event this release knows")
    try:
        happened = event.model_validate(data)
    except ValidationError as error:
        place, why = next(causes(error))
        raise UndecodableError(f"{'.'.join(('data', *place))}: {why}") from error
    version, depth = document.get("streamversion"), document.get("chaindepth", 0)
    if type(version) is not int or not 1 <= version <= INTEGER_MAX:
        raise UndecodableError("streamversion: not a positive integer of 32 bits")
    if type(depth) is not int or not 0 <= depth <= INTEGER_MAX:
        raise UndecodableError("chaindepth: not a natural number of 32 bits")
    return Envelope(
        id=_text(document, "id"),
        source=_text(document, "source"),
        stream=_text(document, "subject"),
        version=version,
        occurred_at=_instant(document, "time"),
        recorded_at=_instant(document, "recordedat"),
        actor=_text(document, "actor"),
        correlation_id=_text(document, "correlationid"),
        causation_id=_optional_text(document, "causationid"),
        command_id=_optional_text(document, "commandid"),
        command_hash=_optional_text(document, "commandhash"),
        traceparent=_optional_text(document, "traceparent"),
        depth=depth,
        data=happened,
    )


def upcast(wire: str, data: Any) -> tuple[str, Any]:
    """Follow the chain of successors from an old wire name to the newest one."""
    while wire in UPCASTERS and isinstance(data, dict):
        wire, step = UPCASTERS[wire]
        try:
            data = step(data)
        except (KeyError, TypeError, ValueError) as error:
            raise UndecodableError(f"data: cannot be read as {wire}: {error!r}") from error
    return wire, data


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds always written, so that text order is time order."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return f"{utc.isoformat(timespec='microseconds')[:-6]}Z"  # Without +00:00.


def _document(value: bytes | None) -> dict[str, Any]:
    if value is None:
        raise UndecodableError("the record has no value")
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise UndecodableError(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UndecodableError("not a JSON object")
    if document.get("specversion") != "1.0":
        raise UndecodableError("specversion: not a CloudEvents 1.0 event")
    return document


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise UndecodableError(f"{name}: missing or not text")
    return value


def _optional_text(document: dict[str, Any], name: str) -> str | None:
    return None if document.get(name) is None else _text(document, name)


def _instant(document: dict[str, Any], name: str) -> datetime:
    text = _text(document, name)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UndecodableError(f"{name}: {text!r} is not an RFC 3339 instant") from error
    if at.tzinfo is None:
        raise UndecodableError(f"{name}: {text!r} has no time zone")
    try:
        return in_range(at).astimezone(UTC)
    except ValueError as error:
        raise UndecodableError(f"{name}: {text!r}: {error}") from error


def in_range(at: datetime) -> datetime:
    """Return an aware instant between the years 1900 and 2200, or raise ValueError.

    Near the ends of the calendar no zone's date can be told; no touch was or will be there.
    """
    if not EARLIEST <= at < LATEST:
        raise ValueError(OUT_OF_RANGE)
    return at


def day_in_range(day: date) -> date:
    """Return a date all of whose instants, in whatever zone, are in range, or raise ValueError."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(DAY_OUT_OF_RANGE)
    return day
