"""What may happen to a calendar entry. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Literal, assert_never

from pydantic import Field, StringConstraints

from shared.command import Command, DatedCommand, Instant
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.calendar import (
    CalendarEvent,
    Category,
    EntryCancelled,
    EntryDone,
    EntryPlanned,
    EntryReassigned,
)
from shared.handovers import TakeOver
from shared.references import CompanyStream, EmployeeStream, OpportunityStream, PersonStream

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]

# Longer than a day is not an entry but an absence, and almost always a slip of the year.
LONGEST = timedelta(hours=24)


class EntryUnknownError(NotFoundError):
    """Nobody planned an entry of that id."""


class EntryAlreadyPlannedError(DomainError):
    """An entry is planned once."""


class EntryAlreadyDoneError(DomainError):
    """It took place: it can neither take place otherwise nor be cancelled."""


class EntryIsCancelledError(DomainError):
    """It was cancelled: plan a new one."""


class EntryPrivateError(DomainError):
    """Somebody's private time is nobody else's."""


class NotYetPrivateError(InvalidError):
    """What would tell about a private entry is refused until it can be stored encrypted (K-02)."""

    title = "Private entries say when, not what"


@dataclass(frozen=True, slots=True)
class Entry:
    """Only what a rule needs to know. What a screen needs lives in projections.py."""

    category: Category | None = None
    seller: str | None = None
    status: Literal["planned", "done", "cancelled"] = "planned"
    took: tuple[datetime, datetime] | None = None


class Plan(Command):
    seller: EmployeeStream
    category: Category
    starts_at: Instant
    ends_at: Instant
    title: Text | None = None
    person: PersonStream | None = None
    company: CompanyStream | None = None
    opportunity: OpportunityStream | None = None


class Done(Command):
    started_at: Instant
    ended_at: Instant

    def check(self, stream: str, today: date) -> None:
        super().check(stream, today)
        # Tomorrow has begun somewhere on earth already; the day after it has not.
        if self.ended_at.date() > today + timedelta(days=1):
            raise InvalidError(
                f"{self.ended_at.date()} is after today, {today}", field="#/ended_at"
            )


class Cancel(Command):
    reason: Annotated[str | None, Field(max_length=1_000)] = None


class Reassign(DatedCommand):
    """It is another seller's from that day on."""

    seller: EmployeeStream
    reason: Literal["handover", "leave", "territory", "unstated"] = "unstated"


CalendarCommand = Plan | Done | Cancel | Reassign | TakeOver


def decide(entry: Entry, command: CalendarCommand) -> list[CalendarEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Plan():
            if entry.category is not None:
                raise EntryAlreadyPlannedError
            _check_times(command.starts_at, command.ends_at, "#/ends_at")
            if command.category == "private":
                _say_nothing(command, "title", "person", "company", "opportunity")
            return [EntryPlanned(**command.model_dump())]
        case _ if entry.category is None:
            raise EntryUnknownError
        case Done(started_at=started_at, ended_at=ended_at):
            _check_times(started_at, ended_at, "#/ended_at")
            return _done(entry, started_at, ended_at)
        case Cancel(reason=reason):
            if entry.status == "done":
                raise EntryAlreadyDoneError
            if entry.category == "private":
                _say_nothing(command, "reason")
            return [] if entry.status == "cancelled" else [EntryCancelled(reason=reason)]
        case Reassign() | TakeOver():
            return _reassign(entry, command)
        case _:
            assert_never(command)


def _reassign(entry: Entry, command: Reassign | TakeOver) -> list[CalendarEvent]:
    if entry.category == "private":
        raise EntryPrivateError
    if entry.status == "done":
        raise EntryAlreadyDoneError
    if entry.status == "cancelled":
        raise EntryIsCancelledError
    if isinstance(command, TakeOver):
        told = EntryReassigned(seller=command.receiver, reason="handover", on=command.on)
        return [told] if command.moves(entry.seller) else []
    told = EntryReassigned(**command.model_dump(exclude={"date_unknown"}))
    return [] if entry.seller == command.seller else [told]


def _check_times(start: datetime, end: datetime, field: str) -> None:
    if end <= start:
        raise InvalidError("an entry ends after it starts", field=field)
    if end - start > LONGEST:
        raise InvalidError("an entry lasts 24 hours at most", field=field)


def _say_nothing(command: Command, *fields: str) -> None:
    for name in fields:
        if getattr(command, name) is not None:
            raise NotYetPrivateError(
                f"a private entry is stored without {name}: the log cannot keep it secret yet",
                field=f"#/{name}",
            )


def _done(entry: Entry, started_at: datetime, ended_at: datetime) -> list[CalendarEvent]:
    if entry.status == "cancelled":
        raise EntryIsCancelledError
    if entry.took == (started_at, ended_at):
        return []
    if entry.status == "done":
        raise EntryAlreadyDoneError
    return [EntryDone(started_at=started_at, ended_at=ended_at)]


def evolve(entry: Entry, event: CalendarEvent) -> Entry:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case EntryPlanned(category=category, seller=seller):
            return replace(entry, category=category, seller=seller)
        case EntryReassigned(seller=seller):
            return replace(entry, seller=seller)
        case EntryDone(started_at=started_at, ended_at=ended_at):
            return replace(entry, status="done", took=(started_at, ended_at))
        case EntryCancelled():
            return replace(entry, status="cancelled")
        case _:
            assert_never(event)
