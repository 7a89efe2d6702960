"""HTTP for what a company measures itself by (N-02, N-03): defined, switched, talked about."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from services.analytics.api import Analytics
from services.analytics.kpi_measures import KPI_MEASURES
from services.analytics.kpi_views import KpiCard, KpiReview, kpi_card, kpi_review
from services.analytics.model import CoachKpi, DefineKpi, RetireKpi, SwitchKpi
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    seen,
)
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


@router.get("/kpi-measures")
async def list_measures() -> dict[str, Any]:
    """The names that an expression may compute with; a stock stands at the end of a period."""
    items = [
        {"measure": name, "says": one.says, "stock": one.stock, "by_product": one.by_product}
        for name, one in KPI_MEASURES.items()
    ]
    return {"items": items, "next_cursor": None}


@router.get("/kpis")
async def list_kpis(
    runtime: Analytics, wanted: PageWanted, at_least: AtLeast, *, retired: bool | None = None
) -> dict[str, Any]:
    return await page(runtime.reader(kpi_card), {"retired": retired}, wanted, at_least)


@router.get("/kpis/{kpi}")
async def get_kpi(
    kpi: StreamId, runtime: Analytics, at_least: AtLeast, request: Request, response: Response
) -> KpiCard:
    found = await runtime.reader(kpi_card).get(f"kpi-{kpi}", at_least)
    card: KpiCard = seen(found, "kpi", request, response)
    return card


@router.post("/kpis/{kpi}/define", status_code=202)
async def define(
    kpi: StreamId, command: DefineKpi, runtime: Analytics, meta: CommandMeta, response: Response
) -> Recorded:
    """Define a figure, or define it anew: what holds goes on holding until it is switched."""
    return await record(runtime, f"kpi-{kpi}", command, meta, response)


@router.post("/kpis/{kpi}/switch", status_code=202)
async def switch(
    kpi: StreamId, command: SwitchKpi, runtime: Analytics, meta: CommandMeta, response: Response
) -> Recorded:
    """From now on another definition holds; figures by the others stay to be asked for."""
    return await record(runtime, f"kpi-{kpi}", command, meta, response)


@router.post("/kpis/{kpi}/retire", status_code=202)
async def retire(
    kpi: StreamId, command: RetireKpi, runtime: Analytics, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"kpi-{kpi}", command, meta, response)


@router.post("/kpi-reviews/{review}/hold", status_code=202)
async def coach(
    review: StreamId, command: CoachKpi, runtime: Analytics, meta: CommandMeta, response: Response
) -> Recorded:
    """Write down what was talked about a figure (N-03)."""
    return await record(runtime, f"review-{review}", command, meta, response)


@router.get("/kpi-reviews/{review}")
async def get_review(
    review: StreamId, runtime: Analytics, at_least: AtLeast, request: Request, response: Response
) -> KpiReview:
    found = await runtime.reader(kpi_review).get(f"review-{review}", at_least)
    told: KpiReview = seen(found, "review", request, response)
    return told


@router.get("/kpis/{kpi}/reviews")
async def list_reviews(
    kpi: StreamId,
    runtime: Analytics,
    wanted: PageWanted,
    at_least: AtLeast,
    of: str | None = None,
    period: str | None = None,
) -> dict[str, Any]:
    """What was talked about this figure; `of` whom, and of which period."""
    where = {"kpi": f"kpi-{kpi}", "of": of, "period": period}
    return await page(runtime.reader(kpi_review), where, wanted, at_least)
