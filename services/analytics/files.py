"""The figures as files: which columns every row has, so that no rows have a first line, too."""

from __future__ import annotations

from fastapi import Request

from services.analytics.forecast import Committed, Yield
from services.analytics.issues_api import Count
from services.analytics.pipeline import Tally, row_document
from shared.exports import note_names

# What a row of attainment tells of its target.
ATTAINED = (
    *("target", "owner", "unit", "product", "name"),
    *("measure", "amount", "currency", "period_from", "period_to"),
)
# Others stand in a row only where there is something to tell: other currencies, what is latent.
COLUMNS = {
    "/analytics/pipeline": ("id", *row_document(None, Tally(), "")),
    "/analytics/inflow": ("key", "discovered", "won", "lost", "value_won"),
    "/analytics/touches": ("key", "id", "touches"),
    "/analytics/why": ("stream",),
    "/analytics/inflow/why": ("stream",),
    "/analytics/touches/why": ("stream",),
    "/analytics/issues": ("id", "key", *Count().document()),
    "/analytics/issues/why": ("stream",),
    "/analytics/forecast": ("id", "key", *Committed().document("")),
    "/analytics/forecast/why": ("stream",),
    "/analytics/attainment": (*ATTAINED, "won", "committed", "percent", "gap"),
    "/analytics/attainment/why": ("stream",),
    "/analytics/yield": ("id", "key", *Yield().document("")),
    "/analytics/yield/why": ("stream",),
}


async def columns_noted(request: Request) -> None:
    if request.url.path in COLUMNS:  # Else it is no list.
        note_names(COLUMNS[request.url.path])
