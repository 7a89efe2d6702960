"""What is stored of the cells beside what the log says, compared as columns of numbers. Pure.

Both are put in order and compared as they are. So no cell is made of the millions that are alike;
only what differs is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from services.analytics.cells import Axis, Cell
from services.analytics.packing import Packed, Rows, Series, by_axis, cell_of, rows_of, summed

Numbers = dict[Series, int]


class Different(NamedTuple):
    """One cell as it is stored, and as the log has it; 0 stands for there is none."""

    cell: Cell
    stored: int
    told: int


@dataclass(slots=True)
class _Sides:
    """Rows of one axis, of both sides by the same numbers of their series."""

    numbers: Numbers = field(default_factory=dict)
    stored: list[Rows] = field(default_factory=list)
    told: list[Rows] = field(default_factory=list)


@dataclass(slots=True)
class Comparison:
    """Takes in what is stored and what the log says, in whatever pieces; then says what differs."""

    _axes: dict[Axis, _Sides] = field(default_factory=dict)

    def tell(self, cells: Mapping[Cell, int]) -> None:
        """Take in what the log says."""
        for axis, told in by_axis(cells).items():
            sides = self._axes.setdefault(axis, _Sides())
            sides.told.append(rows_of(told, sides.numbers))

    def store(self, added: Mapping[Axis, Packed]) -> None:
        """Take in what is stored."""
        for axis, packed in added.items():
            sides = self._axes.setdefault(axis, _Sides())
            numbers = sides.numbers
            places = [numbers.setdefault(series, len(numbers)) for series in packed.series]
            rows = packed.read().copy()
            rows["series"] = np.array(places, np.uint32)[rows["series"]]
            sides.stored.append(rows)

    def made(self) -> tuple[int, list[Different]]:
        """Return how many cells there are on either side, and those that are not alike."""
        count, found = 0, []
        for axis, sides in self._axes.items():
            stored, told = _whole(sides.stored), _whole(sides.told)
            count += len(told)
            if np.array_equal(stored, told):
                continue
            for different in _differing(axis, list(sides.numbers), stored, told):
                count += different.told == 0
                found.append(different)
        return count, sorted(found, key=lambda different: str(different.cell))


def _whole(pieces: list[Rows]) -> Rows:
    return summed(np.concatenate([*pieces, rows_of((), {})]))


def _differing(axis: Axis, series: list[Series], stored: Rows, told: Rows) -> Iterator[Different]:
    """What is stored, less what the log says, is nothing where both are alike."""
    taken_away = told.copy()
    taken_away["amount"] *= -1
    over = summed(np.concatenate([stored, taken_away]))
    held, wanted = (_amounts(rows, over) for rows in (stored, told))
    for number, day, credited, _ in over.tolist():
        place = number, day, credited
        cell = cell_of(axis, series[number], day, credited)
        yield Different(cell, held.get(place, 0), wanted.get(place, 0))


def _amounts(rows: Rows, over: Rows) -> dict[tuple[int, int, int], int]:
    """Return the amounts of the series that occur in `over`."""
    about = rows[np.isin(rows["series"], over["series"])]
    return {(number, day, credited): n for number, day, credited, n in about.tolist()}
