"""The figures as files: which columns every row has, so that no rows have a first line, too."""

from __future__ import annotations

from fastapi import Request

from services.analytics.pipeline import Tally, row_document
from shared.exports import note_names

# Others stand in a row only where there is something to tell: other currencies, what is latent.
COLUMNS = {
    "/analytics/pipeline": ("id", *row_document(None, Tally(), "")),
    "/analytics/inflow": ("key", "discovered", "won", "lost", "value_won"),
    "/analytics/touches": ("key", "id", "touches"),
    "/analytics/why": ("stream",),
    "/analytics/inflow/why": ("stream",),
    "/analytics/touches/why": ("stream",),
}


async def columns_noted(request: Request) -> None:
    note_names(COLUMNS[request.url.path])
