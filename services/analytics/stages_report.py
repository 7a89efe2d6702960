"""How opportunities pass through stages, how often they are put off, and what that tells. Pure.

A probability is a share of the company's own decided opportunities, told with how many these are;
of fewer than the floor none is told (O-06: no forecast is made up).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from services.analytics.cells import Axis, Cell
from services.analytics.forecast import Span, key_of
from services.analytics.measures import bought_by
from services.analytics.pipeline import (
    NOBODY,
    Key,
    Part,
    PartOf,
    Reason,
    bought_apart,
    not_theirs,
    ratio,
    within,
)
from services.analytics.report_by import SlipsBy
from services.analytics.tables import Apart, Grain, bounds
from services.analytics.tree import Organization


def _left_out(organization: Organization, span: Span, unit: Key, cell: Cell) -> Reason | None:
    """Say why a cell does not count: it is of other days, or of who was not in this unit then."""
    if not within(cell.day, *span):
        return "outside_period"
    return not_theirs(unit, cell.owner, cell.day, organization)


def stages_grain(organization: Organization, span: Span, unit: Key) -> Grain:
    """Return what stages tell apart: where a seller was only if a unit is asked for."""
    turns = organization.turns if unit is not None else frozenset()
    return Grain(Apart(turns | bounds(*span)), last=span.last, owners=unit is not None)


def slippage_grain(by: SlipsBy, organization: Organization, span: Span, unit: Key) -> Grain:
    """Return what slippage tells apart: periods, and where sellers were in them."""
    placed = by in ("team", "manager", "region") or unit is not None
    turns = organization.turns if placed else frozenset()
    per = by if by in ("day", "week", "month", "quarter") else None
    days = Apart(turns | bounds(*span), per)
    alike: dict[Axis, Callable[[str], str]] = {"slip": bought_apart(by)}
    return Grain(days, last=span.last, owners=placed or by == "seller", alike=alike)


def in_stages(organization: Organization, span: Span, unit: Key) -> PartOf:
    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        if cell.axis != "passage":
            return None
        left_out = _left_out(organization, span, unit, cell)
        return left_out or Part(cell.value, cell.measure, amount)

    return part_of


def in_slippage(
    by: SlipsBy,
    organization: Organization,
    span: Span,
    unit: Key,
    segments: Mapping[str, str] = NOBODY,
) -> PartOf:
    """Say to which row of slippage a cell adds what; `segments` as in the pipeline."""

    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        if cell.axis != "slip":
            return None
        left_out = _left_out(organization, span, unit, cell)
        return left_out or Part(_slip_key(cell), cell.measure, amount)

    def _slip_key(cell: Cell) -> Key:
        product, company = bought_by(cell.value)
        if by == "product":
            return product or None
        if by == "company":
            return company or None
        if by == "segment":
            return segments.get(company)
        return key_of(by, cell.owner, organization, cell.day, cell.day)

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
