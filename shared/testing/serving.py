"""A domain served over HTTP from memory, with everything running that runs in production."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from httpx2 import ASGITransport, AsyncClient

from shared.bulk import bulk_router
from shared.cipher import LocalKms, fresh_key
from shared.clock import SystemClock
from shared.keyring import KeyRing
from shared.memory import MemoryLog, MemoryStore
from shared.runtime import Runtime
from shared.seals import Seals
from shared.service import Domain
from shared.settings import Settings
from shared.web import build_app
from shared.web.router import Router

PARTITIONS = 2


async def _all_ready() -> dict[str, str]:
    return {}


def memory_seals() -> Seals:
    """Return seals with a fresh master key and a ring that is kept in memory."""
    return Seals(KeyRing(MemoryStore(), LocalKms.of(fresh_key()), SystemClock()))


@asynccontextmanager
async def serving(
    domain: Domain,
    *routers: Router,
    settings: Settings | None = None,
    log: MemoryLog | None = None,
    seals: Seals | None = None,
) -> AsyncIterator[AsyncClient]:
    """Yield a client of this domain alone; reads wait with `X-At-Least`, as everywhere.

    `log` is where the facts of other domains are, for a domain that reads them, and `seals` what
    opens them.
    """
    clock = SystemClock()
    facts = log or MemoryLog(PARTITIONS)
    seals = memory_seals() if seals is None else seals
    runtime = Runtime(domain, MemoryStore(), facts, clock, settings or Settings(), seals=seals)
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
