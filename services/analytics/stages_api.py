"""HTTP for conversion, time in stage, probability from history, and slippage (N-06)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query

from services.analytics import stages_report as report
from services.analytics.api import (
    Analytics,
    At,
    Moment,
    Seller,
    Unit,
    employee,
    explained,
    facts_of,
)
from services.analytics.cells import Axis
from services.analytics.figures import Row
from services.analytics.forecast_api import Period
from services.analytics.marks import NEWS, mark
from services.analytics.paged import Paged, PagedWhy
from services.analytics.pipeline import in_order, tallied
from services.analytics.report_by import DealsBy
from services.analytics.row_keys import DEALS
from services.analytics.stages_report import Look
from services.analytics.workload_api import defaults_of, until
from shared.references import ProductStream
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


Stage = Annotated[str | None, Query(description="what was in this stage alone")]
Product = Annotated[ProductStream | None, Query(description="this product's alone: `product-...`")]


async def _look(
    runtime: Analytics,
    moment: At,
    period: Period,
    unit: Unit = None,
    stage: Stage = None,
    product: Product = None,
) -> Look:
    return Look(until(moment, period, runtime), unit, stage, product)


Looked = Annotated[Look, Depends(_look)]


@router.get("/stages")
async def stages(
    runtime: Analytics,
    moment: At,
    look: Looked,
    by: DealsBy = "stage",
    seller: Seller = None,
) -> dict[str, Any]:
    """What passed each stage: how many, in how many days, to what; and what is won from there.

    By something else, what passed all stages, or the one that `stage` names: by whose it was, what
    was bought by whom, and how old and how good to work on the deal was when it left the stage.
    `passed` counts what left the stage within the period, `conversion` what was not lost by that.
    `probability` is the share won of what was decided in the period and had been in the stage
    (`decided`): null with `insufficient_history` where that is less than the company's floor, and
    of several stages together, in which the same deals had been. What
    still stands in a stage is in none of them, so they bear no mark of what is stale (N-08).
    """
    figures = await moment.figures(
        runtime,
        ("passage",),
        owner=employee(seller),
        grain_of=lambda held: report.grain("passage", by, held, look),
    )
    part_of = report.in_course("passage", by, figures.organization, look, figures.segments)
    rows = tallied(figures.cells, part_of)
    floor = defaults_of(runtime).sample_floor
    of_one = by == "stage" or look.stage is not None
    return {
        "rows": [
            {
                "id": key,
                "key": figures.name(key),
                **report.stage_document(rows[key], floor, of_one=of_one),
            }
            for key in in_order(rows)
        ],
        "by": by,
        "sample_floor": floor,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/stages/why")
async def explain_stages(
    runtime: Analytics,
    moment: At,
    look: Looked,
    paged: PagedWhy,
    by: DealsBy = "stage",
    key: str | None = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities behind a row of `/analytics/stages`."""
    return await _explained(runtime, moment, "passage", by, look, key, employee(seller), paged)


async def _explained(
    runtime: Runtime,
    moment: Moment,
    axis: Axis,
    by: DealsBy,
    look: Look,
    key: str | None,
    owner: str | None,
    paged: Paged,
) -> dict[str, Any]:
    row = Row(by, key, DEALS[by], unit=look.unit)
    async with moment.opened(runtime, owner=owner, row=row) as figures:
        part_of = report.in_course(axis, by, figures.organization, look, figures.segments)
        told = await explained(figures, key, part_of, owner, paged)
    return {"by": by, **moment.document(), **told}


@router.get("/slippage")
async def slippage(
    runtime: Analytics,
    moment: At,
    look: Looked,
    by: DealsBy = "seller",
    seller: Seller = None,
) -> dict[str, Any]:
    """How often closings were put off, and how late what was won came, by what was said first.

    By stage, age and quality as the deal was when it was put off, or was won. What nobody tells of
    is not put off either: `stale` is how much that is open nobody has told anything of for a month
    (N-08), of the unit, seller and product asked about.
    """
    figures = await moment.figures(
        runtime,
        ("slip", NEWS),
        owner=employee(seller),
        grain_of=lambda held: report.grain("slip", by, held, look),
    )
    part_of = report.in_course("slip", by, figures.organization, look, figures.segments)
    rows = tallied(figures.cells, part_of)
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **report.slips_document(rows[key])}
            for key in in_order(rows)
        ],
        "by": by,
        "stale": mark(figures, moment.day(runtime), employee(seller), look.unit, look.product),
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/slippage/why")
async def explain_slippage(
    runtime: Analytics,
    moment: At,
    look: Looked,
    paged: PagedWhy,
    by: DealsBy,
    key: str | None = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities behind a row of `/analytics/slippage`."""
    return await _explained(runtime, moment, "slip", by, look, key, employee(seller), paged)
