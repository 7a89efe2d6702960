"""The company that reports are about."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from httpx2 import ASGITransport, AsyncClient

from services.analytics.main import Looking, domain, router
from services.analytics.sink import MeasuresSink
from services.analytics.tests.world import COLLECTION, FACTS, World
from shared.clock import SystemClock
from shared.memory import MemoryLog, MemoryStore
from shared.projector import Projector
from shared.reading import Token
from shared.runtime import Runtime
from shared.settings import Settings
from shared.testing import recorded
from shared.web import build_app


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock, log, store = SystemClock(), MemoryLog(2), MemoryStore()
    runtime = Runtime(domain, store, log, clock, Settings(read_wait_s=1.0))
    await runtime.start()
    app = build_app(
        "analytics", {"analytics": runtime}, [router], new_id=clock.new_id, ready=_ready
    )
    app.state.note_look = Looking(lambda: runtime).note
    transport = ASGITransport(app, raise_app_exceptions=False)
    sink = MeasuresSink(COLLECTION, runtime.settings.zone)
    async with AsyncClient(transport=transport, base_url="http://sellers") as client:
        world = World(runtime, Projector(sink, store, log, clock), client)
        for stream, events in FACTS:
            await world.append(recorded(*events, stream=stream))
        await world.fold()
        for stream, events in FACTS:  # The views beside the figures fold by themselves.
            if stream.startswith(("unit-", "employee-", "product-", "company-")):
                token = Token(stream, len(events)).encode()
                headers = {"X-At-Least": token}
                assert (await client.get("/analytics/touches", headers=headers)).status_code == 200
        yield world
    await runtime.stop()


async def _ready() -> dict[str, str]:
    return {}
