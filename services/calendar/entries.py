"""What may happen to a calendar entry. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Literal, assert_never

from services.calendar.about import (
    LONGEST,
    LONGEST_DAYS,
    About,
    Reason,
    Timed,
    Zone,
    check_private,
    check_times,
)
from services.calendar.entry_state import (
    BecomesPrivateError,
    Entry,
    EntryAlreadyDoneError,
    EntryAlreadyPlannedError,
    EntryHasStartedError,
    EntryIsCancelledError,
    EntryPrivateError,
    EntryUnknownError,
    described,
    is_private,
)
from services.calendar.mirroring import Mirror, decide_mirror
from shared.command import Command, DatedCommand, Instant
from shared.errors import InvalidError
from shared.events.calendar import (
    EntryCancelled,
    EntryDisplaced,
    EntryDone,
    EntryEvent,
    EntryMissed,
    EntryMoved,
    EntryPlanned,
    EntryReassigned,
    EntryStarted,
    SeriesPlanned,
)
from shared.handovers import TakeOver
from shared.references import EmployeeStream, EntryStream, SeriesStream


class Plan(Timed):
    zone: Zone | None = None
    unplanned: bool = False
    series: SeriesStream | None = None
    occurrence: Instant | None = None


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
        return decide_mirror(entry, command)
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
    told = handed_over(plan, command)
    _check_open(entry)
    return [] if told is None else [EntryReassigned(**told)]


def handed_over(
    plan: EntryPlanned | SeriesPlanned, command: Reassign | TakeOver
) -> dict[str, Any] | None:
    """Return what is told of who has it from now on, None where that changes nothing."""
    if plan.category == "private":
        raise EntryPrivateError
    if isinstance(command, TakeOver):
        told = {"seller": command.receiver, "reason": "handover", "on": command.on}
        return told if command.moves(plan.seller) else None
    return None if plan.seller == command.seller else command.model_dump(exclude={"date_unknown"})


def _check_open(entry: Entry) -> None:
    if entry.status == "done":
        raise EntryAlreadyDoneError
    if entry.status == "cancelled":
        raise EntryIsCancelledError


def _describe(plan: EntryPlanned, command: Describe) -> list[EntryEvent]:
    if is_private(plan) != is_private(command):
        raise BecomesPrivateError(
            "an entry is private from its first fact on, or never", field="#/category"
        )
    told = {"sequence": plan.sequence, "modified": plan.modified, **command.told()}
    return described(plan, told)


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
