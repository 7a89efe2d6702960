"""What came in and went out, and touches, by period or by who did it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date

from services.analytics.cells import Cell, Per
from services.analytics.pipeline import (
    Amounts,
    Key,
    Part,
    PartOf,
    Tally,
    is_open_value,
    period_of,
    within,
)
from services.analytics.report_by import TouchesBy
from services.analytics.tables import Apart, Grain, bounds
from services.analytics.tree import Organization


@dataclass(slots=True)
class Flow:
    """What came in and went out in one period."""

    discovered: int = 0
    tally: Tally = field(default_factory=Tally)


def inflow(per: Per, cells: Amounts, first: date | None, last: date | None) -> dict[str, Flow]:
    """Sum what was discovered, won and lost by period. What was undone later never came."""
    flows: dict[str, Flow] = defaultdict(Flow)
    part_of = in_inflow(per, first, last)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if part is None or part.key is None:
            continue
        flow = flows[part.key]
        if part.measure == "discovered":
            flow.discovered += amount
        else:
            flow.tally.add(part.measure, amount)
    return {key: flow for key, flow in flows.items() if flow.discovered or not flow.tally.empty}


def in_inflow(per: Per, first: date | None, last: date | None) -> PartOf:
    def part_of(cell: Cell, amount: int) -> Part | None:
        day = cell.credited or cell.day
        if cell.axis != "owner" or cell.measure in {"open", "latent"}:
            return None
        if is_open_value(cell.measure):
            return None
        return Part(period_of(day, per), cell.measure, amount) if within(day, first, last) else None

    return part_of


def inflow_grain(per: Per, first: date | None, last: date | None) -> Grain:
    apart = Apart(bounds(first, last), per)
    return Grain(apart, apart, owners=False)


def touches_grain(
    by: TouchesBy, organization: Organization, first: date | None, last: date | None
) -> Grain:
    if by in ("day", "week", "month", "quarter"):
        return Grain(Apart(per=by), first=first, last=last, owners=False)
    turns = organization.turns if by != "seller" else frozenset()
    return Grain(Apart(turns), first=first, last=last)


def touches(
    by: TouchesBy,
    cells: Amounts,
    organization: Organization,
    first: date | None,
    last: date | None,
) -> dict[Key, int]:
    """Count touches, each where its employee was on its day."""
    counts: Counter[Key] = Counter()
    part_of = in_touches(by, organization, first, last)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if part is not None:
            counts[part.key] += part.amount
    return {key: count for key, count in counts.items() if count}


def in_touches(
    by: TouchesBy, organization: Organization, first: date | None, last: date | None
) -> PartOf:
    def part_of(cell: Cell, amount: int) -> Part | None:
        if cell.measure != "touches" or not within(cell.day, first, last):
            return None
        return Part(_touch_key(by, cell, organization), cell.measure, amount)

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
