"""The measures that a company may compute with, as sums over cells. Pure.

A flow is what happened within a period; a stock is what stands at its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from services.analytics.cells import Axis, Cell, Per
from services.analytics.hand_offs import told_of
from services.analytics.measures import Kind
from services.analytics.pipeline import TOTAL, Amounts, Key, Reason, period_of
from services.analytics.told import MONEY_SCALE
from services.analytics.traits import traits
from services.analytics.tree import Organization
from shared.events.analytics import KpiLevel

PERIODS_MAX = 400


@dataclass(frozen=True, slots=True)
class Measure:
    """What a name stands for: the cells of an axis with this measure, and of this value if told.

    `credited`: it counts on the day of winning, losing, ordering or invoicing. `by_product`: it is
    kept by product, too, or says itself of which it is.
    """

    says: str
    axis: Axis
    measure: str
    value: str | None = None
    stock: bool = False
    money: bool = False
    credited: bool = False
    by_product: bool = False
    kind: Kind = "opportunity"


def _time(measure: str, value: str | None, says: str) -> Measure:
    return Measure(says, "time", measure, value, kind="entry")


def _plan(measure: str, says: str) -> Measure:
    return Measure(says, "plan", measure, kind="entry")


def _lost(value: str, says: str) -> Measure:
    return Measure(says, "loss", "minutes", value, kind="entry")


def _case(measure: str, says: str) -> Measure:
    return Measure(says, "issue_total", measure, stock=True, kind="issue")


def _said(measure: str, says: str) -> Measure:
    return Measure(says, "satisfaction", measure, kind="issue")


def _decided(measure: str, says: str, *, money: bool = False) -> Measure:
    return Measure(says, "owner", measure, money=money, credited=True, by_product=True)


def _handed_off(measure: str, says: str, *, money: bool = False) -> Measure:
    return Measure(says, "hand_off", measure, money=money, credited=True, by_product=True)


def _course(axis: Axis, measure: str, says: str) -> Measure:
    return Measure(says, axis, measure, by_product=True)


# Of which product a cell is, by what it is of, where it says so itself.
PRODUCT_OF: Mapping[Axis, Callable[[str], str]] = {
    "product": str,
    "hand_off": lambda value: told_of(value)[0],
    "slip": lambda value: traits(value).product,
    "passage": lambda value: traits(value).product,
}

KPI_MEASURES: dict[str, Measure] = {
    "touches": Measure("touches with customers", "touch", "touches", kind="touch"),
    "discovered": Measure("opportunities discovered", "owner", "discovered"),
    "won": _decided("won", "opportunities won"),
    "lost": _decided("lost", "opportunities lost"),
    "won_value": _decided("value_", "value of what was won", money=True),
    "profit": _decided("profit_", "what is left of what was won", money=True),
    "cycle_days": _decided("cycle_days", "days from engagement to winning, summed"),
    "cycles": _decided("cycles", "opportunities won of which these days are known"),
    "orders": _handed_off("order", "orders that were told of, if not called off"),
    "ordered_value": _handed_off("order_", "value of these orders", money=True),
    "contracted_value": _handed_off("contract_", "value of contracts told of", money=True),
    "fulfilled_value": _handed_off("fulfilment_", "value of deliveries told of", money=True),
    "invoices": _handed_off("finance", "invoices that were told of, if not called off"),
    "invoiced_value": _handed_off("finance_", "value of these invoices", money=True),
    "open": Measure("open opportunities", "owner", "open", stock=True, by_product=True),
    "open_value": Measure(
        "what is open is worth", "owner", "open_", stock=True, money=True, by_product=True
    ),
    "pushes": _course("slip", "pushes", "times that a closing was put off"),
    "pushed_days": _course("slip", "pushed_days", "days by which closings were put off"),
    "won_with_a_day": _course("slip", "due", "won of which a closing day was told"),
    "won_late": _course("slip", "late", "of these, won after that day"),
    "passed": _course("passage", "passed", "stages left"),
    "passed_lost": _course("passage", "passed_lost", "stages left by losing"),
    "stage_days": _course("passage", "stage_days", "days in the stages left, summed"),
    "planned_minutes": _time("planned", None, "minutes planned, private ones included"),
    "actual_minutes": _time("actual", None, "minutes spent, private ones included"),
    "customer_minutes": _time("actual", "customer", "minutes spent with customers"),
    "internal_minutes": _time("actual", "internal", "minutes spent in internal meetings"),
    "reporting_minutes": _time("actual", "reporting", "minutes spent on reports"),
    "travel_minutes": _time("actual", "travel", "minutes spent on the way"),
    "administration_minutes": _time("actual", "administration", "minutes of administration"),
    "private_minutes": _time("actual", "private", "minutes of private time"),
    "plans": _plan("plans", "entries planned"),
    "plans_done": _plan("done", "of these, done"),
    "plans_missed": _plan("missed", "of these, missed"),
    "plans_displaced": _plan("displaced", "of these, displaced by something urgent"),
    "plans_moved": _plan("moved", "of these, moved"),
    "missed_minutes": _lost("missed", "minutes planned and missed"),
    "displaced_minutes": _lost("displaced", "minutes planned, displaced by something urgent"),
    "cancelled_minutes": _lost("cancelled", "minutes planned and cancelled"),
    "late_minutes": _lost("late", "minutes by which plans began late"),
    "overrun_minutes": _lost("overrun", "minutes by which plans took longer"),
    "unplanned": _plan("unplanned", "entries that nobody had planned"),
    "issues": _case("cases", "issues registered so far"),
    "open_issues": _case("open", "issues open"),
    "fed_back_issues": _case("fed_back", "issues of which the customer was told what was done"),
    "reopened_issues": _case("reopened", "issues opened again"),
    "kept_issues": _case("kept", "issues within their service level"),
    "missed_issues": _case("missed", "issues beyond their service level"),
    "satisfaction_answers": _said("answers_after", "customers who scored us after a case"),
    "satisfaction_scores": _said("scores_after", "their scores from 0 to 10, summed"),
}


def axis_of(measure: Measure, *, by_product: bool) -> Axis:
    """Return the axis on which a measure is kept, also by product if that is asked for."""
    elsewhere = measure.by_product and measure.axis not in PRODUCT_OF
    return "product" if by_product and elsewhere else measure.axis


class Term(NamedTuple):
    """A period by its name, first and last day."""

    name: str
    first: date
    last: date


def terms(per: Per, first: date, last: date) -> list[Term]:
    """Return the whole periods that hold these days.

    Raises:
        ValueError: they are more than `PERIODS_MAX`, or the calendar ends before.

    """
    found: list[Term] = []
    begin = begin_of(per, first)
    while begin <= last:
        if len(found) == PERIODS_MAX:
            raise ValueError(f"more than {PERIODS_MAX} periods")
        if (date.max - begin).days < _LONGEST[per]:
            raise ValueError(f"{begin}: beyond the calendar")
        following = begin_of(per, begin + timedelta(days=_LONGEST[per]))
        found.append(Term(period_of(begin, per), begin, following - timedelta(days=1)))
        begin = following
    return found


def term_of(per: Per, name: str) -> Term:
    """Return the period of that name.

    Raises:
        ValueError: it is no name of such a period.

    """
    if len(name) > _NAME_MAX:
        raise ValueError(name)
    day: date
    match per:
        case "day":
            day = date.fromisoformat(name)
        case "week":
            year, _, week = name.partition("-W")
            day = date.fromisocalendar(int(year), int(week), 1)
        case "month":
            day = date.fromisoformat(f"{name}-01")
        case "quarter":
            year, _, quarter = name.partition("-Q")
            day = date(int(year), int(quarter) * 3, 1)
    found = terms(per, day, day)[0]
    if found.name != name:
        raise ValueError(name)
    return found


def per_of(name: str) -> Per:
    """Return of which kind a period is, by how it is written."""
    if "-W" in name:
        return "week"
    if "-Q" in name:
        return "quarter"
    return "day" if name.count("-") == 2 else "month"  # noqa: PLR2004 - year, month, day


# No period has a longer name than a day.
_NAME_MAX = len("2026-03-31")
# So many days after the first one of a period lies in the next one.
_LONGEST: Mapping[Per, int] = {"day": 1, "week": 7, "month": 31, "quarter": 92}


@lru_cache(maxsize=4096)  # Reports ask for the same days again and again.
def begin_of(per: Per, day: date) -> date:
    """Return the first day of the period that a day is in."""
    match per:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


@dataclass(frozen=True, slots=True)
class Scope:
    """Of whom, of which product, in which currency, until which day figures are summed.

    `called_off`: the statuses of orders, contracts, deliveries and invoices that count nothing.
    """

    level: KpiLevel
    organization: Organization
    until: date
    currency: str
    product: str | None = None
    called_off: frozenset[str] = field(kw_only=True)

    def axis(self, measure: Measure) -> Axis:
        return axis_of(measure, by_product=self.product is not None)

    def told_by(self, names: Collection[str], axis: Axis, measure: str) -> list[tuple[str, bool]]:
        """Return of which names cells of an axis and measure tell, and whether in our currency."""
        found: list[tuple[str, bool]] = []
        for name in sorted(names):
            wanted = KPI_MEASURES[name]
            if axis != self.axis(wanted):
                continue
            if wanted.money and measure.startswith(wanted.measure):
                found.append((name, measure == f"{wanted.measure}{self.currency}"))
            elif measure == wanted.measure:
                found.append((name, True))
        return found

    def matches(self, measure: Measure, cell: Cell) -> bool:
        """Whether a cell of the measure's axis is of its value, or of the product."""
        if cell.axis in PRODUCT_OF:
            return self.product is None or self.product == PRODUCT_OF[cell.axis](cell.value)
        return measure.value in (None, cell.value)

    def is_called_off(self, cell: Cell) -> bool:
        return cell.axis == "hand_off" and told_of(cell.value)[2] in self.called_off

    def key(self, owner: str, day: date) -> Key:
        """Return the row of an owner: where they were on that day."""
        place = self.organization.place(owner, day)
        keys: dict[KpiLevel, Callable[[], Key]] = {
            "seller": lambda: owner or None,
            "team": lambda: place.team,
            "division": lambda: place.division,
            "company": lambda: place.company,
            "total": lambda: TOTAL,
        }
        return keys[self.level]()


class Portion(NamedTuple):
    """So much of a measure in one row: of a key, in a term."""

    key: Key
    term: str
    name: str
    amount: int


def told(
    names: Collection[str], scope: Scope, held: Collection[Term], cells: Amounts
) -> Iterator[Portion | Reason]:
    """Yield what the cells add to which row, or why to none.

    What stood within a term and does not at its end is a portion of nothing.
    """
    stocks: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for one in _matched(names, scope, cells):
        if isinstance(one, str):
            yield one
            continue
        name, cell, amount = one
        if KPI_MEASURES[name].stock:
            stocks[name, cell.owner][cell.day] += amount
        else:
            yield _flow(name, scope, held, cell, amount)
    for (name, owner), days in stocks.items():
        first = min(days)
        ends = [one for one in _standing(held, days, scope.until) if first <= one[0].last]
        if not ends:
            yield "outside_period"
        for term, amount in ends:
            yield Portion(scope.key(owner, min(term.last, scope.until)), term.name, name, amount)


def _matched(
    names: Collection[str], scope: Scope, cells: Amounts
) -> Iterator[tuple[str, Cell, int] | Reason]:
    """Yield which cells count for which of the names, or why one that tells of it does not."""
    named: dict[tuple[Axis, str], list[tuple[str, bool]]] = {}
    for cell, amount in cells.items():
        place = cell.axis, cell.measure
        if place not in named:
            named[place] = scope.told_by(names, *place)
        for name, in_currency in named[place]:
            if not scope.matches(KPI_MEASURES[name], cell):
                # Of another value of the axis it tells of something else.
                if cell.axis in PRODUCT_OF:
                    yield "other_product"
            elif not in_currency:
                yield "other_currency"
            elif cell.day > scope.until:
                yield "later"
            else:
                yield name, cell, amount


def _flow(
    name: str, scope: Scope, held: Collection[Term], cell: Cell, amount: int
) -> Portion | Reason:
    """Say to which term belongs what happened on a day."""
    day = cell.credited if KPI_MEASURES[name].credited else cell.day
    term = None if day is None else _term_of(held, day)
    if term is None or day is None:
        return "outside_period"
    if scope.is_called_off(cell):
        return "called_off"
    return Portion(scope.key(cell.owner, day), term.name, name, amount)


def portions(
    names: Collection[str], scope: Scope, held: Collection[Term], cells: Amounts
) -> Iterator[Portion]:
    """Yield what the cells add to which row. Whoever sums it has the figures, in any order."""
    for one in told(names, scope, held, cells):
        if isinstance(one, Portion) and one.amount:
            yield one


def _term_of(held: Collection[Term], day: date) -> Term | None:
    return next((term for term in held if term.first <= day <= term.last), None)


def _standing(
    held: Collection[Term], days: Mapping[date, int], until: date
) -> Iterator[tuple[Term, int]]:
    """Yield what stands at the end of each term that has begun by the last day asked about."""
    begun = [term for term in held if term.first <= until]
    if not begun:
        return
    bounds = [date.min, *(term.last for term in begun)]
    stands = 0
    for term, (after, last) in zip(begun, pairwise(bounds), strict=True):
        stands += sum(n for day, n in days.items() if after < day <= last)
        yield term, stands


def shown(name: str, amount: int) -> Decimal:
    """Return an amount of a measure in its own unit."""
    return Decimal(amount) / MONEY_SCALE if KPI_MEASURES[name].money else Decimal(amount)
