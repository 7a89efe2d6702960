"""HTTP for conversion, time in stage, probability from history, and slippage (N-06)."""

from __future__ import annotations

from typing import Any

from services.analytics import stages_report as report
from services.analytics.api import Analytics, At, Seller, Unit, employee, explained, facts_of
from services.analytics.figures import Row
from services.analytics.forecast_api import Period
from services.analytics.marks import NEWS, mark
from services.analytics.pipeline import in_order, tallied
from services.analytics.report_by import SlipsBy
from services.analytics.workload_api import defaults_of, until
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


@router.get("/stages")
async def stages(
    runtime: Analytics, moment: At, period: Period, unit: Unit = None, seller: Seller = None
) -> dict[str, Any]:
    """What passed each stage: how many, in how many days, to what; and what is won from there.

    `passed` counts what left the stage within the period, `conversion` what was not lost by that.
    `probability` is the share won of what was decided in the period and had been in the stage
    (`decided`): null with `insufficient_history` where that is less than the company's floor. What
    still stands in a stage is in none of them, so they bear no mark of what is stale (N-08).
    """
    span = until(moment, period, runtime)
    figures = await moment.figures(
        runtime,
        ("passage",),
        owner=employee(seller),
        grain_of=lambda held: report.stages_grain(held, span, unit),
    )
    rows = tallied(figures.cells, report.in_stages(figures.organization, span, unit))
    floor = defaults_of(runtime).sample_floor
    return {
        "rows": [
            {"id": key, "key": key, **report.stage_document(rows[key], floor)}
            for key in in_order(rows)
        ],
        "sample_floor": floor,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/stages/why")
async def explain_stages(
    runtime: Analytics,
    moment: At,
    period: Period,
    key: str,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities behind a row of `/analytics/stages`."""
    owner = employee(seller)
    figures = await moment.figures(runtime, (), owner=owner, row=Row("stage", key, unit=unit))
    part_of = report.in_stages(figures.organization, until(moment, period, runtime), unit)
    return {**moment.document(), **await explained(figures, key, part_of, owner)}


@router.get("/slippage")
async def slippage(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: SlipsBy = "seller",
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """How often closings were put off, and how late what was won came, by what was said first.

    What nobody tells of is not put off either: `stale` is how much that is open nobody has told
    anything of for a month (N-08).
    """
    span = until(moment, period, runtime)
    figures = await moment.figures(
        runtime,
        ("slip", NEWS),
        owner=employee(seller),
        grain_of=lambda held: report.slippage_grain(by, held, span, unit),
    )
    part_of = report.in_slippage(by, figures.organization, span, unit, figures.segments)
    rows = tallied(figures.cells, part_of)
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **report.slips_document(rows[key])}
            for key in in_order(rows)
        ],
        "by": by,
        "stale": mark(figures, moment.day(runtime), employee(seller), unit),
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/slippage/why")
async def explain_slippage(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: SlipsBy,
    key: str | None = None,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities behind a row of `/analytics/slippage`."""
    owner = employee(seller)
    figures = await moment.figures(runtime, (), owner=owner, row=Row(by, key, unit=unit))
    span = until(moment, period, runtime)
    part_of = report.in_slippage(by, figures.organization, span, unit, figures.segments)
    return {"by": by, **moment.document(), **await explained(figures, key, part_of, owner)}
