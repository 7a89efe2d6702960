"""Forecasts, targets and yield: sums of what sellers committed to and of what they won. Pure.

Nothing is weighed or predicted (O-06): a forecast is what its sellers stand by on a day, rolled up
through our organisation as it is on that day.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from services.analytics.cells import Axis, Cell
from services.analytics.kpi_measures import begin_of
from services.analytics.measures import closes, closing
from services.analytics.pipeline import (
    TOTAL,
    Amounts,
    Key,
    Part,
    PartOf,
    Reason,
    Tally,
    money,
    not_theirs,
    period_of,
    ratio,
    within,
)
from services.analytics.projections import Target
from services.analytics.report_by import ForecastBy, YieldBy
from services.analytics.tables import Apart, Grain, bounds
from services.analytics.told import MONEY_SCALE
from services.analytics.tree import Organization


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
    rows: dict[Key, Committed] = defaultdict(Committed)
    part_of = in_forecast(by, organization, day, span, unit)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if isinstance(part, Part):
            rows[part.key].add(part.measure, part.amount)
    return {key: row for key, row in rows.items() if not row.empty}


def forecast_grain(by: ForecastBy, day: date, span: Span, unit: Key) -> Grain:
    """Return what a forecast tells apart: whose it is, as of one day, and closing when, of what."""
    whose = by in ("seller", "team", "manager", "region") or unit is not None
    alike: dict[Axis, Any] = {"commitment": _alike(by, span)}
    return Grain(Apart(), Apart(), last=day, owners=whose, alike=alike)


@lru_cache(maxsize=64)  # What it has said is remembered as long as it is there.
def _alike(by: ForecastBy, span: Span) -> Callable[[str], str | None]:
    """Say which closing day and product stands for those that a forecast does not tell apart."""
    first, last = (None if day is None else day.isoformat() for day in span)
    anywhen = span.first or span.last or date.min

    def standing_for(value: str) -> str | None:
        # Days are compared as they are written: there are thousands of them.
        day, _, product = value.partition("/")
        if not day or (first and day < first) or (last and day > last):
            return None
        match by:
            case "product":
                return closing(anywhen, product)
            case "day":
                return closing(date.fromisoformat(day), "")
            case "week" | "month" | "quarter":
                begin = begin_of(by, date.fromisoformat(day))
                return closing(max(begin, span.first or begin), "")
            case _:
                return closing(anywhen, "")

    return standing_for


def in_forecast(
    by: ForecastBy, organization: Organization, day: date, span: Span, unit: Key
) -> PartOf:
    """Say to which row of a forecast a cell adds what."""

    def left_out(cell: Cell, closes_on: date | None) -> Reason | None:
        if cell.day > day:
            return "later"
        if closes_on is None:
            return "no_day"
        if not within(closes_on, *span):
            return "outside_period"
        return not_theirs(unit, cell.owner, day, organization)

    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        if cell.axis != "commitment":
            return None
        closes_on, product = closes(cell.value)
        reason = left_out(cell, closes_on)
        if reason is not None:
            return reason
        assert closes_on is not None
        if by == "product":
            return Part(product or None, cell.measure, amount)
        key = key_of(by, cell.owner, organization, day, closes_on)
        return Part(key, cell.measure, amount)

    return part_of


def key_of(by: str, owner: str, organization: Organization, placed: date, day: date) -> Key:
    """Return the row of an owner, where they were on one day, for what is of another."""
    match by:
        case "total":
            return TOTAL
        case "seller":
            return owner or None
        case "team" | "division" | "region" | "company" | "manager":
            # A region is a division of ours.
            name = "division" if by == "region" else by
            found: Key = getattr(organization.place(owner, placed), name)
            return found
        case "day" | "week" | "month" | "quarter":
            return period_of(day, by)
        case _:
            raise ValueError(f"no rows by {by}")


@dataclass(frozen=True, slots=True)
class Attained:
    """How far a target is reached by facts: won in its period, and stood by for it (O-07).

    `gap` is what is left of it; numbers are money or deals, as the target says. `open` is all of
    theirs that is open and real, whenever it closes, and `coverage` how many times it is the gap.
    """

    won: Decimal
    committed: Decimal
    percent: str | None
    gap: Decimal
    open: Decimal
    coverage: str | None


class Reached:
    """Tells how far targets are reached at the end of a day; somebody's by their cells alone."""

    def __init__(self, cells: Amounts, organization: Organization, day: date) -> None:
        self._cells, self._organization, self._day = cells, organization, day
        self._theirs: dict[str, dict[Cell, int]] = defaultdict(dict)
        for cell, amount in cells.items():
            self._theirs[cell.owner][cell] = amount

    def of(self, target: Target) -> Attained:
        whole = target.owner is None
        cells = self._cells if whole else self._theirs.get(target.owner or "", {})
        return attained(target, cells, self._organization, self._day)


def attained(target: Target, cells: Amounts, organization: Organization, day: date) -> Attained:
    """Return how far a target is reached at the end of a day."""
    part_of = in_target(target, organization, day)
    sums: Counter[str] = Counter()
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if isinstance(part, Part):
            sums[part.measure] += part.amount
    scale = 1 if target.measure == "count_won" else MONEY_SCALE
    won, wanted = Decimal(sums["won"]) / scale, target.amount
    percent = ratio(100 * sums["won"], int(wanted * scale)) if wanted else None
    gap, still_open = max(Decimal(0), wanted - won), Decimal(sums["open"]) / scale
    coverage = ratio(sums["open"], int(gap * scale)) if gap else None
    committed = Decimal(sums["committed"]) / scale
    return Attained(won, committed, percent, gap, still_open, coverage)


def target_grain(wanted: Iterable[Target], organization: Organization, day: date) -> Grain:
    """Return what targets tell apart: what was won in their periods, and where its seller was."""
    turns = {turn for one in wanted for turn in bounds(one.period_from, one.period_to)}
    return Grain(Apart(), Apart(organization.turns | turns), last=day)


class _Counted(NamedTuple):
    """As what a cell counts for a target, when, of what, and when its owner has to be theirs.

    What is open counts whenever it closes.
    """

    says: str
    on: date | None
    product: str
    placed: date


class _InTarget:
    """Says what a cell adds to one target as of a day, or why it adds nothing."""

    def __init__(self, target: Target, organization: Organization, day: date) -> None:
        self._target, self._organization, self._day = target, organization, day
        code = f"_{target.currency}" if target.measure == "value_won" else ""
        self._in_money = bool(code)
        self._wanted = {f"value{code}" if code else "won", f"commit{code}", f"open{code}"}
        self._axis: Axis = "owner" if target.product is None else "product"

    def part_of(self, cell: Cell, amount: int) -> Part | Reason | None:
        told = self._counted(cell)
        if told is None:
            return None
        return self._left_out(cell, told) or Part(self._target.target, told.says, amount)

    def _counted(self, cell: Cell) -> _Counted | None:
        """Return as what a cell counts, in whatever currency."""
        name, _, currency = cell.measure.partition("_")
        if bool(currency) != self._in_money:
            return None
        if cell.axis == "commitment" and name == "commit":
            closes_on, product = closes(cell.value)
            return _Counted("committed", closes_on, product, self._day)
        if cell.axis != self._axis:
            return None
        if name == "open":
            return _Counted("open", None, cell.value, self._day)
        if name not in ("won", "value") or cell.credited is None:
            return None
        return _Counted("won", cell.credited, cell.value, cell.credited)

    def _left_out(self, cell: Cell, told: _Counted) -> Reason | None:
        target = self._target
        span = Span(target.period_from, target.period_to)
        tests: tuple[tuple[bool, Reason], ...] = (
            (cell.day > self._day, "later"),
            (told.says == "committed" and told.on is None, "no_day"),
            (target.product not in (None, told.product), "other_product"),
            (cell.measure not in self._wanted, "other_currency"),
            (told.on is not None and not within(told.on, *span), "outside_period"),
            (target.owner not in (None, cell.owner), "other_seller"),
        )
        reason = next((reason for applies, reason in tests if applies), None)
        return reason or not_theirs(target.unit, cell.owner, told.placed, self._organization)


def in_target(target: Target, organization: Organization, day: date) -> PartOf:
    """Say what a cell adds to a target: to what was `won`, is `committed` for it, or `open`."""
    return _InTarget(target, organization, day).part_of


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
    rows: dict[Key, Yield] = defaultdict(Yield)
    part_of = in_yield(by, organization, span, day)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if not isinstance(part, Part):
            continue
        row = rows[part.key]
        if part.measure == "touches":
            row.touches += part.amount
        else:
            row.tally.add(part.measure, part.amount)
    return {key: row for key, row in rows.items() if row.touches or not row.tally.empty}


def yield_grain(by: YieldBy, organization: Organization, span: Span, day: date) -> Grain:
    """Return what a yield tells apart: when touches and wins were, and where their seller was."""
    placed = by in ("team", "manager", "region")
    turns = organization.turns if placed else frozenset()
    apart = Apart(turns | bounds(*span), by if by in ("month", "quarter") else None)
    return Grain(apart, apart, last=day, owners=placed or by == "seller")


def in_yield(by: YieldBy, organization: Organization, span: Span, day: date) -> PartOf:
    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        happened = cell.day if cell.measure == "touches" else cell.credited
        if cell.axis not in ("owner", "touch") or happened is None:
            return None
        if cell.day > day:
            return "later"
        if not within(happened, *span):
            return "outside_period"
        return Part(key_of(by, cell.owner, organization, happened, happened), cell.measure, amount)

    return part_of
