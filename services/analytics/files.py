"""The figures as files: which columns every row has, so that no rows have a first line, too."""

from __future__ import annotations

from collections import Counter

from fastapi import Request

from services.analytics import (
    adoption,
    data_quality,
    growth,
    orders,
    stages_report,
    workload_report,
)
from services.analytics.flows import Flow
from services.analytics.forecast import Committed, Yield
from services.analytics.issues_api import document as issues_document
from services.analytics.ledger import Balance
from services.analytics.pipeline import Tally, row_document
from shared.exports import note_names

# What a row of attainment tells of its target.
ATTAINED = (
    *("target", "owner", "unit", "product", "name"),
    *("measure", "amount", "currency", "period_from", "period_to"),
)
# Others stand in a row only where there is something to tell: other currencies, what is latent.
COLUMNS = {
    "/analytics/pipeline": ("id", *row_document("total", None, Tally(), "")),
    "/analytics/inflow": ("id", "key", *Flow().document("")),
    "/analytics/touches": ("key", "id", "touches"),
    "/analytics/why": ("stream",),
    "/analytics/inflow/why": ("stream",),
    "/analytics/touches/why": ("stream",),
    "/analytics/issues": ("id", "key", *issues_document("severity", Counter())),
    "/analytics/issues/why": ("stream",),
    "/analytics/forecast": ("id", "key", *Committed().document("")),
    "/analytics/forecast/why": ("stream",),
    "/analytics/attainment": (
        *ATTAINED,
        "won",
        "committed",
        "percent",
        "gap",
        "open",
        "coverage",
        "coached",
    ),
    "/analytics/attainment/why": ("stream",),
    "/analytics/yield": ("id", "key", *Yield().document("")),
    "/analytics/yield/why": ("stream",),
    "/analytics/workload": ("id", "key", *workload_report.document("seller", Counter(), {}, 0)),
    "/analytics/workload/why": ("stream",),
    "/analytics/adoption": ("id", "key", *adoption.document("seller", Counter())),
    "/analytics/data-quality": ("id", "key", *data_quality.document(Counter())),
    "/analytics/growth": ("id", "key", *growth.document(Counter(), growth.NOBODY, "")),
    "/analytics/growth/why": ("stream",),
    "/analytics/losses": (
        *("id", "key", "minutes", "times", "share", "minutes_before", "share_before"),
        *("found", "acted_on", "in_time"),
    ),
    "/analytics/losses/why": ("stream",),
    "/analytics/orders": ("id", "key", *orders.document("total", Counter(), "")),
    "/analytics/orders/why": ("stream",),
    "/analytics/stages": ("id", "key", *stages_report.stage_document(Counter(), 0)),
    "/analytics/stages/why": ("stream",),
    "/analytics/slippage": ("id", "key", *stages_report.slips_document(Counter())),
    "/analytics/slippage/why": ("stream",),
    "/analytics/forecast-ledger": ("id", "key", *Balance().document(0)),
    "/analytics/forecast-ledger/why": ("stream",),
}


async def columns_noted(request: Request) -> None:
    if request.url.path in COLUMNS:  # Else it is no list.
        note_names(COLUMNS[request.url.path])
