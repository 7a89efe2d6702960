"""What may happen to a calendar entry. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, assert_never

from pydantic import Field

from services.calendar.about import (
    ABOUT,
    LONGEST,
    LONGEST_DAYS,
    About,
    Reason,
    Timed,
    Zone,
    check_private,
    check_times,
)
from shared.command import Command, DatedCommand, Instant
from shared.errors import DomainError, InvalidError, NotFoundError
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
from shared.handovers import TakeOver
from shared.references import EmployeeStream, EntryStream, SeriesStream

Status = Literal["planned", "started", "done", "missed", "displaced", "cancelled"]
# What another calendar may say anew of an entry; who we linked it with stays ours.
MIRRORED = ("title", "place", "note", "attendees", "busy", "sealed", "sealed_to")
NEVER = datetime.min.replace(tzinfo=UTC)
Uid = Annotated[str, Field(min_length=1, max_length=1_000)]


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


class Plan(Timed):
    zone: Zone | None = None
    unplanned: bool = False
    series: SeriesStream | None = None
    occurrence: Instant | None = None


class Mirror(Timed):
    """An entry as another calendar has it; told again, what is new there is taken over."""

    zone: Zone | None = None
    series: SeriesStream | None = None
    occurrence: Instant | None = None
    cancelled: bool = False
    uid: Uid | None = None
    sequence: int = Field(0, ge=0, le=10**6)
    modified: Instant | None = None


class Describe(About):
    """All that it is about, in place of what had been told."""


class Move(Command):
    starts_at: Instant
    ends_at: Instant
    reason: Reason = None


class Start(Command):
    started_at: Instant

    def check(self, stream: str, today: date) -> None:
        super().check(stream, today)
        _check_past(self.started_at, today, "#/started_at")


class Done(Command):
    started_at: Instant
    ended_at: Instant

    def check(self, stream: str, today: date) -> None:
        super().check(stream, today)
        _check_past(self.ended_at, today, "#/ended_at")


class Miss(Command):
    reason: Reason = None


class Displace(Command):
    """Something urgent came in its place: the entry `by`."""

    others = ("by",)
    by: EntryStream
    reason: Reason = None


class Cancel(Command):
    reason: Reason = None


class Reassign(DatedCommand):
    """It is another seller's from that day on."""

    seller: EmployeeStream
    reason: Literal["handover", "leave", "territory", "unstated"] = "unstated"


Change = Describe | Move | Start | Done | Miss | Displace | Cancel | Reassign | TakeOver
EntryCommand = Plan | Mirror | Change


def _check_past(at: datetime, today: date, field: str) -> None:
    # Tomorrow has begun somewhere on earth already; the day after it has not.
    if at.date() > today + timedelta(days=1):
        raise InvalidError(f"{at.date()} is after today, {today}", field=field)


def decide_entry(entry: Entry, command: EntryCommand) -> list[EntryEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    if isinstance(command, Plan):
        if entry.plan is not None:
            raise EntryAlreadyPlannedError
        longest = LONGEST_DAYS if command.all_day else LONGEST
        check_times(command.starts_at, command.ends_at, "#/ends_at", longest=longest)
        check_private(command, command.category)
        return [EntryPlanned(**command.told())]
    if isinstance(command, Mirror):
        check_times(command.starts_at, command.ends_at, "#/ends_at", longest=LONGEST_DAYS)
        check_private(command, command.category)
        return _mirror(entry, command)
    if entry.plan is None:
        raise EntryUnknownError
    if not isinstance(command, Reassign | TakeOver):  # Why it is another's is one of four words.
        check_private(command, entry.plan.category, "reason")
    return _change(entry, entry.plan, command)


def _change(entry: Entry, plan: EntryPlanned, command: Change) -> list[EntryEvent]:
    match command:
        case Describe():
            return _describe(plan, command)
        case Move():
            return _move(entry, plan, command)
        case Start(started_at=started_at):
            _check_open(entry)
            if entry.started_at not in (None, started_at):
                raise EntryHasStartedError
            return [] if entry.started_at else [EntryStarted(started_at=started_at)]
        case Done(started_at=started_at, ended_at=ended_at):
            longest = max(LONGEST, plan.ends_at - plan.starts_at)
            check_times(started_at, ended_at, "#/ended_at", longest=longest)
            return _done(entry, started_at, ended_at)
        case Miss(reason=reason):
            _check_open(entry)
            return [] if entry.status == "missed" else [EntryMissed(reason=reason)]
        case Displace(by=by, reason=reason):
            _check_open(entry)
            return [] if entry.displaced_by == by else [EntryDisplaced(by=by, reason=reason)]
        case Cancel(reason=reason):
            if entry.status == "done":
                raise EntryAlreadyDoneError
            return [] if entry.status == "cancelled" else [EntryCancelled(reason=reason)]
        case Reassign() | TakeOver():
            return _reassign(entry, plan, command)
        case _:
            assert_never(command)


def _reassign(entry: Entry, plan: EntryPlanned, command: Reassign | TakeOver) -> list[EntryEvent]:
    if plan.category == "private":
        raise EntryPrivateError
    _check_open(entry)
    if isinstance(command, TakeOver):
        told = EntryReassigned(seller=command.receiver, reason="handover", on=command.on)
        return [told] if command.moves(plan.seller) else []
    told = EntryReassigned(**command.model_dump(exclude={"date_unknown"}))
    return [] if plan.seller == command.seller else [told]


def _check_open(entry: Entry) -> None:
    if entry.status == "done":
        raise EntryAlreadyDoneError
    if entry.status == "cancelled":
        raise EntryIsCancelledError


def _describe(plan: EntryPlanned, command: Describe) -> list[EntryEvent]:
    if _privacy(plan) != _privacy(command):
        raise BecomesPrivateError(
            "an entry is private from its first fact on, or never", field="#/category"
        )
    told = {"sequence": plan.sequence, "modified": plan.modified, **command.told()}
    return _described(plan, told)


def _privacy(about: EntryPlanned | About) -> bool:
    return about.category == "private"


def _described(plan: EntryPlanned, told: dict[str, Any]) -> list[EntryEvent]:
    described = EntryDescribed(**told)
    known = EntryDescribed(**plan.model_dump(include=set(EntryDescribed.model_fields)))
    return [] if described == known else [described]


def _move(entry: Entry, plan: EntryPlanned, command: Move) -> list[EntryEvent]:
    _check_open(entry)
    if entry.started_at is not None:
        raise EntryHasStartedError
    longest = max(LONGEST_DAYS if plan.all_day else LONGEST, plan.ends_at - plan.starts_at)
    check_times(command.starts_at, command.ends_at, "#/ends_at", longest=longest)
    same = (plan.starts_at, plan.ends_at) == (command.starts_at, command.ends_at)
    if same and entry.status == "planned":
        return []
    kept = plan.model_dump(include={"all_day", "zone", "sequence", "modified"})
    return [EntryMoved(**kept, **command.model_dump())]


def _done(entry: Entry, started_at: datetime, ended_at: datetime) -> list[EntryEvent]:
    if entry.status == "cancelled":
        raise EntryIsCancelledError
    if entry.took == (started_at, ended_at):
        return []
    if entry.status == "done":
        raise EntryAlreadyDoneError
    return [EntryDone(started_at=started_at, ended_at=ended_at)]


def _mirror(entry: Entry, command: Mirror) -> list[EntryEvent]:
    """Take over what is new in the other calendar; what it said before this, it says no more."""
    plan = entry.plan
    gone: list[EntryEvent] = [EntryCancelled()] if command.cancelled else []
    if plan is None or (entry.status == "cancelled" and not command.cancelled):
        anew = command.told()
        anew.pop("cancelled")
        if plan is not None:
            if not _newer(plan, command) or _privacy(plan) != _privacy(command):
                return []
            anew |= plan.model_dump(include={*ABOUT, "category"} - set(MIRRORED))
        return [EntryPlanned(**anew), *gone]
    # Who tells no version is compared by content: of a private one nobody can do that.
    unversioned = plan.category != "private" and command.modified is None
    if not _newer(plan, command, or_same=unversioned):
        return []
    if command.cancelled:
        return gone if entry.status not in ("cancelled", "done") else []
    return [*_moved_there(entry, plan, command), *_described_there(plan, command)]


def _newer(plan: EntryPlanned, command: Mirror, *, or_same: bool = False) -> bool:
    """Whether this is a later version of the entry (RFC 5545: SEQUENCE, LAST-MODIFIED)."""
    known = (plan.sequence, plan.modified or NEVER)
    told = (command.sequence, command.modified or NEVER)
    return told > known or (or_same and told == known)


def _moved_there(entry: Entry, plan: EntryPlanned, command: Mirror) -> list[EntryEvent]:
    fields = ("starts_at", "ends_at", "all_day", "zone")
    same = all(getattr(plan, name) == getattr(command, name) for name in fields)
    if same or entry.status not in ("planned", "displaced"):
        return []
    return [EntryMoved(**command.model_dump(include={*fields, "sequence", "modified"}))]


def _described_there(plan: EntryPlanned, command: Mirror) -> list[EntryEvent]:
    if _privacy(plan) != _privacy(command):
        return []  # It stays as it was told first: nothing becomes private afterwards.
    told = command.told()
    kept = plan.model_dump(include=set(EntryDescribed.model_fields))
    new = {name: told[name] for name in (*MIRRORED, "sequence", "modified")}
    return _described(plan, {**kept, **new})


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
