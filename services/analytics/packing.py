"""How cells are written down: what a batch adds to them, packed by axis. Pure.

A batch changes thousands of cells. Written one by one they cost the store more than everything
else together; packed, they are one document for each partition that the batch has facts of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from services.analytics.cells import Axis, Cell
from shared.errors import SellersError

# What all days of one thing have in common: measure, owner, value.
Series = tuple[str, str, str]
# One day of a series. Days are ordinals of `datetime.date`; credited to none: 0.
ROW = np.dtype([("series", "<u4"), ("day", "<i4"), ("credited", "<i4"), ("amount", "<i8")])
Rows = npt.NDArray[Any]


class UnreadableCellsError(SellersError):
    """What is stored of the figures is not what anybody here has written."""


class Packed(msgspec.Struct, array_like=True, frozen=True):
    """Rows of one axis; a row's series is its place in the list."""

    series: list[Series]
    rows: bytes

    def read(self) -> Rows:
        return np.frombuffer(self.rows, ROW)

    def check(self) -> None:
        """Make sure that the rows are rows, of series that are named.

        Raises:
            UnreadableCellsError: they are not.

        """
        if len(self.rows) % ROW.itemsize:
            raise UnreadableCellsError(f"{len(self.rows)} bytes are no rows")
        rows = self.read()
        if not len(rows):
            return
        if int(rows["series"].max()) >= len(self.series):
            raise UnreadableCellsError("a row is of a series that is not named")
        days = np.concatenate([rows["day"], rows["credited"] + (rows["credited"] == 0)])
        if int(days.min()) < 1 or int(days.max()) > date.max.toordinal():
            raise UnreadableCellsError("a row is of no day")


_decoder = msgspec.msgpack.Decoder(dict[Axis, Packed])


def pack(cells: Mapping[Cell, int]) -> bytes:
    """Write down (cell, amount); `unpack` reads it."""
    return write({axis: _packed(told) for axis, told in sorted(by_axis(cells).items())})


def by_axis(cells: Mapping[Cell, int]) -> dict[Axis, list[tuple[Cell, int]]]:
    told: dict[Axis, list[tuple[Cell, int]]] = defaultdict(list)
    for cell, amount in cells.items():
        told[cell.axis].append((cell, amount))
    return told


def _packed(cells: Iterable[tuple[Cell, int]]) -> Packed:
    numbers: dict[Series, int] = {}
    rows = rows_of(cells, numbers)
    return Packed(list(numbers), rows.tobytes())


def rows_of(cells: Iterable[tuple[Cell, int]], numbers: dict[Series, int]) -> Rows:
    """Return cells of one axis as rows; number the series of theirs that have no number yet."""
    rows = [
        (
            numbers.setdefault((cell.measure, cell.owner, cell.value), len(numbers)),
            cell.day.toordinal(),
            cell.credited.toordinal() if cell.credited is not None else 0,
            amount,
        )
        for cell, amount in cells
    ]
    return np.array(rows, ROW)


def write(packed: Mapping[Axis, Packed]) -> bytes:
    return msgspec.msgpack.encode(packed)


def unpack(written: bytes) -> dict[Axis, Packed]:
    """Return what was written down, by axis.

    Raises:
        UnreadableCellsError: nobody wrote that.

    """
    try:
        found = _decoder.decode(written)
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError) as error:
        raise UnreadableCellsError(f"no cells: {error}") from error
    for packed in found.values():
        packed.check()
    return found


def cell_of(axis: Axis, series: Series, day: int, credited: int) -> Cell:
    measure, owner, value = series
    credit = date.fromordinal(credited) if credited else None
    return Cell(measure, owner, axis, value, date.fromordinal(day), credit)


def summed(rows: Rows) -> Rows:
    """Return the rows in order, one for each series and day; those of nothing are left out."""
    if not len(rows):
        return rows
    ordered = rows[np.lexsort((rows["day"], rows["credited"], rows["series"]))]
    begins = changes(ordered["series"], ordered["credited"], ordered["day"])
    found = ordered[begins]
    found["amount"] = np.add.reduceat(ordered["amount"], begins)
    kept: Rows = found[found["amount"] != 0]
    return kept


def changes(*columns: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the places at which any of the columns is not as in the row before; none is empty."""
    differs = np.ones(len(columns[0]), dtype=bool)
    differs[1:] = False
    for column in columns:
        differs[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(differs)
