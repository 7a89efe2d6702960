"""What came in and went out, and touches, by period or by who did it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from services.analytics.cells import Axis, Cell
from services.analytics.forecast import Span
from services.analytics.pipeline import (
    NOBODY,
    Amounts,
    Key,
    Part,
    PartOf,
    Reason,
    Tally,
    money,
    not_theirs,
    other_currencies,
    period_of,
    ratio,
    within,
)
from services.analytics.report_by import DealsBy, TouchesBy
from services.analytics.report_traits import PLACED, alike_by, days_by, key_by
from services.analytics.tables import Apart, Grain, bounds
from services.analytics.tree import Organization


@dataclass(slots=True)
class Flow:
    """What came in and went out in one period."""

    discovered: int = 0
    tally: Tally = field(default_factory=Tally)

    def document(self, currency: str) -> dict[str, Any]:
        """Return it as it is answered."""
        tally = self.tally
        return {
            "discovered": self.discovered,
            "won": tally.won,
            "lost": tally.lost,
            "win_rate": ratio(100 * tally.won, tally.won + tally.lost),
            "value_won": money(tally.values[currency]),
            **other_currencies(tally, currency),
        }


class Look(NamedTuple):
    """Which days, as they stood at the end of which day, and of whom in which unit."""

    span: Span
    day: date
    unit: Key = None


def inflow(
    by: DealsBy,
    cells: Amounts,
    organization: Organization,
    look: Look,
    segments: Mapping[str, str] = NOBODY,
) -> dict[Key, Flow]:
    """Sum what was discovered, won and lost into rows. What was undone later never came."""
    flows: dict[Key, Flow] = defaultdict(Flow)
    part_of = in_inflow(by, organization, look, segments)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if not isinstance(part, Part):
            continue
        flow = flows[part.key]
        if part.measure == "discovered":
            flow.discovered += amount
        else:
            flow.tally.add(part.measure, amount)
    return {key: flow for key, flow in flows.items() if flow.discovered or not flow.tally.empty}


def in_inflow(
    by: DealsBy, organization: Organization, look: Look, segments: Mapping[str, str] = NOBODY
) -> PartOf:
    """Say to which row a cell adds what; `segments` as in the pipeline."""
    key = key_by(by, organization, segments)

    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        if cell.axis != "flow":
            return None
        on = cell.credited or cell.day
        reason = left_out(cell, on, look, organization)
        return reason or Part(key(cell, on), cell.measure, amount)

    return part_of


def left_out(cell: Cell, on: date, look: Look, organization: Organization) -> Reason | None:
    """Say why what counts on a day is in no row of that look; None: it is in one."""
    if cell.day > look.day:
        return "later"
    if not within(on, *look.span):
        return "outside_period"
    return not_theirs(look.unit, cell.owner, on, organization)


def inflow_grain(by: DealsBy, organization: Organization, look: Look) -> Grain:
    placed = by in PLACED or look.unit is not None
    turns = organization.turns if placed else frozenset()
    apart = days_by(by, bounds(*look.span) | turns)
    alike: dict[Axis, Callable[[str], str]] = {"flow": alike_by(by)}
    return Grain(apart, apart, last=look.day, owners=placed or by == "seller", alike=alike)


def touches_grain(by: TouchesBy, organization: Organization, look: Look) -> Grain:
    first, last = look.span.first, min(look.span.last or look.day, look.day)
    placed = by in ("team", "division", "company") or look.unit is not None
    turns = organization.turns if placed else frozenset()
    per = by if by in ("day", "week", "month", "quarter") else None
    return Grain(Apart(turns, per), first=first, last=last, owners=placed or by == "seller")


def touches(
    by: TouchesBy, cells: Amounts, organization: Organization, look: Look
) -> dict[Key, int]:
    """Count touches, each where its employee was on its day."""
    counts: Counter[Key] = Counter()
    part_of = in_touches(by, organization, look)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if isinstance(part, Part):
            counts[part.key] += part.amount
    return {key: count for key, count in counts.items() if count}


def in_touches(by: TouchesBy, organization: Organization, look: Look) -> PartOf:
    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        if cell.measure != "touches":
            return None
        reason = left_out(cell, cell.day, look, organization)
        return reason or Part(_touch_key(by, cell, organization), cell.measure, amount)

    return part_of


def _touch_key(by: TouchesBy, cell: Cell, organization: Organization) -> Key:
    if by == "seller":
        return cell.owner or None
    place = organization.place(cell.owner, cell.day)
    match by:
        case "team":
            return place.team
        case "division":
            return place.division
        case "company":
            return place.company
        case _:
            return period_of(cell.day, by)
