"""What keeps sellers from their work (N-11): found, and acted on in time. Pure.

Lost is time that was planned and came to nothing, or began late, or took longer than planned;
beside it stands the time that went to other things than customers. A loss is found in the first
week in which it took more than its share of the work; who talked about a figure that measures it
from then on has acted on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from services.analytics.adoption import WEEK
from services.analytics.cells import Axis, Cell
from services.analytics.forecast import Span
from services.analytics.growth import before
from services.analytics.kpi_expression import parse
from services.analytics.kpi_measures import KPI_MEASURES, begin_of
from services.analytics.kpi_views import KpiCard, KpiReview
from services.analytics.pipeline import (
    Amounts,
    Key,
    Part,
    PartOf,
    Reason,
    not_theirs,
    ratio,
    within,
)
from services.analytics.tables import Grain
from services.analytics.tree import Organization

AXES: tuple[Axis, ...] = ("time", "loss")
Inhibitor = Literal[
    "missed",
    "displaced",
    "cancelled",
    "late",
    "overrun",
    "internal",
    "reporting",
    "administration",
    "travel",
]


class Loss(NamedTuple):
    """Where a loss is counted, and which measures of a figure tell of it."""

    axis: Axis
    measure: str
    told_by: frozenset[str]


LOSSES: dict[Inhibitor, Loss] = {
    "missed": Loss("loss", "minutes", frozenset({"missed_minutes", "plans_missed"})),
    "displaced": Loss("loss", "minutes", frozenset({"displaced_minutes", "plans_displaced"})),
    "cancelled": Loss("loss", "minutes", frozenset({"cancelled_minutes"})),
    "late": Loss("loss", "minutes", frozenset({"late_minutes"})),
    "overrun": Loss("loss", "minutes", frozenset({"overrun_minutes"})),
    "internal": Loss("time", "actual", frozenset({"internal_minutes"})),
    "reporting": Loss("time", "actual", frozenset({"reporting_minutes"})),
    "administration": Loss("time", "actual", frozenset({"administration_minutes"})),
    "travel": Loss("time", "actual", frozenset({"travel_minutes"})),
}


def grain(span: Span, unit: Key) -> Grain:
    """Return what the losses tell apart: each day of the time and of the one before it."""
    assert span.first is not None
    earlier = before(span).first
    assert earlier is not None
    first = min(earlier, begin_of("week", span.first))
    return Grain(first=first, last=span.last, owners=unit is not None)


def in_losses(organization: Organization, span: Span, unit: Key) -> PartOf:
    """Say what a cell adds to which loss: minutes and times within the span."""

    def part_of(cell: Cell, amount: int) -> Part | Reason | None:
        if cell.axis not in AXES:
            return None
        loss = LOSSES.get(cell.value)  # type: ignore[call-overload]  # "customer" is none.
        if loss is None or loss.axis != cell.axis:
            return None
        measure = {loss.measure: "minutes", "times": "times", "entries": "times"}.get(cell.measure)
        if measure is None:
            return None
        if not within(cell.day, *span):
            return "outside_period"
        reason = not_theirs(unit, cell.owner, cell.day, organization)
        return reason or Part(cell.value, measure, amount)

    return part_of


def worked(cells: Amounts, organization: Organization, unit: Key) -> Counter[date]:
    """Return the minutes of work by day: what losses are a share of."""
    days: Counter[date] = Counter()
    for cell, amount in cells.items():
        if (cell.axis, cell.measure) != ("time", "actual") or cell.value == "private":
            continue
        if not not_theirs(unit, cell.owner, cell.day, organization):
            days[cell.day] += amount
    return days


class Found(NamedTuple):
    """How much of the work a loss took in which week."""

    week: date
    percent: str


class Weeks:
    """The minutes of each loss and of all work by Monday, from the span's first week on."""

    def __init__(
        self, cells: Amounts, organization: Organization, look: Look, worked: Counter[date]
    ) -> None:
        assert look.span.first is not None
        whole = Span(begin_of("week", look.span.first), look.span.last)
        part_of = in_losses(organization, whole, look.unit)
        self._lost: dict[Key, Counter[date]] = {name: Counter() for name in LOSSES}
        self._work: Counter[date] = Counter()
        for cell, amount in cells.items():
            part = part_of(cell, amount)
            if isinstance(part, Part) and part.measure == "minutes":
                self._lost[part.key][begin_of("week", cell.day)] += part.amount
        for day, minutes in worked.items():
            # A week that the span ends in has lost nothing yet of what comes after.
            if within(day, *whole):
                self._work[begin_of("week", day)] += minutes

    def found(self, inhibitor: Inhibitor, most_percent: float) -> Found | None:
        """Return the first week in which a loss took more than its share; None: none did."""
        for week, minutes in sorted(self._lost[inhibitor].items()):
            work = self._work[week]
            if work and 100 * minutes > most_percent * work:
                percent = ratio(100 * minutes, work)
                assert percent is not None
                return Found(week, percent)
        return None


def acted(
    inhibitor: Inhibitor,
    since: date,
    until: date,
    cards: Mapping[str, KpiCard],
    reviews: Iterable[KpiReview],
    of: frozenset[str],
) -> list[KpiReview]:
    """Return who was coached about a figure that tells of the loss, the earliest first (N-03)."""
    told_by = LOSSES[inhibitor].told_by

    def measures(kpi: str | None) -> frozenset[str]:
        card = None if kpi is None else cards.get(kpi)
        defined = None if card is None else card.defined(None)
        return frozenset() if defined is None else parse(defined.expression, KPI_MEASURES).names

    held = [
        one
        for one in reviews
        if one.on is not None
        and since <= one.on <= until
        and one.of in of
        and told_by & measures(one.kpi)
    ]
    return sorted(held, key=lambda one: (one.on or until, one.kpi_review))


class Rules(NamedTuple):
    """What the company has chosen: the share of work that is a loss, and days to act on it."""

    most_percent: float
    within_days: int


class Look(NamedTuple):
    """Whose losses, in which time, as of which day."""

    span: Span
    unit: Key
    day: date
    # Whom a review may be of: the seller, or who is in the unit, the unit, all.
    of: frozenset[str]


def rows_of(
    cells: Amounts,
    organization: Organization,
    look: Look,
    rules: Rules,
    cards: Mapping[str, KpiCard],
    reviews: Sequence[KpiReview],
) -> list[dict[str, Any]]:
    """Return the losses as they are answered, the largest first."""
    earlier = before(look.span)
    now, was = (_sums(cells, organization, span, look.unit) for span in (look.span, earlier))
    days = worked(cells, organization, look.unit)
    work, worked_before = (
        sum(minutes for day, minutes in days.items() if within(day, *span))
        for span in (look.span, earlier)
    )
    weeks = Weeks(cells, organization, look, days)
    rows = []
    for inhibitor in LOSSES:
        minutes, times = now[inhibitor]["minutes"], now[inhibitor]["times"]
        if not minutes and not was[inhibitor]["minutes"]:
            continue
        row: dict[str, Any] = {
            "id": inhibitor,
            "key": inhibitor,
            "minutes": minutes,
            "times": times,
            "share": ratio(100 * minutes, work),
            "minutes_before": was[inhibitor]["minutes"],
            "share_before": ratio(100 * was[inhibitor]["minutes"], worked_before),
        }
        at = weeks.found(inhibitor, rules.most_percent)
        rows.append(row | _followed(inhibitor, at, look, rules, cards, reviews))
    return sorted(rows, key=lambda row: (-row["minutes"], row["id"]))


def _sums(
    cells: Amounts, organization: Organization, span: Span, unit: Key
) -> Mapping[Key, Counter[str]]:
    sums: dict[Key, Counter[str]] = {name: Counter() for name in LOSSES}
    part_of = in_losses(organization, span, unit)
    for cell, amount in cells.items():
        part = part_of(cell, amount)
        if isinstance(part, Part):
            sums[part.key][part.measure] += part.amount
    return sums


def _followed(
    inhibitor: Inhibitor,
    at: Found | None,
    look: Look,
    rules: Rules,
    cards: Mapping[str, KpiCard],
    reviews: Sequence[KpiReview],
) -> dict[str, Any]:
    if at is None:
        return {"found": None, "acted_on": [], "in_time": None}
    since = at.week + WEEK
    held = acted(inhibitor, since, look.day, cards, reviews, look.of)
    due = since + timedelta(days=rules.within_days)
    first = held[0].on if held else None
    # Nobody is late before the days are over.
    in_time = first <= due if first is not None else (None if look.day <= due else False)
    return {
        "found": {"week": at.week, "share": at.percent},
        "acted_on": [
            {"review": one.kpi_review, "kpi": one.kpi, "on": one.on, "actions": one.actions}
            for one in held
        ],
        "in_time": in_time,
    }
