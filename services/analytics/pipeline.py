"""Reports: cells summed by what somebody wants to know them by. Pure.

A cell counts from its day on, so a report as of a day sums the cells up to that day. What is open
belongs to where its seller is on that day; what was won or lost stays where that happened.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, Literal, NamedTuple

from services.analytics.cells import Axis, Cell, Per
from services.analytics.measures import bought, bought_by
from services.analytics.report_by import PipelineBy
from services.analytics.tables import Apart, Grain, PlaceOf
from services.analytics.told import MONEY_SCALE
from services.analytics.traits import age_of
from services.analytics.tree import Organization
from shared.events.opportunities import LOST, WON

TOTAL = "total"
Key = str | None
Amounts = Mapping[Cell, int]
NOBODY: Mapping[str, str] = {}


@dataclass(slots=True)
class Tally:
    """One row on its way: whole numbers only, so that sums are exact in any order."""

    open: int = 0
    won: int = 0
    lost: int = 0
    latent: int = 0
    # Of what is open, what nobody has told anything of for a month.
    stale: int = 0
    values: Counter[str] = field(default_factory=Counter)
    # What is open, as its sellers say what it is worth.
    open_values: Counter[str] = field(default_factory=Counter)
    cycle_days: int = 0
    cycles: int = 0

    @property
    def count(self) -> int:
        return self.open + self.won + self.lost

    def add(self, measure: str, amount: int) -> None:
        match measure:
            case "open":
                self.open += amount
            case "won":
                self.won += amount
            case "lost":
                self.lost += amount
            case "latent":
                self.latent += amount
            case "stale":
                self.stale += amount
            case "cycle_days":
                self.cycle_days += amount
            case "cycles":
                self.cycles += amount
            case _:
                kind, _, currency = measure.partition("_")
                sums = {"value": self.values, "open": self.open_values}
                if kind in sums:
                    sums[kind][currency] += amount

    @property
    def empty(self) -> bool:
        return not (
            self.count or self.latent or any(self.values.values()) or any(self.open_values.values())
        )


def axes_of(by: PipelineBy) -> tuple[Axis, ...]:
    """Return the axes whose cells a report needs."""
    match by:
        case "stage":
            return ("stage", "owner")
        case "product" | "company":
            return (by, "news")
        case "age" | "quality":
            return (by,)
        case "segment":
            return ("company", "news")
        case "quarter":
            return ("owner",)
        case _:
            return ("owner", "news")


class Part(NamedTuple):
    """What one cell adds to which row."""

    key: Key
    measure: str
    amount: int


# Why something is in no row, or not in the one that is asked for; what says most comes first.
Reason = Literal[
    "no_longer",
    "other_row",
    "other_seller",
    "other_unit",
    "other_product",
    "other_stage",
    "other_currency",
    "other_confidence",
    "outside_period",
    "no_day",
    "called_off",
    "later",
    "not_over",
    "frozen_again",
    "away",
    "other_function",
    "not_counted",
]
# What each says to who asks for it; docs/figures.md is made of this.
SAYS: Mapping[Reason, str] = {
    "no_longer": "It was in the row, and was taken away again: undone, closed, or handed over.",
    "other_row": "It is in another row of the report.",
    "other_seller": "It was theirs once; what is counted of it is another seller's.",
    "other_unit": "Whose it is was not in the unit that is asked about on the day that counts.",
    "other_product": "It is of another product than the target or figure.",
    "other_stage": "It is of another stage than is asked about.",
    "other_currency": "It is in another currency; currencies are never added up.",
    "other_confidence": "It was frozen with another confidence than is asked for.",
    "outside_period": "What counts of it happened before or after the period.",
    "no_day": "Nobody has told a day on which it is to close.",
    "called_off": "The order, contract, delivery or invoice is called off, by its status.",
    "later": "It holds only from a day after the one asked about (`as_of`).",
    "not_over": "The period of the forecast is not over: nothing is judged yet.",
    "frozen_again": "Another freezing of the same period is judged.",
    "away": "In that week the seller was not with us, or away on all of its workdays.",
    "other_function": "In that week it was not theirs to enter anything, by their function.",
    "not_counted": "It tells nothing that the report counts.",
}
# Says to which row of a report a cell adds what, or why to none; None: it tells of something else.
PartOf = Callable[[Cell, int], Part | Reason | None]
# The same of a cell that adds to several.
PartsOf = Callable[[Cell, int], Iterable[Part]]


def no_more(_cell: Cell, _amount: int) -> Iterable[Part]:
    return ()


def pipeline(
    by: PipelineBy,
    cells: Amounts,
    organization: Organization,
    day: date,
    segments: Mapping[str, str] = NOBODY,
) -> dict[Key, Tally]:
    """Sum the cells up to the end of a day into rows; rows of nothing are left out.

    `segments` says of which kind which company is.
    """
    rows: dict[Key, Tally] = defaultdict(Tally)
    part_of = in_pipeline(by, organization, day, segments)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if isinstance(part, Part):
            rows[part.key].add(part.measure, part.amount)
    return {key: tally for key, tally in rows.items() if not tally.empty}


def in_pipeline(
    by: PipelineBy, organization: Organization, day: date, segments: Mapping[str, str] = NOBODY
) -> PartOf:
    axes, key_of = axes_of(by), _keys(by, organization, day, segments)

    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        if cell.axis not in axes or cell.measure == "discovered":
            return None
        if cell.day > day:
            return "later"
        if by == "stage":
            return _by_stage(cell, amount)
        return Part(key_of(cell), cell.measure, amount)

    return part_of


def grain(by: PipelineBy, organization: Organization, day: date) -> Grain:
    """Return what a pipeline tells apart: where sellers were on the day of winning or losing."""
    placed = by in ("team", "manager", "region")
    credited = Apart(organization.turns) if placed else Apart()
    return Grain(
        Apart(),
        Apart(per="quarter") if by == "quarter" else credited,
        last=day,
        owners=placed or by == "seller",
        placed=_places(by, organization, day) if placed else None,
        alike={"news": bought_apart(by)},
    )


def _places(by: PipelineBy, organization: Organization, day: date) -> PlaceOf:
    """Say where a seller was when it was decided; until then, where they are."""
    name = "division" if by == "region" else by

    def place_of(_axis: Axis, owner: str, _on: date, credited: date | None) -> Hashable:
        return getattr(organization.place(owner, credited or day), name)  # type: ignore[no-any-return]

    return place_of


@cache  # What it has said is remembered as long as it is there.
def bought_apart(by: str) -> Callable[[str], str]:
    """Say what stands for all that is bought, but for what the rows are of."""
    match by:
        case "product":
            return lambda value: bought(bought_by(value)[0], "")
        case "company" | "segment":
            return lambda value: bought("", bought_by(value)[1])
        case _:
            return lambda _: ""


def _by_stage(cell: Cell, amount: int) -> Part | None:
    """How many stand in a stage is on the axis of stages; what was won is on that of owners."""
    if cell.axis == "stage" and cell.measure == "latent":
        return Part(cell.value, cell.measure, amount)
    if is_open_value(cell.measure):
        return Part(cell.value, cell.measure, amount) if cell.axis == "stage" else None
    if cell.axis == "stage":
        measure = {WON: "won", LOST: "lost"}.get(cell.value, "open")
        return Part(cell.value, measure, amount if cell.measure == "entered" else -amount)
    if cell.measure in {"open", "won", "lost", "latent"}:
        return None
    return Part(WON, cell.measure, amount)


def stale(cells: Amounts, day: date) -> int:
    """Return of how much that is open nobody has told anything for a month (N-08)."""
    return sum(n for cell, n in cells.items() if cell.axis == "news" and cell.day <= day)


def is_open_value(measure: str) -> bool:
    return measure.startswith("open_")


def _keys(
    by: PipelineBy, organization: Organization, day: date, segments: Mapping[str, str]
) -> Callable[[Cell], Key]:
    def place(cell: Cell) -> Any:
        return organization.place(cell.owner, cell.credited or day)

    def product(cell: Cell) -> str:
        return bought_by(cell.value)[0] if cell.axis == "news" else cell.value

    def company(cell: Cell) -> str:
        return bought_by(cell.value)[1] if cell.axis == "news" else cell.value

    keys: dict[str, Callable[[Cell], Key]] = {
        "total": lambda _: TOTAL,
        "stage": lambda cell: cell.value or None,
        "product": lambda cell: product(cell) or None,
        "company": lambda cell: company(cell) or None,
        "age": lambda cell: age_of(cell.value, day),
        # Only of what is open: what was decided was as good as it was.
        "quality": lambda cell: cell.value,
        "segment": lambda cell: segments.get(company(cell)),
        "seller": lambda cell: cell.owner or None,
        "team": lambda cell: place(cell).team,
        "manager": lambda cell: place(cell).manager,
        "region": lambda cell: place(cell).division,
        "quarter": lambda cell: period_of(cell.credited, "quarter") if cell.credited else None,
    }
    return keys[by]


def period_of(day: date, per: Per) -> str:
    """Return the period a day lies in, so written that text order is time order."""
    match per:
        case "day":
            return day.isoformat()
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        case "month":
            return f"{day:%Y-%m}"
        case "quarter":
            return f"{day.year}-Q{(day.month + 2) // 3}"


# Only what is open is told by these: what was decided is in no row of them.
OF_OPEN = frozenset({"age", "quality"})


def row_document(by: PipelineBy, key: Key, tally: Tally, currency: str) -> dict[str, Any]:
    """Return a row as it is answered: money and rates as text, so that nobody rounds them."""
    decided = tally.won + tally.lost
    row: dict[str, Any] = {
        "key": key,
        "count": tally.count,
        "won": tally.won,
        "lost": tally.lost,
        "open": tally.open,
        "value_won": money(tally.values[currency]),
        "value_open": money(tally.open_values[currency]),
        "win_rate": ratio(100 * tally.won, decided),
        "mean_cycle_days": ratio(tally.cycle_days, tally.cycles),
    }
    if by in OF_OPEN:
        row |= dict.fromkeys(("won", "lost", "value_won"))
    # What is not real yet is neither open nor in the count (O-02).
    latent = {"latent": tally.latent} if tally.latent else {}
    # No figure of stale data without a mark (N-08).
    marked = {"stale": tally.stale} if tally.stale else {}
    return {**row, **latent, **marked, **other_currencies(tally, currency)}


def other_currencies(tally: Tally, currency: str) -> dict[str, Any]:
    """Currencies are never added up: what is of another one is told beside."""
    told = {"value_won_other": tally.values, "value_open_other": tally.open_values}
    others = {
        name: {code: money(value) for code, value in sorted(sums.items()) if value}
        for name, sums in told.items()
    }
    for found in others.values():
        found.pop(currency, None)
    return {name: found for name, found in others.items() if found}


def money(ten_thousandths: int) -> str:
    """Return an amount without needless zeros."""
    whole, part = divmod(abs(ten_thousandths), MONEY_SCALE)
    sign = "-" if ten_thousandths < 0 else ""
    fraction = f".{part:04}".rstrip("0").rstrip(".")
    return f"{sign}{whole}{fraction}"


def ratio(total: int, count: int) -> str | None:
    """Return two decimals, halves rounded up; None where nothing was counted."""
    if count == 0:
        return None
    hundredths = (200 * abs(total) + abs(count)) // (2 * abs(count))
    sign = "-" if hundredths and (total < 0) != (count < 0) else ""
    return f"{sign}{hundredths // 100}.{hundredths % 100:02}"


def tallied(cells: Amounts, part_of: PartOf, also: PartsOf = no_more) -> dict[Key, Counter[str]]:
    """Sum the cells into rows, by measure; rows of nothing are left out."""
    rows: dict[Key, Counter[str]] = defaultdict(Counter)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if isinstance(part, Part):
            row = rows[part.key]
            # `get`: where a counter lacks something, it asks a method of Python.
            row[part.measure] = row.get(part.measure, 0) + part.amount
        if also is not no_more:
            for one in also(cell, amount):
                rows[one.key][one.measure] += one.amount
    return {key: amounts for key, amounts in rows.items() if any(amounts.values())}


def within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


def not_theirs(unit: Key, owner: str, day: date, organization: Organization) -> Reason | None:
    """Say that somebody was not in the unit that is asked about on a day; None: they were."""
    return None if unit is None or organization.belongs(owner, unit, day) else "other_unit"


def in_order(keys: Iterable[Key]) -> list[Key]:
    """By text, what has no key last."""
    return sorted(keys, key=lambda key: (key is None, key or ""))
