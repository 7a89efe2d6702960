"""Which minutes of work are evening, weekend or holiday, where somebody lives and works. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.calendar.series import midnight
from services.calendar.workplace_views import SellerPlace, UnitPlace, WorkHours
from shared.through import held_on
from shared.worktime import WEEKDAYS, Hours, UsualWeek, hours_on

A_MINUTE = timedelta(minutes=1)


class Minutes(NamedTuple):
    """Minutes by when they were: in working hours, or before and after, on free days, holidays."""

    working: int = 0
    evening: int = 0
    weekend: int = 0
    holiday: int = 0

    def __add__(self, other: object) -> Minutes:
        assert isinstance(other, Minutes)
        return Minutes(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def outside(self) -> int:
        return self.evening + self.weekend + self.holiday


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a seller works, as far as was read: their unit and those above, by which calendars."""

    zone: ZoneInfo
    usual: UsualWeek
    seller: SellerPlace | None = None
    units: Mapping[str, UnitPlace] = field(default_factory=dict)
    calendars: Mapping[str, WorkHours] = field(default_factory=dict)

    def calendar_on(self, day: date) -> WorkHours | None:
        """Return the calendar of the nearest unit that has one; a circle of units has none."""
        unit = held_on(self.seller.units, day) if self.seller is not None else None
        seen: set[str] = set()
        while unit is not None and unit not in seen:
            seen.add(unit)
            known = self.units.get(unit)
            if known is None:
                return None
            calendar = held_on(known.calendars, day)
            if calendar is not None:
                return self.calendars.get(calendar)
            unit = held_on(known.parents, day)
        return None

    def minutes(self, begin: datetime, end: datetime) -> Minutes:
        """Return how many minutes of it were when, by the days of the seller's zone."""
        day, found = begin.astimezone(self.zone).date(), Minutes()
        while midnight(day, self.zone) < end:
            after = midnight(day + timedelta(days=1), self.zone)
            found += self._on(day, max(begin, midnight(day, self.zone)), min(end, after))
            day += timedelta(days=1)
        return found

    def _on(self, day: date, begin: datetime, end: datetime) -> Minutes:
        calendar = self.calendar_on(day)
        length = _minutes(begin, end)
        if calendar is not None and day in calendar.holidays:
            return Minutes(holiday=length)
        hours = self._hours(calendar, day)
        if hours.starts is None or hours.ends is None:
            return Minutes(weekend=length)
        starts = datetime.combine(day, hours.starts, self.zone)
        ends = datetime.combine(day, hours.ends, self.zone)
        working = _minutes(max(begin, starts), min(end, ends))
        return Minutes(working=working, evening=length - working)

    def _hours(self, calendar: WorkHours | None, day: date) -> Hours:
        weekday = WEEKDAYS[day.weekday()]
        told = hours_on(calendar.week, weekday, day) if calendar is not None else None
        return told or self.usual.hours(weekday)


def _minutes(begin: datetime, end: datetime) -> int:
    # Instants, not times of the day: the night in which the clocks change is longer or shorter.
    return max(round((end.timestamp() - begin.timestamp()) / A_MINUTE.total_seconds()), 0)
