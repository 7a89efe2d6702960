"""How opportunities pass through stages, how often they are put off, and what that tells. Pure.

A probability is a share of the company's own decided opportunities, told with how many these are;
of fewer than the floor none is told (O-06: no forecast is made up).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from services.analytics.cells import Axis, Cell
from services.analytics.forecast import Span, key_of
from services.analytics.pipeline import Key, Part, PartOf, ratio, within
from services.analytics.report_by import SlipsBy
from services.analytics.tables import Apart, Grain, bounds
from services.analytics.tree import Organization


def within_unit(axis: Axis, organization: Organization, span: Span, unit: Key, cell: Cell) -> bool:
    """Whether a cell is of this axis, of these days, and of who was in this unit then."""
    if cell.axis != axis or not within(cell.day, *span):
        return False
    return unit is None or organization.belongs(cell.owner, unit, cell.day)


def stages_grain(organization: Organization, span: Span, unit: Key) -> Grain:
    """Return what stages tell apart: where a seller was only if a unit is asked for."""
    turns = organization.turns if unit is not None else frozenset()
    return Grain(Apart(turns | bounds(*span)), last=span.last, owners=unit is not None)


def slippage_grain(by: SlipsBy, organization: Organization, span: Span, unit: Key) -> Grain:
    """Return what slippage tells apart: periods, and where sellers were in them."""
    placed = by in ("team", "manager", "region") or unit is not None
    turns = organization.turns if placed else frozenset()
    per = by if by in ("day", "week", "month", "quarter") else None
    owners = placed or by == "seller"
    return Grain(Apart(turns | bounds(*span), per), last=span.last, owners=owners)


def in_stages(organization: Organization, span: Span, unit: Key) -> PartOf:
    def part_of(cell: Cell, amount: int) -> Part | None:
        if not within_unit("passage", organization, span, unit, cell):
            return None
        return Part(cell.value, cell.measure, amount)

    return part_of


def in_slippage(by: SlipsBy, organization: Organization, span: Span, unit: Key) -> PartOf:
    def part_of(cell: Cell, amount: int) -> Part | None:
        if not within_unit("slip", organization, span, unit, cell):
            return None
        return Part(key_of(by, cell.owner, organization, cell.day, cell.day), cell.measure, amount)

    return part_of


def stage_document(amounts: Counter[str], floor: int) -> dict[str, Any]:
    """Return a stage as it is answered: shares in percent as text."""
    passed, lost = amounts["passed"], amounts["passed_lost"]
    won_from, lost_from = amounts["won_from"], amounts["lost_from"]
    sample = won_from + lost_from
    enough = sample >= floor
    return {
        "passed": passed,
        "passed_won": amounts["passed_won"],
        "passed_lost": lost,
        "mean_days": ratio(amounts["stage_days"], passed),
        "conversion": ratio(100 * (passed - lost), passed),
        "decided": sample,
        "won_from": won_from,
        "probability": ratio(100 * won_from, sample) if enough else None,
        **({} if enough else {"insufficient_history": True}),
    }


def slips_document(amounts: Counter[str]) -> dict[str, Any]:
    """Return a row of slippage as it is answered."""
    due, late = amounts["due"], amounts["late"]
    return {
        "pushes": amounts["pushes"],
        "mean_pushed_days": ratio(amounts["pushed_days"], amounts["pushes"]),
        "won_with_a_day": due,
        "won_late": late,
        "late_share": ratio(100 * late, due),
        "mean_late_days": ratio(amounts["late_days"], late),
    }
