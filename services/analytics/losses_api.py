"""HTTP for what keeps sellers from their work (N-11), and the entries behind each loss."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from services.analytics import losses as report
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
from services.analytics.figures import Figures, Row
from services.analytics.forecast import Span
from services.analytics.forecast_api import Period
from services.analytics.kpi_views import kpi_card, kpi_review
from services.analytics.losses import Look, Rules
from services.analytics.paged import PagedWhy
from services.analytics.row_keys import one_of
from services.analytics.spans import span_of
from services.analytics.workload_api import defaults_of
from shared.known import views_at
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)
KEYS = one_of(report.LOSSES)
FOUR_WEEKS = timedelta(days=27)


def _span(moment: Moment, period: Span, runtime: Runtime) -> Span:
    return span_of(moment, period, runtime, FOUR_WEEKS)


def _of(figures: Figures, unit: str | None, seller: str | None, span: Span) -> frozenset[str]:
    """Say whose reviews tell that somebody acted."""
    if seller is not None:
        return frozenset({seller})
    last = span.last
    assert last is not None
    nodes = figures.organization.nodes
    if unit is None:
        return frozenset({"total", *nodes})
    return frozenset({unit, *(n for n in nodes if figures.organization.belongs(n, unit, last))})


@router.get("/losses")
async def losses(
    runtime: Analytics,
    moment: At,
    period: Period,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """What kept a seller, a unit or the company from their work, the largest loss first (N-11).

    Minutes and times, their share of the work in percent, the same for the time before (as long;
    four weeks without `from`). `found` is the first week in which a loss took more than
    `loss_share_most` of the work; `acted_on` lists the reviews since then of a figure that tells of
    it (`/analytics/kpi-measures`: `late_minutes`, `reporting_minutes`, ...); `in_time` whether the
    first came within `loss_acted_on_days`, null while there is time.
    """
    span = _span(moment, period, runtime)
    whose = employee(seller)
    figures = await moment.figures(
        runtime, report.AXES, owner=whose, grain_of=lambda _: report.grain(span, unit)
    )
    chosen = defaults_of(runtime)
    cards = {card.kpi: card for card in await views_at(runtime, kpi_card, moment.known_at)}
    reviews = await views_at(runtime, kpi_review, moment.known_at)
    rows = await asyncio.to_thread(
        report.rows_of,
        figures.cells,
        figures.organization,
        Look(span, unit, moment.day(runtime), _of(figures, unit, whose, span)),
        Rules(chosen.loss_share_most, chosen.loss_acted_on_days),
        cards,
        reviews,
    )
    return {
        "rows": rows,
        "from": span.first,
        "to": span.last,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/losses/why")
async def explain_losses(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    period: Period,
    key: str,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The entries and series behind a row of `/analytics/losses`."""
    owner, row = employee(seller), Row("loss", key, KEYS, "entry", unit=unit)
    async with moment.opened(runtime, owner=owner, row=row) as figures:
        part_of = report.in_losses(figures.organization, _span(moment, period, runtime), unit)
        told = await explained(figures, key, part_of, owner, paged)
    return {**moment.document(), **told}
