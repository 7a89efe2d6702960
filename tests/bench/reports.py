"""How long reports take over ten thousand and a hundred thousand opportunities, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from httpx2 import ASGITransport, AsyncClient

from services.analytics.kept_cells import add_cells
from services.analytics.main import domain, router
from services.analytics.measures import recompute
from services.analytics.sink import MEASURES
from shared import builds
from shared.clock import SystemClock
from shared.events import Envelope
from shared.memory import MemoryLog
from shared.runtime import Runtime
from shared.settings import Settings
from shared.store import Store
from shared.web import build_app
from tests.bench.company import deals
from tests.bench.freshness import quantile
from tests.bench.replay import ZONE

ROUNDS = 20

ASKED: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("/analytics/pipeline", {"by": "stage"}),
    ("/analytics/pipeline", {"by": "product"}),
    ("/analytics/pipeline", {"by": "seller"}),
    ("/analytics/pipeline", {"by": "quarter"}),
    ("/analytics/pipeline", {"by": "total", "as_of": "2025-12-31"}),
    ("/analytics/inflow", {"per": "month"}),
    ("/analytics/forecast", {"by": "total"}),
    ("/analytics/stages", {}),
    ("/analytics/slippage", {"by": "total"}),
    ("/analytics/yield", {"by": "seller"}),
)


AT_ONCE = 5_000


async def measured(store: Store, opportunities: int) -> float:
    """Write the cells of so many opportunities, then ask for reports; return the p95 in seconds."""
    build = (await builds.register(store, MEASURES)).active.collection
    pending: list[Envelope] = []
    for number, history in enumerate(deals(opportunities), 1):
        pending += history
        if number % AT_ONCE == 0 or number == opportunities:
            cells = recompute(pending, ZONE)[1]
            async with store.transaction() as tx:
                await add_cells(tx, build, {f"opportunities/{number // AT_ONCE % 4}": cells})
            pending = []
    clock = SystemClock()
    runtime = Runtime(domain, store, MemoryLog(2), clock, Settings())
    await runtime.start()
    try:
        app = build_app(
            "analytics", {"analytics": runtime}, [router], new_id=clock.new_id, ready=_ready
        )
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://bench") as client:
            return await reports(client, ROUNDS)
    finally:
        await runtime.stop()


async def _ready() -> dict[str, str]:
    return {}


async def reports(client: AsyncClient, rounds: int) -> float:
    """Ask for every report so often, one after the other; the first round is not counted."""
    took: list[float] = []
    for number in range(rounds + 1):
        for path, query in ASKED:
            began = time.perf_counter()
            answer = await client.get(path, params=dict(query))
            assert answer.status_code == 200, answer.text
            if number:
                took.append(time.perf_counter() - began)
    return quantile(took, 0.95)
