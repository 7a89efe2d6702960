"""What came of the hours (K-10), of a seller or of many together. Pure.

Rule: money of one currency is never added to that of another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from services.calendar.figures import TimeFigures
from services.calendar.result_views import OpportunityResult

AN_HOUR = 60
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Productivity:
    """Answers: how much was won in how many hours, and how much of these with customers?

    `values` and `value_per_hour` by currency; an hour is one of work, whatever it was spent on.
    """

    sellers: int
    work_minutes: int
    customer_minutes: int
    customer_share: float | None
    meetings: int
    won: int
    values: dict[str, str] = field(default_factory=dict)
    value_per_hour: dict[str, str] = field(default_factory=dict)
    hours_per_win: float | None = None


def productivity(
    sellers: int, time: TimeFigures, meetings: int, results: Iterable[OpportunityResult]
) -> Productivity:
    """Set what was won beside the time that it took."""
    won, values = 0, dict[str, Decimal]()
    for one in results:
        won += 1
        if one.value is not None and one.currency is not None:
            values[one.currency] = values.get(one.currency, Decimal(0)) + Decimal(one.value)
    hours = Decimal(time.work_minutes) / AN_HOUR
    spent = {one.category: one.actual_minutes for one in time.categories}
    return Productivity(
        sellers,
        time.work_minutes,
        spent.get("customer", 0),
        time.customer_share,
        meetings,
        won,
        {name: str(value) for name, value in sorted(values.items())},
        {name: str((values[name] / hours).quantize(CENT)) for name in sorted(values) if hours},
        float(round(hours / won, 1)) if won and hours else None,
    )
