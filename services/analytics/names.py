"""What the rows of tables are of, by number: measures, owners and values, told once each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from services.analytics.packing import Series

# Says which value stands for others that a report does not tell apart; None: it is left out.
StandsFor = Callable[[str], str | None]
# Numbers that are not spread wider than this are looked up in a table instead of put in order.
SPREAD_MAX = 8


@dataclass(slots=True)
class Part:
    """The measures, owners or values that series of one axis have, by number; only ever more."""

    names: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.names)
            self.names.append(name)
        return number


class Standing(NamedTuple):
    """The names that stand for others, and which of them does for each value; -1: none."""

    names: dict[str, int]
    numbers: npt.NDArray[np.int32]

    def with_(self, values: Sequence[str], stands_for: StandsFor) -> Standing:
        """Return it with these values, too."""
        names, numbers = dict(self.names), []
        for value in values:
            one = stands_for(value)
            numbers.append(-1 if one is None else names.setdefault(one, len(names)))
        return Standing(names, np.concatenate([self.numbers, np.array(numbers, np.int32)]))


@dataclass(slots=True)
class Names:
    """The series of one axis by number. It only grows, so that tables of any age can share it.

    One thread adds to it at a time, also where whoever waited for another one has left; any number
    may read meanwhile.
    """

    known: list[Series] = field(default_factory=list)
    numbers: dict[Series, int] = field(default_factory=dict)
    # Measures, owners and values.
    parts: tuple[Part, Part, Part] = field(default_factory=lambda: (Part(), Part(), Part()))
    made_of: list[tuple[int, ...]] = field(default_factory=list)
    # The same as columns, as far as somebody has asked for them.
    columns: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64))
    adding: threading.Lock = field(default_factory=threading.Lock)
    # There may be as many values as deals: which stands for which is asked once, as long as
    # whoever says so is there.
    _standing: WeakKeyDictionary[StandsFor, Standing] = field(default_factory=WeakKeyDictionary)

    def numbered(self, told: Iterable[Series]) -> npt.NDArray[np.uint32]:
        with self.adding:
            return np.array([self._number(series) for series in told], np.uint32)

    def _number(self, series: Series) -> int:
        number = self.numbers.get(series)
        if number is None:
            number = self.numbers[series] = len(self.known)
            parts = zip(self.parts, series, strict=True)
            self.made_of.append(tuple(part.number(name) for part, name in parts))
            self.known.append(series)
        return number

    def coarser(
        self, stands_for: StandsFor | None, used: npt.NDArray[Any], *, owners: bool
    ) -> tuple[list[Series], npt.NDArray[np.int64]]:
        """Return the series that somebody tells apart, and which of them stands for each used one.

        None stands for a value but itself where nobody says so; without `owners`, all of them are
        one. -1 stands for what is left out.
        """
        made_of = self.numbers_of()[used]
        measures, whose, values = (part.names for part in self.parts)
        if stands_for is None:
            names: Sequence[str] = values
            value = made_of[:, 2]
        else:
            standing = self._standing_by(stands_for)
            names = list(standing.names)
            value = standing.numbers[made_of[:, 2]].astype(np.int64)
        # One more than there are, and never none: a place is divided by it.
        width, told_of = len(names) + 1, max(len(whose), 1)
        owner: Any = made_of[:, 1] if owners else 0
        places = (made_of[:, 0] * told_of + owner) * width + value
        places[value < 0] = -1
        found, numbers = renumbered(places + 1)
        left_out = int(found[0] == 0)
        series = []
        for place in (found[left_out:] - 1).tolist():
            rest, value_at = divmod(place, width)
            measure_at, owner_at = divmod(rest, told_of)
            series.append(
                (measures[measure_at], whose[owner_at] if owners else "", names[value_at])
            )
        return series, numbers - left_out

    def _standing_by(self, stands_for: StandsFor) -> Standing:
        known = self._standing.get(stands_for, Standing({}, np.empty(0, np.int32)))
        values = self.parts[2].names
        if len(known.numbers) < len(values):
            # Two that ask at once reckon alike; the last one is kept.
            known = known.with_(values[len(known.numbers) :], stands_for)
            self._standing[stands_for] = known
        return known

    def numbers_of(self) -> npt.NDArray[np.int64]:
        """Return the numbers of the measure, the owner and the value of each series."""
        columns = self.columns
        if len(columns) < len(self.made_of):
            new = np.array(self.made_of[len(columns) :], np.int64)
            self.columns = columns = np.concatenate([columns, new])
        return columns


def occurring(numbers: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return which of the numbers, none of them negative, there are, in order."""
    return np.flatnonzero(np.bincount(numbers))


def renumbered(
    numbers: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return which numbers, none of them negative, there are, and the place of each among them."""
    most = int(numbers.max())
    if most >= SPREAD_MAX * len(numbers):
        found, places = np.unique(numbers, return_inverse=True)
        return found, places.astype(np.int64)
    found = occurring(numbers)
    places = np.empty(most + 1, np.int64)
    places[found] = np.arange(len(found))
    return found, places[numbers]
