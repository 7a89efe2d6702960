"""A domain served over HTTP from memory, with everything running that runs in production."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter
from httpx2 import ASGITransport, AsyncClient

from shared.bulk import bulk_router
from shared.clock import SystemClock
from shared.memory import MemoryLog, MemoryStore
from shared.runtime import Runtime
from shared.service import Domain
from shared.settings import Settings
from shared.web import build_app

PARTITIONS = 2


async def _all_ready() -> dict[str, str]:
    return {}


@asynccontextmanager
async def serving(
    domain: Domain,
    *routers: APIRouter,
    settings: Settings | None = None,
    log: MemoryLog | None = None,
) -> AsyncIterator[AsyncClient]:
    """Yield a client of this domain alone; reads wait with `X-At-Least`, as everywhere.

    `log` is where the facts of other domains are, for a domain that reads them.
    """
    clock = SystemClock()
    facts = log or MemoryLog(PARTITIONS)
    runtime = Runtime(domain, MemoryStore(), facts, clock, settings or Settings())
    await runtime.start()
    try:
        await runtime.service.ready.wait()
        app = build_app(
            domain.name,
            {domain.name: runtime},
            [bulk_router(domain), *routers],
            new_id=clock.new_id,
            ready=_all_ready,
        )
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://sellers") as client:
            yield client
    finally:
        await runtime.stop()
