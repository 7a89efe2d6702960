"""All cells in memory, as tables of numbers: what reports are summed from.

A table is never changed, only followed by the next one; so who reads an older one is not disturbed.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from services.analytics.cells import Axis, Cell, Per
from services.analytics.names import Names, StandsFor, occurring
from services.analytics.packing import (
    ROW,
    Packed,
    Rows,
    Series,
    cell_of,
    changes,
    summed,
    write,
)

# So many rows that came since are kept as they came; then all are put in order again.
LOOSE_MAX = 20_000
# So many rows are summed at once.
AT_ONCE = 1 << 16


class Apart(NamedTuple):
    """Which days a report tells apart: of different periods, and before and from each turn."""

    turns: Collection[date] = ()
    per: Per | None = None


EACH_DAY = Apart(per="day")


# Says which owners are the same to a report, on a day and credited to one (or to none).
PlaceOf = Callable[[Axis, str, date, date | None], Hashable]

ALIKE_NONE: Mapping[Axis, StandsFor] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Grain:
    """What a report cannot tell apart, and so need not be given apart.

    A cell that stands for several has the day of one of them, and no owner where nobody asks whose
    it is; where only their place is asked for (`placed`), the owner of one of them. Cells of days
    before `first` and after `last` are left out. On an axis that `alike` names it says which value
    stands for theirs; those of which it says none are left out.
    """

    days: Apart = EACH_DAY
    credited: Apart = EACH_DAY
    first: date | None = None
    last: date | None = None
    owners: bool = True
    placed: PlaceOf | None = None
    alike: Mapping[Axis, StandsFor] = field(default_factory=lambda: ALIKE_NONE)


EXACT = Grain()


def bounds(first: date | None, last: date | None) -> frozenset[date]:
    """Return the turns by which what is within a period is told from what is not."""
    after = None if last is None or last == date.max else last + timedelta(days=1)
    return frozenset(day for day in (first, after) if day is not None)


class Exactly(NamedTuple):
    """Cells as they are: of whom and of which value each row is, by their place in the names."""

    owners: Sequence[str]
    owner: npt.NDArray[np.int64]
    values: Sequence[str]
    value: npt.NDArray[np.int64]
    rows: Rows


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of one axis: rows in order, and those that came since."""

    names: Names = field(default_factory=Names)
    ordered: Rows = field(default_factory=lambda: np.empty(0, ROW))
    loose: tuple[Rows, ...] = ()

    def with_(self, packed: Sequence[Packed]) -> Table:
        loose = list(self.loose)
        for one in packed:
            rows = one.read().copy()
            rows["series"] = self.names.numbered(one.series)[rows["series"]]
            loose.append(rows)
        if sum(map(len, loose)) <= max(LOOSE_MAX, len(self.ordered) // 8):
            return Table(self.names, self.ordered, tuple(loose))
        return Table(self.names, summed(np.concatenate([self.ordered, *loose])))

    def rows(self) -> Rows:
        return np.concatenate([self.ordered, *self.loose]) if self.loose else self.ordered

    @property
    def first(self) -> date | None:
        """Return the first day of which there is anything."""
        rows = self.rows()
        return date.fromordinal(int(rows["day"].min())) if len(rows) else None

    def exactly(self, measures: Collection[str] | None, last: date) -> Exactly:
        """Return the cells of some (None: all) measures up to a day, each by itself."""
        rows = self.chosen(Grain(last=last), None)
        names, (told_measures, told_owners, told_values) = self.names.numbers_of(), self.names.parts
        if measures is not None:
            wanted = np.array([name in measures for name in told_measures.names], bool)
            rows = rows[wanted[names[rows["series"], 0]]]
        rows = summed(rows) if self.loose else rows
        of = names[rows["series"]]
        return Exactly(told_owners.names, of[:, 1], told_values.names, of[:, 2], rows)

    @property
    def values(self) -> set[str]:
        """Return the values of which there is anything, on whatever day."""
        known = self.names.known
        return {known[number][2] for number in occurring(self.rows()["series"]).tolist()}

    def packed(self) -> Packed:
        """Write down all of it, with the series that it has rows of."""
        rows = summed(self.rows())
        used, places = np.unique(rows["series"], return_inverse=True)
        rows["series"] = places
        return Packed([self.names.known[number] for number in used], rows.tobytes())

    def add_to(self, cells: dict[Cell, int], axis: Axis, grain: Grain, owner: str | None) -> None:
        """Add what the table holds to cells, as coarse as the grain allows."""
        rows = self.chosen(grain, owner)
        if not len(rows):
            return
        series: Sequence[Series] = self.names.known
        stands_for = None
        if not grain.owners or axis in grain.alike:
            used = occurring(rows["series"])
            series, standing = self.names.coarser(grain.alike.get(axis), used, owners=grain.owners)
            stands_for = np.empty(used[-1] + 1, np.int64)
            stands_for[used] = standing
        some = [_Apart.of(part, stands_for, grain) for part in parts_of(rows)]
        apart = some[0] if len(some) == 1 else _Apart.all_of(some).summed()
        found = _Found(axis, series, apart.numbers, apart.rows, apart.amounts)
        if grain.owners and grain.placed is not None and len(apart.amounts):
            found = found.placed(grain.placed, apart.columns)
        found.add_to(cells)

    def chosen(self, grain: Grain, owner: str | None) -> Rows:
        """Return the rows of the days of a grain, of one owner alone if told."""
        rows = self.rows()
        wanted: Any = True
        if owner is not None:
            theirs = [told[1] == owner for told in self.names.known]
            wanted = np.array(theirs, bool)[rows["series"]]
        if grain.first is not None:
            wanted = wanted & (rows["day"] >= grain.first.toordinal())
        if grain.last is not None:
            wanted = wanted & (rows["day"] <= grain.last.toordinal())
        return rows if wanted is True or wanted.all() else rows[wanted]


def parts_of(rows: Rows) -> Iterator[Rows]:
    """Yield the rows, so many at a time that their columns are within reach of the processor."""
    for at in range(0, len(rows), AT_ONCE):
        yield rows[at : at + AT_ONCE]


class _Apart(NamedTuple):
    """Rows that a grain tells apart: by the number of what they are of, and by columns of days."""

    numbers: npt.NDArray[Any]
    columns: list[npt.NDArray[Any]]
    rows: Rows
    amounts: npt.NDArray[np.int64]

    @staticmethod
    def of(rows: Rows, stands_for: npt.NDArray[np.int64] | None, grain: Grain) -> _Apart:
        """Tell some rows apart; a negative number is stood for by none, and left out."""
        numbers, credited = rows["series"], rows["credited"]
        columns = [
            *intervals(rows["day"], grain.days),
            *intervals(credited, grain.credited),
            # Credited to no day is another thing than to any.
            credited == 0,
        ]
        if stands_for is not None:
            numbers = stands_for[numbers]
            told_of = numbers >= 0
            if not told_of.all():
                numbers, rows = numbers[told_of], rows[told_of]
                columns = [column[told_of] for column in columns]
        return _Apart(numbers, columns, rows, rows["amount"]).summed()

    @staticmethod
    def all_of(some: Sequence[_Apart]) -> _Apart:
        columns = zip(*(one.columns for one in some), strict=True)
        return _Apart(
            np.concatenate([one.numbers for one in some]),
            [np.concatenate(column) for column in columns],
            np.concatenate([one.rows for one in some]),
            np.concatenate([one.amounts for one in some]),
        )

    def summed(self) -> _Apart:
        """Let one row stand for all that are alike; leave out what adds up to nothing."""
        begins, amounts = grouped(self.amounts, [self.numbers, *self.columns])
        begins, amounts = begins[amounts != 0], amounts[amounts != 0]
        columns = [column[begins] for column in self.columns]
        return _Apart(self.numbers[begins], columns, self.rows[begins], amounts)


class _Found(NamedTuple):
    """Rows that a grain tells apart, of which series each is, and how much it is."""

    axis: Axis
    series: Sequence[Series]
    numbers: npt.NDArray[Any]
    rows: Rows
    amounts: npt.NDArray[np.int64]

    def add_to(self, cells: dict[Cell, int]) -> None:
        told = (self.numbers, self.rows["day"], self.rows["credited"], self.amounts)
        for number, day, credit, amount in zip(*(c.tolist() for c in told), strict=True):
            cell = cell_of(self.axis, self.series[number], day, credit)
            cells[cell] = cells.get(cell, 0) + amount

    def placed(self, place_of: PlaceOf, columns: Sequence[npt.NDArray[Any]]) -> _Found:
        """Let one owner stand for all in the same place; columns tell the days apart."""
        owner, what = self._series_told()
        first, apart = alike([owner, *columns])
        places: dict[Hashable, int] = {}
        told = (self.numbers, self.rows["day"], self.rows["credited"])
        known = []
        for number, day, credit in zip(*(c[first].tolist() for c in told), strict=True):
            credited = date.fromordinal(credit) if credit else None
            place = place_of(self.axis, self.series[number][1], date.fromordinal(day), credited)
            known.append(places.setdefault(place, len(places)))
        place_at = np.array(known, np.int64)[apart]
        begins, amounts = grouped(self.amounts, [what, place_at, *columns])
        return self._replace(numbers=self.numbers[begins], rows=self.rows[begins], amounts=amounts)

    def _series_told(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return numbers of whose each row is, and of which measure and value."""
        used = occurring(self.numbers)
        owners: dict[str, int] = {}
        whats: dict[tuple[str, str], int] = {}
        told = np.empty((int(used[-1]) + 1, 2), np.int64)
        named = [self.series[number] for number in used.tolist()]
        told[used, 0] = [owners.setdefault(owner, len(owners)) for _, owner, _ in named]
        told[used, 1] = [whats.setdefault((m, value), len(whats)) for m, _, value in named]
        return told[self.numbers, 0], told[self.numbers, 1]


def alike(
    columns: Sequence[npt.NDArray[Any]],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return one row of each that are alike in every column, and for each row which one."""
    apart: npt.NDArray[Any] = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, numbers = np.unique(column, return_inverse=True)
        apart = apart * len(values) + numbers
        # Numbered anew each time: so they stay as few as there are rows.
        apart = np.unique(apart, return_inverse=True)[1]
    _, first, numbers = np.unique(apart, return_index=True, return_inverse=True)
    return first, numbers


def grouped(
    amounts: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[Any]]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Sum the amounts of rows that are alike in every column; return one row of each, and its sum.

    Those that follow one another come first: mostly that leaves few to be put in order. Where no
    two of them are alike, none are looked for elsewhere; but more rows than can differ are summed.
    """
    if not len(amounts):
        return np.empty(0, np.intp), amounts
    begins = changes(*columns)
    sums = np.add.reduceat(amounts, begins)
    columns = [column[begins] for column in columns]
    places, different = _places(columns, len(begins))
    if different < len(begins):
        rows, total = np.full(different, -1), np.zeros(different, np.int64)
        np.add.at(total, places, sums)
        rows[places] = np.arange(len(begins))
        told = rows >= 0
        return begins[rows[told]], total[told]
    if len(begins) == len(amounts):
        return begins, sums
    order = np.lexsort(columns)
    again = changes(*(column[order] for column in columns))
    return begins[order][again], np.add.reduceat(sums[order], again)


def _places(columns: Sequence[npt.NDArray[Any]], rows: int) -> tuple[npt.NDArray[np.int64], int]:
    """Number what rows are alike in, and say how many numbers there can be; past so many: none."""
    places, different = np.zeros(rows, np.int64), 1
    for column in columns:
        first, last = int(column.min()), int(column.max())
        different *= last - first + 1
        if different >= rows:
            break
        places *= last - first + 1
        places += column.astype(np.int64) - first
    return places, different


# The ordinal of 1970-01-01, from which numpy counts.
EPOCH = date(1970, 1, 1).toordinal()


def intervals(days: npt.NDArray[Any], apart: Apart) -> list[npt.NDArray[Any]]:
    """Return columns of which one differs where two days are to be told apart."""
    if apart.per == "day":
        return [days]
    if not len(days) or (apart.per is None and not apart.turns):
        return []
    first, last = int(days.min()), int(days.max())
    if last - first < len(days):  # Each day is looked at once, where rows are more.
        told = _intervals(np.arange(first, last + 1), apart)
        return [column[days - first] for column in told]
    return _intervals(days, apart)


def _intervals(days: npt.NDArray[Any], apart: Apart) -> list[npt.NDArray[Any]]:
    columns = []
    if apart.turns:
        turns = sorted(day.toordinal() for day in apart.turns)
        columns.append(np.searchsorted(turns, days, side="right"))
    match apart.per:
        case "week":
            columns.append((days - 1) // 7)  # Ordinal 1 was a Monday.
        case "month" | "quarter":
            months = (days - EPOCH).astype("datetime64[D]").astype("datetime64[M]").astype(int)
            columns.append(months if apart.per == "month" else months // 3)
        case "day":
            columns.append(days)
        case None:
            pass
    return columns


NOTHING: Mapping[Axis, Table] = {}


@dataclass(frozen=True, slots=True)
class Tables:
    """The cells of every axis."""

    by_axis: Mapping[Axis, Table] = field(default_factory=lambda: NOTHING)

    def with_(self, added: Iterable[Mapping[Axis, Packed]]) -> Tables:
        """Return these tables and what was added since."""
        coming: dict[Axis, list[Packed]] = {}
        for one in added:
            for axis, packed in one.items():
                coming.setdefault(axis, []).append(packed)
        changed = {
            axis: self.by_axis.get(axis, Table()).with_(packed) for axis, packed in coming.items()
        }
        return Tables({**self.by_axis, **changed})

    def cells(
        self, axes: Collection[Axis], grain: Grain = EXACT, owner: str | None = None
    ) -> dict[Cell, int]:
        """Return the cells of some axes, of one owner alone if told; none is of nothing."""
        cells: dict[Cell, int] = {}
        for axis in axes:
            if axis in self.by_axis:
                self.by_axis[axis].add_to(cells, axis, grain, owner)
        return {cell: amount for cell, amount in cells.items() if amount}

    def values(self, axis: str | None) -> set[str]:
        """Return the values of an axis of which there is anything, on whatever day."""
        told = (table.values for name, table in self.by_axis.items() if name == axis)
        return set().union(*told)

    @property
    def owners(self) -> set[str]:
        """Return of whom there ever was anything."""
        told = (table.names.parts[1].names for table in self.by_axis.values())
        return set().union(*told)

    def written(self) -> bytes:
        return write({axis: table.packed() for axis, table in sorted(self.by_axis.items())})

    @property
    def size(self) -> int:
        return sum(len(table.rows()) for table in self.by_axis.values())
