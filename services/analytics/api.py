"""HTTP for the figures: sums of cells, each of which opens into the facts behind it."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.analytics import pipeline as report
from services.analytics.figures import Figures, Row, read_figures
from services.analytics.pipeline import (
    By,
    PartOf,
    Per,
    TouchesBy,
    axes_of,
    in_order,
    row_document,
)
from services.analytics.proof import total, why
from shared.runtime import Runtime
from shared.web import AtLeast, runtime_of

router = APIRouter(prefix="/analytics", tags=["analytics"])
Analytics = Annotated[Runtime, Depends(runtime_of("analytics"))]
AsOf = Annotated[date | None, Query(description="as it stood at the end of this day")]
Day = Annotated[date | None, Query()]


Seller = Annotated[str | None, Query(description="this colleague's alone: `employee-...`")]


@router.get("/pipeline")
async def pipeline(
    runtime: Analytics,
    at_least: AtLeast,
    by: By = "stage",
    as_of: AsOf = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Opportunities by stage, product, seller, ... (N-06): counts, value won, rate, mean cycle.

    Without `as_of` as it stands today in the company's zone. `latent` counts what is not real yet
    (O-02): it is neither `open` nor in `count`. `key` is the name of the row, `id` the stream
    behind the name; both null where a row has none. Money and rates are decimal text; `win_rate`
    is in percent. `positions` say which facts of the log are in the figures, `parked_facts` how
    many of those are set aside.
    """
    figures = await read_figures(runtime, axes_of(by), owner=employee(seller), at_least=at_least)
    day = as_of or runtime.today
    rows = report.pipeline(by, figures.cells, figures.organization, day)
    currency = runtime.settings.currency
    return {
        "rows": [
            {"id": key, **row_document(figures.name(key), rows[key], currency)}
            for key in in_order(rows)
        ],
        "by": by,
        "as_of": as_of,
        "currency": currency,
        "positions": figures.positions,
        "parked_facts": figures.parked,
    }


def employee(seller: str | None) -> str | None:
    if seller is None or seller.startswith("employee-"):
        return seller
    return f"employee-{seller}"


@router.get("/inflow")
async def inflow(
    runtime: Analytics,
    at_least: AtLeast,
    per: Per = "month",
    first: Day = None,
    last: Day = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """What was discovered, won and lost in each period."""
    figures = await read_figures(runtime, ("owner",), owner=employee(seller), at_least=at_least)
    flows = report.inflow(per, figures.cells, first, last)
    currency = runtime.settings.currency
    return {
        "rows": [
            {
                "key": key,
                "discovered": flows[key].discovered,
                "won": flows[key].tally.won,
                "lost": flows[key].tally.lost,
                "value_won": report.money(flows[key].tally.values[currency]),
                **report.other_currencies(flows[key].tally, currency),
            }
            for key in sorted(flows)
        ],
        "per": per,
        "currency": currency,
        "positions": figures.positions,
        "parked_facts": figures.parked,
    }


@router.get("/touches")
async def touches(
    runtime: Analytics,
    at_least: AtLeast,
    by: TouchesBy = "seller",
    first: Day = None,
    last: Day = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Touches by seller, unit or period (N-01), each where its employee was on its day."""
    figures = await read_figures(runtime, ("touch",), owner=employee(seller), at_least=at_least)
    counts = report.touches(by, figures.cells, figures.organization, first, last)
    return {
        "rows": [
            {"key": figures.name(key), "id": key, "touches": counts[key]}
            for key in in_order(counts)
        ],
        "by": by,
        "positions": figures.positions,
        "parked_facts": figures.parked,
    }


@router.get("/why")
async def explain(
    runtime: Analytics,
    at_least: AtLeast,
    by: By,
    key: str | None = None,
    as_of: AsOf = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Why is this number? The opportunities behind a row of `/analytics/pipeline`.

    `key` is the row's id or name; without it, the row that has none. What they add is in the row's
    own measures (money in ten-thousandths) and adds up to the row;
    `/opportunities/history/<stream>` has the facts of each.
    """
    owner, row = employee(seller), Row(by, key)
    figures = await read_figures(runtime, (), owner=owner, row=row, at_least=at_least)
    part_of = report.in_pipeline(by, figures.organization, as_of or runtime.today)
    return {"by": by, "as_of": as_of, **await explained(figures, key, part_of, owner)}


@router.get("/inflow/why")
async def explain_inflow(
    runtime: Analytics,
    at_least: AtLeast,
    key: str,
    per: Per = "month",
    first: Day = None,
    last: Day = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities behind a period of `/analytics/inflow`."""
    owner, row = employee(seller), Row(per, key)
    figures = await read_figures(runtime, (), owner=owner, row=row, at_least=at_least)
    part_of = report.in_inflow(per, first, last)
    return {"per": per, **await explained(figures, key, part_of, owner)}


@router.get("/touches/why")
async def explain_touches(
    runtime: Analytics,
    at_least: AtLeast,
    by: TouchesBy = "seller",
    key: str | None = None,
    first: Day = None,
    last: Day = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The touches behind a row of `/analytics/touches`, found as those of `/analytics/why` are."""
    owner, row = employee(seller), Row(by, key, "touch")
    figures = await read_figures(runtime, (), owner=owner, row=row, at_least=at_least)
    part_of = report.in_touches(by, figures.organization, first, last)
    return {"by": by, **await explained(figures, key, part_of, owner)}


async def explained(
    figures: Figures, key: str | None, part_of: PartOf, owner: str | None
) -> dict[str, Any]:
    contributing = await asyncio.to_thread(why, part_of, figures.keys, figures.entities, owner)
    return {
        "key": key,
        "total": total(contributing),
        "contributions": [{"stream": one.stream, **one.amounts} for one in contributing],
        "positions": figures.positions,
        "parked_facts": figures.parked,
    }
