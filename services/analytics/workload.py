"""How a seller's time was planned and spent, entry by entry (N-01, K-03 to K-08). Pure.

An entry counts on the day on which it began, or else is planned to begin, in the company's zone.
What lasts all day keeps nobody busy for minutes and is left out; of a private one the minutes are
all that anybody knows, and it is no work.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from services.analytics.cells import Cell, Sums
from services.analytics.told import Folded
from shared.events.calendar import (
    Category,
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

# Nobody's grace is longer: what was later than that was late by any definition.
LATE_MAX = 61
A_MINUTE = timedelta(minutes=1)

Status = Literal["planned", "started", "done", "missed", "displaced", "cancelled"]


class Entry(Folded, frozen=True, gc=False):
    """What its contributions need. `day` is None as long as nobody planned it."""

    stream: str
    seller: str = ""
    category: Category = "internal"
    day: date | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    all_day: bool = False
    unplanned: bool = False
    moved: bool = False
    status: Status = "planned"
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def owners(self) -> list[str]:
        return [self.seller]


def evolve_entry(known: Entry, event: EntryEvent, zone: ZoneInfo) -> Entry:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    if isinstance(event, EntryPlanned):
        known = Entry(known.stream, event.seller, event.category, unplanned=event.unplanned)
        return _on_its_day(_timed(known, event), zone)
    if known.day is None:
        return known  # Nobody planned it: facts about nothing that we know.
    return _on_its_day(_evolved(known, event), zone)


def _timed(known: Entry, event: EntryPlanned | EntryMoved) -> Entry:
    return replace(
        known,
        status="planned",
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        all_day=event.all_day,
    )


ENDED: dict[type[EntryEvent], Status] = {
    EntryMissed: "missed",
    EntryDisplaced: "displaced",
    EntryCancelled: "cancelled",
}


def _evolved(known: Entry, event: EntryEvent) -> Entry:
    match event:
        case EntryDescribed(category=category):
            return replace(known, category=category)
        case EntryMoved():
            return replace(_timed(known, event), moved=True)
        case EntryReassigned(seller=seller):
            return replace(known, seller=seller)
        case EntryStarted(started_at=started_at):
            return replace(known, status="started", started_at=started_at)
        case EntryDone(started_at=started_at, ended_at=ended_at):
            return replace(known, status="done", started_at=started_at, ended_at=ended_at)
        case _:
            return replace(known, status=ENDED[type(event)])


def _on_its_day(known: Entry, zone: ZoneInfo) -> Entry:
    took_place = known.started_at is not None and known.ended_at is not None
    begin = known.started_at if took_place else known.starts_at
    day = None if begin is None else begin.astimezone(zone).date()
    return known if day == known.day else replace(known, day=day)


def spend(sums: Sums, known: Entry) -> None:
    """Add what the entry adds to what.

    `time` has minutes `planned` and `actual` and `entries` by category; `plan` counts what became
    of plans; `lateness` counts how many minutes late something `started` and `ended`, so that any
    definition of punctual can be answered; `clock` tells when it was.
    """
    if known.day is None or known.all_day:
        return
    seller, category, day = known.seller, known.category, known.day
    if known.unplanned:
        sums[Cell("entries", seller, "time", category, day)] += 1
    else:
        minutes = minutes_between(known.starts_at, known.ends_at)
        plan_time(sums, seller, category, day, minutes)
        if category != "private":
            sums[Cell("plans", seller, "plan", "", day)] += 1
    actual = minutes_between(known.started_at, known.ended_at)
    sums[Cell("actual", seller, "time", category, day)] += actual
    if category != "private":
        _kept(sums, known, day)
        _lost(sums, known, day)
        _by_the_clock(sums, known, day)


def plan_time(sums: Sums, seller: str, category: Category, day: date, minutes: int) -> None:
    """Add what is planned for a day, whatever becomes of it: an entry, or one time of a series."""
    sums[Cell("entries", seller, "time", category, day)] += 1
    sums[Cell("planned", seller, "time", category, day)] += minutes


def _by_the_clock(sums: Sums, known: Entry, day: date) -> None:
    """When it was: taken away from the minute in which it began on, added to that of its end.

    Of any clock that counts minutes of one kind, evening or weekend, the sum of what it shows at
    these minutes is how many of them it took. A minute is written as its distance from midnight
    (UTC) of the entry's day.
    """
    midnight = datetime.combine(day, time.min, UTC)
    for at, amount in ((known.started_at, -1), (known.ended_at, 1)):
        if at is None or known.started_at is None or known.ended_at is None:
            continue
        minute = round((at - midnight) / A_MINUTE)
        sums[Cell("worked", known.seller, "clock", f"{minute}", day)] += amount


def _lost(sums: Sums, known: Entry, day: date) -> None:
    """What became of planned time that nobody got anything for (N-11): minutes and times."""
    if known.status in ("missed", "displaced", "cancelled"):
        minutes = minutes_between(known.starts_at, known.ends_at)
        sums[Cell("minutes", known.seller, "loss", known.status, day)] += minutes
        sums[Cell("times", known.seller, "loss", known.status, day)] += 1
    elif known.status == "done" and not known.unplanned:
        for inhibitor, planned, was in (
            ("late", known.starts_at, known.started_at),
            ("overrun", known.ends_at, known.ended_at),
        ):
            minutes = minutes_between(planned, was)
            if minutes > 0:
                sums[Cell("minutes", known.seller, "loss", inhibitor, day)] += minutes
                sums[Cell("times", known.seller, "loss", inhibitor, day)] += 1


def _kept(sums: Sums, known: Entry, day: date) -> None:
    seller = known.seller
    if known.unplanned:
        sums[Cell("unplanned", seller, "plan", "", day)] += 1
        return
    if known.moved:
        sums[Cell("moved", seller, "plan", "", day)] += 1
    if known.status not in ("planned", "started"):
        sums[Cell(known.status, seller, "plan", "", day)] += 1
    if known.status == "done":
        late = _late(known.started_at, known.starts_at), _late(known.ended_at, known.ends_at)
        sums[Cell("started", seller, "lateness", late[0], day)] += 1
        sums[Cell("ended", seller, "lateness", late[1], day)] += 1


def minutes_between(begin: datetime | None, end: datetime | None) -> int:
    """Return whole minutes; none where one of them is not known."""
    return 0 if begin is None or end is None else round((end - begin) / A_MINUTE)


def _late(was: datetime | None, planned: datetime | None) -> str:
    """Return how many minutes late it was, begun ones counted whole: two digits, at most 61."""
    assert was is not None
    assert planned is not None
    late = -((planned - was) // A_MINUTE)
    return f"{min(max(late, 0), LATE_MAX):02}"
