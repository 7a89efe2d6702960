"""Which minutes of work were in evenings, on weekends and holidays, where somebody works. Pure.

An entry counts on its day as in the workload. How many of its minutes were in an evening is what a
clock of evenings shows at its end, less what it shows at its begin; so sums over entries, days and
sellers are sums over these two readings, whatever the working hours are, and however they change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from services.analytics.cells import Cell
from services.analytics.names import occurring
from services.analytics.packing import changes
from services.analytics.pipeline import Key
from services.analytics.tables import Grain, Table, intervals, parts_of
from shared.workplaces import SellerPlace, UnitPlace, WorkHours, Workplace, midnight
from shared.worktime import UsualWeek

When = Literal["evening", "weekend", "holiday"]
WHEN: tuple[When, ...] = get_args(When)
# No entry lasts longer; and a day of the company begins before or after one of the seller.
LONGEST = timedelta(days=33)
A_DAY = 24 * 60


# Says how many minutes of a kind there have been at many instants.
Reader = Callable[[When, npt.NDArray[np.int64]], npt.NDArray[np.float64]]


class Clock(NamedTuple):
    """How many minutes of each kind there have been at some instants, in minutes since year 1."""

    instants: npt.NDArray[np.int64]
    shown: Mapping[When, npt.NDArray[np.int64]]

    def at(self, when: When, instants: Any) -> npt.NDArray[np.float64]:
        """Return what it shows: whole minutes, since it only ever stands still or runs."""
        shows: npt.NDArray[np.float64] = np.interp(instants, self.instants, self.shown[when])
        return shows

    def reader(self, first: int, last: int, often: int) -> Reader:
        """Say what it shows from one instant to another: looked at once a minute, where often."""
        if last - first >= often:
            return self.at
        minutes = np.arange(first, last + 1)
        known = {when: self.at(when, minutes) for when in WHEN}
        return lambda when, instants: known[when][instants - first]


EPOCH_MINUTES = date(1970, 1, 1).toordinal() * A_DAY


def clock_of(place: Workplace, first: date, last: date) -> Clock:
    """Return the clock of somebody's evenings, weekends and holidays around these days."""
    instants: list[int] = []
    kinds: list[When | None] = []
    day, end = _moved(first, -LONGEST), _moved(last, LONGEST)
    while day < end:
        begins = midnight(day, place.zone)
        hours = place.hours(day)
        if place.is_holiday(day):
            parts: list[tuple[Any, When | None]] = [(begins, "holiday")]
        elif hours.starts is None or hours.ends is None:
            parts = [(begins, "weekend")]
        else:
            starts = begins.combine(day, hours.starts, place.zone)
            ends = begins.combine(day, hours.ends, place.zone)
            parts = [(begins, "evening"), (starts, None), (max(starts, ends), "evening")]
        for at, kind in parts:
            instants.append(EPOCH_MINUTES + round(at.timestamp() / 60))
            kinds.append(kind)
        day += timedelta(days=1)
    instants.append(EPOCH_MINUTES + round(midnight(end, place.zone).timestamp() / 60))
    lengths = np.diff(np.array(instants, np.int64))
    shown = {
        when: np.concatenate([[0], np.cumsum(np.where([k == when for k in kinds], lengths, 0))])
        for when in WHEN
    }
    return Clock(np.array(instants, np.int64), shown)


def _moved(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return day


@dataclass(slots=True)
class Places:
    """Where everybody works, as it was read: by their units, these units' calendars, their zone."""

    usual: UsualWeek
    zone: ZoneInfo
    sellers: Mapping[str, SellerPlace] = field(default_factory=dict)
    units: Mapping[str, UnitPlace] = field(default_factory=dict)
    calendars: Mapping[str, WorkHours] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)

    def of(self, seller: str) -> Workplace:
        zone = ZoneInfo(self.zones.get(seller, self.zone.key))
        place = self.sellers.get(seller)
        return Workplace(zone, self.usual, place, self.units, self.calendars)

    def turns(self, seller: str) -> set[date]:
        """Return the days from which on somebody may work by another calendar."""
        known = self.sellers.get(seller)
        dated = list(known.units) if known is not None else []
        found, seen = {date.min}, set[str]()
        while dated:
            held = dated.pop()
            found.add(held.since or date.min)
            unit = self.units.get(held.what)
            if unit is not None and unit.unit not in seen:
                seen.add(unit.unit)
                dated += unit.parents
                found.update(one.since or date.min for one in unit.calendars)
        return found


# By which calendars somebody works, from which day on, in which zone.
Worked = tuple[str, tuple[tuple[date, str | None], ...]]


class Clocks:
    """The clock of each seller; who works by the same hours has the same one."""

    def __init__(self, places: Places, first: date, last: date) -> None:
        self._places, self._first, self._last = places, first, last
        self._sellers: dict[str, int] = {}
        self._same: dict[Worked, int] = {}
        self.clocks: list[Clock] = []

    def number(self, seller: str) -> int:
        """Return the place of a seller's clock among all of them."""
        found = self._sellers.get(seller)
        if found is None:
            place = self._places.of(seller)
            worked = self._worked(seller, place)
            found = self._sellers[seller] = self._same.setdefault(worked, len(self.clocks))
            if found == len(self.clocks):
                self.clocks.append(clock_of(place, self._first, self._last))
        return found

    def _worked(self, seller: str, place: Workplace) -> Worked:
        told: list[tuple[date, str | None]] = []
        for day in sorted(self._places.turns(seller)):
            calendar = place.calendar_on(day)
            name = None if calendar is None else calendar.calendar
            if not told or told[-1][1] != name:
                told.append((day, name))
        return place.zone.key, tuple(told)

    def shows(self, cell: Cell, when: When) -> int:
        """Return what a cell of the axis `clock` adds of a kind for each of its amount."""
        instant = cell.day.toordinal() * A_DAY + int(cell.value)
        return int(self.clocks[self.number(cell.owner)].at(when, instant))


# Says to which row somebody's minutes of a day belong; () where to none.
KeyOf = Callable[[str, date], tuple[Key] | tuple[()]]


@dataclass(frozen=True, slots=True)
class Outside:
    """Sums the minutes of a table of the axis `clock` into rows."""

    table: Table
    clocks: Clocks

    def by(self, grain: Grain, owner: str | None, key_of: KeyOf) -> dict[Key, Counter[When]]:
        """Return the minutes of each row, of the days of the grain."""
        rows = self.table.chosen(grain, owner)
        found: dict[Key, Counter[When]] = {}
        if not len(rows):
            return found
        named = _Named.of(self.table, rows["series"], self.clocks)
        begin, last = int(rows["day"].min()), int(rows["day"].max())
        spans, firsts = _spans(begin, last, grain)
        clocks = self.clocks.clocks
        # An entry that begins on one day ends on another.
        between = begin * A_DAY + int(named.minute.min()), last * A_DAY + int(named.minute.max())
        readers = [clock.reader(*between, often=len(rows) // len(clocks)) for clock in clocks]
        places = (len(named.owners) if grain.owners else 1) * len(firsts)
        sums = np.zeros((len(WHEN), places))
        for some in parts_of(rows):
            series, day = some["series"], some["day"].astype(np.int64)
            place = spans[day - begin]
            if grain.owners:
                place += named.owner[series] * len(firsts)
            instants = day * A_DAY + named.minute[series]
            _add(sums, readers, named.clock[series], place, instants, some["amount"])
        for at in np.flatnonzero(sums.any(axis=0)).tolist():
            who, span = divmod(at, len(firsts))
            for key in key_of(named.owners[who], date.fromordinal(firsts[span])):
                row = found.setdefault(key, Counter())
                for kind, when in enumerate(WHEN):
                    row[when] += round(sums[kind, at])
        return found


def _add(
    sums: npt.NDArray[np.float64],
    readers: Sequence[Reader],
    clock: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
    instants: npt.NDArray[np.int64],
    amounts: npt.NDArray[np.int64],
) -> None:
    """Add the minutes of each kind to the sums of their places."""
    for number, read in enumerate(readers):
        theirs: Any = slice(None) if len(readers) == 1 else clock == number
        at, told, weights = places[theirs], instants[theirs], amounts[theirs]
        if not len(at):
            continue
        # Rows are in order of whose they are: some of them are of few places.
        first, past = int(at.min()), int(at.max()) + 1
        for kind, when in enumerate(WHEN):
            shown = read(when, told) * weights
            sums[kind, first:past] += np.bincount(at - first, shown, past - first)


class _Named(NamedTuple):
    """What the series of a table say, by their numbers."""

    owners: list[str]
    owner: npt.NDArray[np.int64]
    minute: npt.NDArray[np.int64]
    clock: npt.NDArray[np.int64]

    @staticmethod
    def of(table: Table, used: npt.NDArray[Any], clocks: Clocks) -> _Named:
        numbers = table.names.numbers_of()
        _, owners, values = (part.names for part in table.names.parts)
        # Each owner and each minute is looked at once: a seller has hundreds of series.
        theirs = numbers[occurring(used)]
        clock, minute = np.zeros(len(owners), np.int64), np.zeros(len(values), np.int64)
        for number in occurring(theirs[:, 1]).tolist():
            clock[number] = clocks.number(owners[number])
        for number in occurring(theirs[:, 2]).tolist():
            minute[number] = int(values[number])
        owner = numbers[:, 1]
        return _Named(owners, owner, minute[numbers[:, 2]], clock[owner])


def _spans(first: int, last: int, grain: Grain) -> tuple[npt.NDArray[np.int64], list[int]]:
    """Number the days that are the same to a grain; return the number of each, and their first."""
    days = np.arange(first, last + 1)
    begins = changes(np.zeros(len(days)), *intervals(days, grain.days))
    numbers = np.searchsorted(begins, np.arange(len(days)), side="right") - 1
    return numbers, days[begins].tolist()
