"""HTTP for who looked at whose figures (N-13)."""

from __future__ import annotations

from typing import Any

from services.analytics.api import Analytics
from services.analytics.looks import looks
from shared.web import AtLeast, PageWanted, StreamId, page
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"])


@router.get("/looks/{employee}")
async def list_looks(
    employee: StreamId,
    runtime: Analytics,
    wanted: PageWanted,
    at_least: AtLeast,
) -> dict[str, Any]:
    """Who looked at what they did and have in hand, month by month (N-13).

    A look is noted once a day for each report and viewer: whom the token or key proves, be it a
    colleague, somebody who is none (`user-...`) or a system (`key-...`); where access is open the
    colleague that `X-Actor` says.
    """
    return await page(runtime.reader(looks), {"of": f"employee-{employee}"}, wanted, at_least)
