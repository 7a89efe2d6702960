"""One figure of one day, and sums of them. Pure.

A million facts make several million cells. So everything that contributions are made of is a
`msgspec.Struct`: immutable as a frozen dataclass, made and replaced at a tenth of its cost, and
nothing that the garbage collector has to walk through again and again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Literal, get_args

from msgspec import Struct

# Of opportunities: how they stand, and what became of them; of entries; of issues.
DealAxis = Literal[
    "owner",
    "stage",
    "product",
    "company",
    "age",
    "quality",
    "passage",
    "slip",
    "commitment",
    "flow",
    "news",
    "hand_off",
]
TimeAxis = Literal["time", "plan", "lateness", "loss", "clock"]
# By what cases are counted; whose they are only the total tells.
IssueAxis = Literal[
    "issue_total",
    "issue_severity",
    "issue_status",
    "issue_kind",
    "issue_cause",
    "issue_age",
    "issue_company",
    "issue_move",
]
# Touches; what leaders said to whom; how satisfied customers are.
OtherAxis = Literal["touch", "feedback", "satisfaction"]
# What days are put together to.
Per = Literal["day", "week", "month", "quarter"]
Axis = DealAxis | TimeAxis | IssueAxis | OtherAxis
AXES: tuple[Axis, ...] = (
    *get_args(DealAxis),
    *get_args(OtherAxis),
    *get_args(TimeAxis),
    *get_args(IssueAxis),
)


class Cell(Struct, frozen=True, gc=False, cache_hash=True):
    """One figure of one day: what became true of it on `day`, summed over the entities.

    `owner` and `value` are "" where there is none. `credited` is the day of winning or losing: the
    quarter and the place in the organisation that it counts for. It differs from `day` only where
    a decision was undone later.
    """

    measure: str
    owner: str
    axis: Axis
    value: str
    day: date
    credited: date | None = None


Contributions = Mapping[Cell, int]


class Sums(defaultdict[Cell, int]):
    """Cells while they are summed up."""

    def __init__(self) -> None:
        super().__init__(int)

    def hold(self, cell: Cell, amount: int, stop: date | None) -> None:
        """Add an amount from the cell's day on; take it away again on the day on which it stops."""
        self[cell] += amount
        if stop is not None:
            ended = Cell(cell.measure, cell.owner, cell.axis, cell.value, stop, cell.credited)
            self[ended] -= amount

    def rest(self) -> dict[Cell, int]:
        """Return what is not nothing."""
        if all(self.values()):
            return dict(self)  # Copied with the hashes that are there.
        return {cell: amount for cell, amount in self.items() if amount}
