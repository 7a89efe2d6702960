"""How long reports take over ten thousand and a hundred thousand opportunities, over HTTP."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from httpx2 import ASGITransport, AsyncClient

from services.analytics.kept_cells import add_cells
from services.analytics.main import domain, router
from services.analytics.measures import recompute
from services.analytics.projections import org_tree
from services.analytics.sink import MEASURES
from services.analytics.work_places import PLACES
from shared import builds
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.memory import MemoryLog
from shared.projector import Collections
from shared.runtime import Runtime
from shared.settings import Settings
from shared.store import Store
from shared.web import build_app
from tests.bench.company import deals
from tests.bench.freshness import quantile
from tests.bench.live import until
from tests.bench.replay import ZONE

ROUNDS = 20
FOLDED_S = 300.0
PLACING = (org_tree, *PLACES)

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
    async with answering(store) as client:
        return await reports(client, ROUNDS)


@asynccontextmanager
async def answering(store: Store, facts: Iterable[Envelope] = ()) -> AsyncIterator[AsyncClient]:
    """Serve the reports over HTTP, once our organisation is folded of these facts."""
    clock, log = SystemClock(), MemoryLog(2)
    runtime = Runtime(domain, store, log, clock, Settings())
    await runtime.start()
    try:
        for fact in facts:
            await log.append(fact.data.topic, fact.stream, encode(fact))
        await until(lambda: _is_folded(store, log), FOLDED_S)
        app = build_app(
            "analytics", {"analytics": runtime}, [router], new_id=clock.new_id, ready=_ready
        )
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://bench") as client:
            yield client
    finally:
        await runtime.stop()


async def _is_folded(store: Store, log: MemoryLog) -> bool:
    """Whether every fact is in the views that place sellers."""
    unfolded = 0
    for view in PLACING:
        collection = (await builds.read(store, view)).active.collection
        reached = await store.find(Collections(collection).cursors, {})
        for topic in view.topics:
            unfolded += sum((await log.ends(topic)).values())
        unfolded -= sum(cursor["offset"] for cursor in reached)
    return unfolded == 0


async def _ready() -> dict[str, str]:
    return {}


async def reports(client: AsyncClient, rounds: int) -> float:
    """Ask for every report so often, one after the other; the first round is not counted."""
    took: list[float] = []
    for number in range(rounds + 1):
        for path, query in ASKED:
            seconds = await asked(client, path, query)
            if number:
                took.append(seconds)
    return quantile(took, 0.95)


async def asked(client: AsyncClient, path: str, query: Mapping[str, Any]) -> float:
    """Ask for a report that has rows; return how many seconds that took."""
    began = time.perf_counter()
    answer = await client.get(path, params=dict(query))
    seconds = time.perf_counter() - began
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"], f"{path} {query} says nothing"
    return seconds
