"""Forecasts, targets and yield: sums of what sellers committed to and of what they won. Pure.

Nothing is weighed or predicted (O-06): a forecast is what its sellers stand by on a day, rolled up
through our organisation as it is on that day.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from services.analytics.measures import Cell, closes
from services.analytics.pipeline import (
    TOTAL,
    Amounts,
    Key,
    Part,
    PartOf,
    Tally,
    money,
    period_of,
    ratio,
    within,
)
from services.analytics.projections import Target
from services.analytics.told import MONEY_SCALE
from services.analytics.tree import Organization

ForecastBy = Literal[
    "total", "seller", "team", "manager", "region", "product", "day", "week", "month", "quarter"
]
YieldBy = Literal["total", "seller", "team", "manager", "region", "month", "quarter"]


class Span(NamedTuple):
    """A period by its first and last day; None: without end on that side."""

    first: date | None = None
    last: date | None = None


@dataclass(slots=True)
class Committed:
    """How many opportunities are committed to and for how much, by confidence and currency."""

    counts: Counter[str] = field(default_factory=Counter)
    amounts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, measure: str, amount: int) -> None:
        confidence, _, currency = measure.partition("_")
        if currency:
            self.amounts[confidence, currency] += amount
        else:
            self.counts[confidence] += amount

    @property
    def empty(self) -> bool:
        return not (any(self.counts.values()) or any(self.amounts.values()))

    def document(self, currency: str) -> dict[str, Any]:
        """Return it as it is answered; currencies are never added up."""
        told: dict[str, Any] = {}
        for confidence in ("commit", "upside"):
            told[f"{confidence}_count"] = self.counts[confidence]
            told[confidence] = money(self.amounts[confidence, currency])
        others = {
            f"{confidence}_{code}": money(amount)
            for (confidence, code), amount in sorted(self.amounts.items())
            if amount and code != currency
        }
        return {**told, **({"other": others} if others else {})}


def forecast(
    by: ForecastBy, cells: Amounts, organization: Organization, day: date, span: Span, unit: Key
) -> dict[Key, Committed]:
    """Sum what is stood by at the end of a day and closes within the span, into rows."""
    rows: dict[Key, Committed] = {}
    part_of = in_forecast(by, organization, day, span, unit)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if part is not None:
            rows.setdefault(part.key, Committed()).add(part.measure, part.amount)
    return {key: row for key, row in rows.items() if not row.empty}


def in_forecast(
    by: ForecastBy, organization: Organization, day: date, span: Span, unit: Key
) -> PartOf:
    """Say to which row of a forecast a cell adds what."""

    def part_of(cell: Cell, amount: int) -> Part | None:
        if cell.axis != "commitment" or cell.day > day:
            return None
        closing, product = closes(cell.value)
        if closing is None or not within(closing, *span):
            return None
        if unit is not None and not organization.belongs(cell.owner, unit, day):
            return None
        if by == "product":
            return Part(product or None, cell.measure, amount)
        key = _key(by, cell.owner, organization, day, closing)
        return Part(key, cell.measure, amount)

    return part_of


def _key(by: str, owner: str, organization: Organization, placed: date, day: date) -> Key:
    """Return the row of an owner, where they were on one day, for what is of another."""
    match by:
        case "total":
            return TOTAL
        case "seller":
            return owner or None
        case "team":
            return organization.place(owner, placed).team
        case "manager":
            return organization.place(owner, placed).manager
        case "region":
            return organization.place(owner, placed).division
        case "day" | "week" | "month" | "quarter":
            return period_of(day, by)
        case _:
            raise ValueError(f"no rows by {by}")


@dataclass(frozen=True, slots=True)
class Attained:
    """How far a target is reached by facts: won in its period, and stood by for it (O-07).

    `gap` is what is left of it; numbers are money or deals, as the target says.
    """

    won: Decimal
    committed: Decimal
    percent: str | None
    gap: Decimal


def attained(target: Target, cells: Amounts, organization: Organization, day: date) -> Attained:
    """Return how far a target is reached at the end of a day."""
    part_of = in_target(target, organization, day)
    sums: Counter[str] = Counter()
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if part is not None:
            sums[part.measure] += part.amount
    scale = 1 if target.measure == "count_won" else MONEY_SCALE
    won, wanted = Decimal(sums["won"]) / scale, target.amount
    percent = ratio(100 * sums["won"], int(wanted * scale)) if wanted else None
    return Attained(won, Decimal(sums["committed"]) / scale, percent, max(Decimal(0), wanted - won))


def in_target(target: Target, organization: Organization, day: date) -> PartOf:
    """Say what a cell adds to a target: to what was `won`, or to what is `committed` for it."""
    money_of = "value_" if target.measure == "value_won" else None
    won = f"{money_of}{target.currency}" if money_of else "won"
    stood_by = f"commit_{target.currency}" if money_of else "commit"
    span = Span(target.period_from, target.period_to)

    def of_theirs(owner: str, on: date) -> bool:
        if target.owner not in (None, owner):
            return False
        return target.unit is None or organization.belongs(owner, target.unit, on)

    def part_of(cell: Cell, amount: int) -> Part | None:
        if cell.day > day:
            return None
        if cell.axis == "commitment" and cell.measure == stood_by:
            closing, product = closes(cell.value)
            counts = closing is not None and within(closing, *span)
            if counts and target.product in (None, product) and of_theirs(cell.owner, day):
                return Part(target.target, "committed", amount)
            return None
        wanted = ("owner", "") if target.product is None else ("product", target.product)
        if cell.credited is None or (cell.axis, cell.value, cell.measure) != (*wanted, won):
            return None
        if within(cell.credited, *span) and of_theirs(cell.owner, cell.credited):
            return Part(target.target, "won", amount)
        return None

    return part_of


@dataclass(slots=True)
class Yield:
    """What was spent and what came of it: touches, and what was won and lost (O-13)."""

    touches: int = 0
    tally: Tally = field(default_factory=Tally)

    def document(self, currency: str) -> dict[str, Any]:
        tally = self.tally
        value = tally.values[currency]
        return {
            "touches": self.touches,
            "won": tally.won,
            "lost": tally.lost,
            "value_won": money(value),
            "win_rate": ratio(100 * tally.won, tally.won + tally.lost),
            "mean_cycle_days": ratio(tally.cycle_days, tally.cycles),
            "touches_per_won": ratio(self.touches, tally.won),
            "value_per_touch": ratio(value, self.touches * MONEY_SCALE),
        }


def yields(
    by: YieldBy, cells: Amounts, organization: Organization, span: Span, day: date
) -> dict[Key, Yield]:
    """Sum what was touched, won and lost within the span, each where its seller was then."""
    rows: dict[Key, Yield] = {}
    part_of = in_yield(by, organization, span, day)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if part is None:
            continue
        row = rows.setdefault(part.key, Yield())
        if part.measure == "touches":
            row.touches += part.amount
        else:
            row.tally.add(part.measure, part.amount)
    return {key: row for key, row in rows.items() if row.touches or not row.tally.empty}


def in_yield(by: YieldBy, organization: Organization, span: Span, day: date) -> PartOf:
    def part_of(cell: Cell, amount: int) -> Part | None:
        happened = cell.day if cell.measure == "touches" else cell.credited
        if cell.axis not in ("owner", "touch") or happened is None or cell.day > day:
            return None
        if not within(happened, *span):
            return None
        return Part(_key(by, cell.owner, organization, happened, happened), cell.measure, amount)

    return part_of
