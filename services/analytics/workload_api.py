"""HTTP for the workload (N-01): where the time went, what is carried, and the entries behind it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter

from services.analytics import workload_report as report
from services.analytics.api import Analytics, At, Moment, Seller, employee, explained
from services.analytics.defaults import AnalyticsDefaults
from services.analytics.figures import Row
from services.analytics.forecast import Span
from services.analytics.forecast_api import Period, Unit, facts_of
from services.analytics.pipeline import in_order, tallied
from services.analytics.workload_report import WorkloadBy
from shared.runtime import Runtime
from shared.web.looking import Noticed

router = APIRouter(prefix="/analytics", tags=["analytics"], route_class=Noticed)


def defaults_of(runtime: Runtime) -> AnalyticsDefaults:
    chosen = runtime.domain.defaults
    assert isinstance(chosen, AnalyticsDefaults)
    return chosen


def until(moment: Moment, period: Span, runtime: Runtime) -> Span:
    """Return the period up to the day asked about; without a last day, that is it."""
    day = moment.day(runtime)
    return period if period.last is not None else Span(period.first, day)


@router.get("/workload")
async def workload(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: WorkloadBy = "seller",
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Minutes planned and spent by category, plans kept, open items carried (N-01).

    Of an entry that began late, `on_time_share` asks the grace that the company chose. Private time
    is minutes and nothing else; it is no work. A time of a series counts once something became of
    it: it is an entry then. Minutes in evenings, weekends and holidays: `/calendar/time`.
    """
    span = until(moment, period, runtime)
    figures = await moment.figures(
        runtime,
        report.axes_of(by),
        owner=employee(seller),
        grain_of=lambda held: report.grain(by, held, span, unit),
    )
    rows = tallied(figures.cells, report.in_workload(by, figures.organization, span, unit))
    grace = defaults_of(runtime).grace_minutes
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **report.document(by, rows[key], grace)}
            for key in in_order(rows)
        ],
        "by": by,
        "from": span.first,
        "to": span.last,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/workload/why")
async def explain_workload(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: WorkloadBy,
    key: str | None = None,
    kind: Literal["entry", "opportunity", "issue"] = "entry",
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The entries behind a row of `/analytics/workload`, or the items of a kind that it carries."""
    owner, row = employee(seller), Row(by, key, kind)
    figures = await moment.figures(runtime, (), owner=owner, row=row)
    part_of = report.in_workload(by, figures.organization, until(moment, period, runtime), unit)
    return {"by": by, **moment.document(), **await explained(figures, key, part_of, owner)}
