"""Which minutes of work are evening, weekend or holiday, where somebody lives and works. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from shared.workplaces import Workplace, midnight

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


def minutes(place: Workplace, begin: datetime, end: datetime) -> Minutes:
    """Return how many minutes of it were when, by the days of the seller's zone."""
    day, found = begin.astimezone(place.zone).date(), Minutes()
    while midnight(day, place.zone) < end:
        after = midnight(day + timedelta(days=1), place.zone)
        found += _on(place, day, max(begin, midnight(day, place.zone)), min(end, after))
        day += timedelta(days=1)
    return found


def _on(place: Workplace, day: date, begin: datetime, end: datetime) -> Minutes:
    length = _minutes(begin, end)
    if place.is_holiday(day):
        return Minutes(holiday=length)
    hours = place.hours(day)
    if hours.starts is None or hours.ends is None:
        return Minutes(weekend=length)
    starts = datetime.combine(day, hours.starts, place.zone)
    ends = datetime.combine(day, hours.ends, place.zone)
    working = _minutes(max(begin, starts), min(end, ends))
    return Minutes(working=working, evening=length - working)


def _minutes(begin: datetime, end: datetime) -> int:
    # Instants, not times of the day: the night in which the clocks change is longer or shorter.
    return max(round((end.timestamp() - begin.timestamp()) / A_MINUTE.total_seconds()), 0)
