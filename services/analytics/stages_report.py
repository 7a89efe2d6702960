"""How opportunities pass through stages, how often they are put off, and what that tells. Pure.

A probability is a share of the company's own decided opportunities, told with how many these are;
of fewer than the floor none is told (O-06: no forecast is made up).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from services.analytics.cells import Axis, Cell
from services.analytics.forecast import Span
from services.analytics.pipeline import NOBODY, Key, Part, PartOf, Reason, not_theirs, ratio, within
from services.analytics.report_by import DealsBy
from services.analytics.report_traits import PLACED, alike_by, days_by, key_by
from services.analytics.tables import Grain, bounds
from services.analytics.traits import traits
from services.analytics.tree import Organization


class Look(NamedTuple):
    """Which days, of whom in which unit; of which stage and product alone, if told."""

    span: Span
    unit: Key = None
    stage: Key = None
    product: Key = None

    @property
    def narrowed(self) -> tuple[str, ...]:
        return tuple(name for name in ("stage", "product") if getattr(self, name) is not None)


def _left_out(organization: Organization, look: Look, cell: Cell) -> Reason | None:
    """Say why a cell does not count: it is of something else, or of who was in another unit."""
    told = traits(cell.value)
    if look.product not in (None, told.product):
        return "other_product"
    if look.stage not in (None, told.stage):
        return "other_stage"
    if not within(cell.day, *look.span):
        return "outside_period"
    return not_theirs(look.unit, cell.owner, cell.day, organization)


def grain(axis: Axis, by: DealsBy, organization: Organization, look: Look) -> Grain:
    """Return what stages or slippage tell apart: periods, where sellers were, what is asked for."""
    placed = by in PLACED or look.unit is not None
    turns = organization.turns if placed else frozenset()
    days = days_by(by, turns | bounds(*look.span))
    alike: dict[Axis, Callable[[str], str]] = {axis: alike_by(by, *look.narrowed)}
    return Grain(days, last=look.span.last, owners=placed or by == "seller", alike=alike)


def in_course(
    axis: Axis,
    by: DealsBy,
    organization: Organization,
    look: Look,
    segments: Mapping[str, str] = NOBODY,
) -> PartOf:
    """Say to which row of stages or slippage a cell adds what; `segments` as in the pipeline."""
    key = key_by(by, organization, segments)

    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        if cell.axis != axis:
            return None
        left_out = _left_out(organization, look, cell)
        return left_out or Part(key(cell, cell.day), cell.measure, amount)

    return part_of


def stage_document(amounts: Counter[str], floor: int, *, of_one: bool = True) -> dict[str, Any]:
    """Return a row of stages as it is answered: shares in percent as text.

    A deal is decided once, and had been in several stages: of all of them together (not `of_one`)
    nobody can tell how many were decided.
    """
    passed, lost = amounts["passed"], amounts["passed_lost"]
    won_from, lost_from = amounts["won_from"], amounts["lost_from"]
    sample = won_from + lost_from
    enough = sample >= floor
    row = {
        "passed": passed,
        "passed_won": amounts["passed_won"],
        "passed_lost": lost,
        "mean_days": ratio(amounts["stage_days"], passed),
        "conversion": ratio(100 * (passed - lost), passed),
    }
    if not of_one:
        return row | dict.fromkeys(("decided", "won_from", "probability"))
    return {
        **row,
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
