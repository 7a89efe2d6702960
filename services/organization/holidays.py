"""Reads public holidays out of an iCalendar file (RFC 5545): whole days, as programs write them.

What is no whole day is left out with the reason. No file costs more than it may: repetitions are
yearly, bounded by the days asked for, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from icalendar import Component

from services.organization.workcalendars import HOLIDAYS_MAX
from services.organization.yearly import OddRuleError, check_rule, yearly
from shared.errors import InvalidError

# A file with so many entries, repeated over so many years in all, is read in a few seconds.
ENTRIES_MAX, YEARS_MAX = 2_000, 10_000
DAYS_MAX = 31
EARLIEST_YEAR = 1900
NAME_MAX = 200
# A component of the file. What its properties are is up to who wrote it: each use looks first.
Entry: TypeAlias = Any


class _NoHolidayError(Exception):
    """Why an entry of the file is no public holiday."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry of the file that is no holiday, and why."""

    entry: str
    why: str


@dataclass(slots=True)
class Found:
    """What a file says of the days asked for."""

    days: dict[date, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, day: date, name: str) -> None:
        known = self.days.get(day, "").split(" / ") if day in self.days else []
        if name not in known:
            self.days[day] = " / ".join([*known, name])[:NAME_MAX]


def read_holidays(content: bytes, first: date, last: date) -> Found:
    """Return the holidays between two days, and the entries that are none.

    Raises:
        InvalidError: it is no iCalendar file, or says more than any country has holidays.

    """
    found, budget = Found(), [YEARS_MAX]
    for number, event in enumerate(_events(content)):
        if number >= ENTRIES_MAX:
            raise InvalidError(f"more than {ENTRIES_MAX} entries")
        name = " ".join(str(event.get("SUMMARY", "")).split())[:NAME_MAX] or "Holiday"
        try:
            for day in _days(event, first, last, budget):
                found.add(day, name)
        except _NoHolidayError as why:
            found.skipped.append(Skipped(name, str(why)))
        if len(found.days) > HOLIDAYS_MAX:
            raise InvalidError(f"more than {HOLIDAYS_MAX} holidays between {first} and {last}")
    return found


def _events(content: bytes) -> Iterator[Entry]:
    try:
        components = Component.from_ical(content.decode("utf-8-sig"), multiple=True)
    except Exception as error:
        # Whatever its parser trips over is in the file.
        raise InvalidError(f"not an iCalendar file: {error}") from error
    if not components:
        raise InvalidError("not an iCalendar file: there is nothing in it")
    for component in components:
        yield from component.walk("VEVENT")


def _days(event: Entry, first: date, last: date, budget: list[int]) -> Iterator[date]:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        raise _NoHolidayError("it is cancelled")
    start, length = _start(event), _length(event)
    begins = {start, *_repeated(event, start, last, budget), *_dates(event, "RDATE")}
    for begin in sorted(begins - _dates(event, "EXDATE")):
        for offset in range(length):
            if first <= begin + timedelta(offset) <= last:
                yield begin + timedelta(offset)


def _start(event: Entry) -> date:
    start = getattr(event.get("DTSTART"), "dt", None)
    if isinstance(start, datetime):
        raise _NoHolidayError("it begins at a time of the day, so it is no whole day")
    if not isinstance(start, date):
        raise _NoHolidayError("it has no day on which it begins")
    if start.year < EARLIEST_YEAR:
        raise _NoHolidayError(f"it begins before the year {EARLIEST_YEAR}")
    return start


def _length(event: Entry) -> int:
    start = event["DTSTART"].dt
    end = getattr(event.get("DTEND"), "dt", None)
    duration = getattr(event.get("DURATION"), "dt", None)
    if isinstance(duration, timedelta):
        length = duration.days
    elif isinstance(end, date) and not isinstance(end, datetime):
        length = (end - start).days
    else:
        length = 1
    if length > DAYS_MAX:
        raise _NoHolidayError(f"it lasts {length} days, and none has more than {DAYS_MAX}")
    return max(length, 1)


def _repeated(event: Entry, start: date, last: date, budget: list[int]) -> Iterator[date]:
    rule = event.get("RRULE")
    if rule is None:
        return
    try:
        check_rule(rule)
    except OddRuleError as why:
        raise _NoHolidayError(str(why)) from why
    until = min([*map(_day, rule.get("UNTIL", ())), last])
    budget[0] -= max(until.year - start.year, 0) + 1
    if budget[0] < 0:
        raise InvalidError(f"its entries repeat over more than {YEARS_MAX} years in all")
    yield from yearly(rule, start, until)


def _dates(event: Entry, name: str) -> set[date]:
    told: Any = event.get(name, [])
    lists = told if isinstance(told, list) else [told]
    found = [getattr(one, "dt", None) for each in lists for one in getattr(each, "dts", ())]
    return {_day(one) for one in found if isinstance(one, date)}


def _day(at: date) -> date:
    return at.date() if isinstance(at, datetime) else at
