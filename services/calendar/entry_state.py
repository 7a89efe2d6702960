"""What a rule needs to know of a calendar entry, and how facts change it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, assert_never

from services.calendar.about import About
from shared.errors import DomainError, NotFoundError
from shared.events.calendar import (
    EntryCancelled,
    EntryDescribed,
    EntryDisplaced,
    EntryDone,
    EntryEvent,
    EntryMissed,
    EntryMoved,
    EntryPlanned,
    EntryReassigned,
    EntryStarted,
)

Status = Literal["planned", "started", "done", "missed", "displaced", "cancelled"]


class EntryUnknownError(NotFoundError):
    """Nobody planned an entry of that id."""


class EntryAlreadyPlannedError(DomainError):
    """An entry is planned once."""


class EntryHasStartedError(DomainError):
    """It has begun already."""


class EntryAlreadyDoneError(DomainError):
    """It took place: it can neither take place otherwise nor be cancelled."""


class EntryIsCancelledError(DomainError):
    """It was cancelled: plan a new one."""


class EntryPrivateError(DomainError):
    """Somebody's private time is nobody else's."""


class BecomesPrivateError(DomainError):
    """What was told in the clear cannot be taken back: plan a private entry instead."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Only what a rule needs to know: the plan as it stands, and how far it got."""

    plan: EntryPlanned | None = None
    status: Status = "planned"
    started_at: datetime | None = None
    took: tuple[datetime, datetime] | None = None
    displaced_by: str | None = None


def is_private(about: EntryPlanned | About) -> bool:
    return about.category == "private"


def described(plan: EntryPlanned, told: dict[str, Any]) -> list[EntryEvent]:
    """Return the fact that it is about this from now on, if that is new."""
    described = EntryDescribed(**told)
    known = EntryDescribed(**plan.model_dump(include=set(EntryDescribed.model_fields)))
    return [] if described == known else [described]


def evolve_entry(entry: Entry, event: EntryEvent) -> Entry:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case EntryPlanned():
            return Entry(plan=event)
        case EntryDescribed() | EntryMoved() | EntryReassigned():
            return _replanned(entry, event)
        case EntryStarted(started_at=started_at):
            return replace(entry, status="started", started_at=started_at)
        case EntryDone(started_at=started_at, ended_at=ended_at):
            return replace(entry, status="done", took=(started_at, ended_at))
        case EntryMissed():
            return replace(entry, status="missed")
        case EntryDisplaced(by=by):
            return replace(entry, status="displaced", displaced_by=by)
        case EntryCancelled():
            return replace(entry, status="cancelled")
        case _:
            assert_never(event)


def _replanned(entry: Entry, event: EntryDescribed | EntryMoved | EntryReassigned) -> Entry:
    if entry.plan is None:
        return entry
    said = event.model_dump(exclude={"reason", "on"})
    plan = entry.plan.model_copy(update=said)
    if not isinstance(event, EntryMoved):
        return replace(entry, plan=plan)
    return replace(entry, plan=plan, status="planned", displaced_by=None)
