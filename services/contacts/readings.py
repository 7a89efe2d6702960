"""Which fields of people and companies are asked for by name: what nobody reads need not be kept.

Pure (C-07). Only a request that names its fields (`?fields=name,email`) says what is read: of an
answer that carries everything nobody knows what of it was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from typing import Any

from services.contacts.company_views import CompanyCard
from services.contacts.person_views import PersonCard
from services.contacts.statement_views import PersonPage
from shared.command import HappenedCommand
from shared.errors import InvalidError
from shared.events import Envelope
from shared.events.contacts import FieldsRead
from shared.projection import Projection

# What can be asked for by name, and the stream that tells of it.
READABLE: dict[type[Any], str] = {
    PersonCard: "reading-people",
    PersonPage: "reading-person",
    CompanyCard: "reading-companies",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """On which day each field was asked for last."""

    last: dict[str, date] = field(default_factory=dict)


class ReadFields(HappenedCommand):
    fields: tuple[str, ...]


def decide_reading(reading: Reading, command: ReadFields) -> list[FieldsRead]:
    """Say which of the fields nobody had asked for on this day yet. No facts: nothing is new."""
    if command.on is None:
        raise InvalidError("what was read was read on some day", field="#/date_unknown")
    told = {
        name
        for name in command.fields
        if name not in reading.last or reading.last[name] < command.on
    }
    return [FieldsRead(fields=tuple(sorted(told)), on=command.on)] if told else []


def evolve_reading(reading: Reading, event: FieldsRead) -> Reading:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    on = event.on
    if on is None:
        return reading
    newest = {name: max(on, reading.last.get(name, on)) for name in event.fields}
    return Reading(reading.last | newest)


@dataclass(frozen=True, slots=True)
class FieldsReadDays:
    """Answers: on how many days was each field of a view asked for, and when last?"""

    reading: str
    since: date | None = None
    days: dict[str, int] = field(default_factory=dict)
    last: dict[str, date] = field(default_factory=dict)


fields_read = Projection("fields_read", version=1, view=FieldsReadDays, streams=("reading",))


@fields_read.on(FieldsRead)
def read(view: FieldsReadDays, event: FieldsRead, at: Envelope) -> FieldsReadDays:
    if event.on is None:
        return view
    on, days, last = event.on, dict(view.days), dict(view.last)
    for name in event.fields:
        days[name] = days.get(name, 0) + 1
        last[name] = max(on, last.get(name, on))
    since = on if view.since is None else min(on, view.since)
    return replace(view, since=since, days=days, last=last)


@dataclass(frozen=True, slots=True)
class Read:
    """What is known of the reading of one list or page.

    `unread` is None until somebody asks for fields by name inside the days looked at: before that
    nobody can say what is not read.
    """

    of: str
    since: date | None
    days: dict[str, int]
    last_on: dict[str, date]
    unread: tuple[str, ...] | None


def reads_of(views: dict[str, FieldsReadDays], *, today: date, days: int) -> list[Read]:
    """Return for each list and page the fields that nobody asked for in the last days."""
    begin = today - timedelta(days=days)
    found = []
    for shape, stream in READABLE.items():
        view = views.get(stream, FieldsReadDays(stream))
        recent = {name for name, last in view.last.items() if last > begin}
        unread = tuple(one.name for one in fields(shape) if one.name not in recent)
        of = stream.removeprefix("reading-")
        found.append(Read(of, view.since, view.days, view.last, unread if recent else None))
    return found
