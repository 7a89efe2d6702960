"""How much of a seller's time is planned by what repeats (N-01, K-13). Pure.

Each of its times plans as much as an entry would, whose it is on that day; it is no plan that could
be kept or missed until something became of it. What was skipped does not take place; what was taken
out is an entry by now, and counts as one.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple, assert_never
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from services.analytics.cells import Sums
from services.analytics.told import Folded
from services.analytics.workload import minutes_between, plan_time
from shared.events import Envelope
from shared.events.calendar import (
    Category,
    SeriesEnded,
    SeriesEvent,
    SeriesOccurrenceSkipped,
    SeriesOccurrenceTakenOut,
    SeriesPlanned,
    SeriesReassigned,
)
from shared.occurrences import Repeats, occurrences, repeats_of
from shared.through import Through, all_along, from_then_on, until

# Most rules never end, and no fold looks at a clock: times are counted to the end of so many years
# after the one in which something of the series was recorded last.
YEARS_AHEAD = 1
# And from so many years before the first one: a rule that is daily since 1900 would cost seconds.
YEARS_BACK = 10


class Repeating(Struct, frozen=True, gc=False):
    """What was planned, and when it takes place."""

    category: Category
    all_day: bool
    times: Repeats


class PlannedSeries(Folded, frozen=True, gc=False):
    """What its contributions need. `plan` is None as long as nobody planned it."""

    stream: str
    plan: Repeating | None = None
    held: Through = ()
    # Which of its times do not count as its own: skipped, or entries by now.
    gone: tuple[datetime, ...] = ()
    last_day: date | None = None
    # In which years something of it was recorded, and in which zone the company's days are.
    first_year: int = 0
    last_year: int = 0
    days_of: str = ""

    @property
    def owners(self) -> list[str]:
        return sorted({one.what for one in self.held})


def evolve_series(
    known: PlannedSeries, event: SeriesEvent, fact: Envelope, zone: ZoneInfo
) -> PlannedSeries:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    year = fact.recorded_at.astimezone(zone).year
    first, last = min(known.first_year or year, year), max(known.last_year, year)
    known = replace(known, first_year=first, last_year=last, days_of=zone.key)
    match event:
        case SeriesPlanned():
            held = all_along(known.held, event.seller)
            plan = Repeating(event.category, event.all_day, repeats_of(event))
            return replace(known, plan=plan, held=held, last_day=None)
        case (
            SeriesOccurrenceSkipped(occurrence=occurrence)
            | SeriesOccurrenceTakenOut(occurrence=occurrence)
        ):
            return replace(known, gone=_with(known.gone, occurrence.astimezone(UTC)))
        case SeriesEnded(last_day=last_day):
            return replace(known, last_day=last_day)
        case SeriesReassigned(seller=seller):
            return replace(known, held=from_then_on(known.held, seller, fact.day(zone)))
        case _:
            assert_never(event)


def _with(times: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
    place = bisect_left(times, at)
    return times if times[place : place + 1] == (at,) else (*times[:place], at, *times[place:])


class Days(NamedTuple):
    """Some days of the zone of a series, both included."""

    first: date
    last: date


def counted(known: PlannedSeries) -> Days:
    """Return the days whose times are counted, however long its rule goes on."""
    first, last = known.first_year - YEARS_BACK, known.last_year + YEARS_AHEAD
    return Days(date(first, 1, 1), date(last, 12, 31))


def repeat(sums: Sums, known: PlannedSeries, days: Days | None = None) -> None:
    """Add what the series adds to what; with `days`, by its times on these alone."""
    plan = known.plan
    if plan is None or plan.all_day:
        return
    minutes = minutes_between(plan.times.starts_at, plan.times.ends_at)
    zone = ZoneInfo(known.days_of)
    for seller, begin in _times(known, plan.times, days or counted(known)):
        plan_time(sums, seller, plan.category, begin.astimezone(zone).date(), minutes)


def _times(known: PlannedSeries, plan: Repeats, days: Days) -> Iterator[tuple[str, datetime]]:
    """Yield whose each of its times is, and when it begins."""
    whole, held = counted(known), list(until(known.held, known.last_day))
    begins = [one.since or date.min for one, _ in held]
    # Once for all who had it: a rule with a COUNT is counted from its beginning each time.
    gone = (*plan.except_dates, *known.gone)
    what = dataclasses.replace(plan, except_dates=gone, last_day=known.last_day)
    first, last = max(days.first, whole.first), min(days.last, whole.last)
    for begin, _ in occurrences(what, first, last):
        place = bisect_right(begins, begin.date()) - 1
        if place >= 0 and begin.date() <= (held[place][1] or date.max):
            yield held[place][0].what, begin


def _rest(known: PlannedSeries) -> PlannedSeries:
    return replace(known, gone=(), facts=())


def differing(before: PlannedSeries, after: PlannedSeries) -> Days | None:
    """Return days on all others of which both add the same; None: they may differ on any."""
    if before.plan is None or _rest(before) != _rest(after):
        return None
    zone = ZoneInfo(before.plan.times.zone)
    days = [at.astimezone(zone).date() for at in set(before.gone) ^ set(after.gone)]
    return Days(min(days), max(days)) if days else None
