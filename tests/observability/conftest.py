"""One touch's whole way in memory: the API, the log, every projection, and the worker."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.analytics.measures import TOPICS
from services.analytics.stream import measures_projector
from services.analytics.worker import Measuring
from services.contacts.main import domain, router
from shared import admin
from shared.clock import SystemClock
from shared.memory import MemoryLog, MemoryStore
from shared.observability import OF_WORKERS
from shared.otel import Tracing
from shared.settings import Settings
from shared.testing import serving
from shared.tracing import tracing_with

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from httpx2 import AsyncClient

    from shared.projector import Projector
    from shared.published import Build


@dataclass
class Platform:
    """Contacts over HTTP and a worker, over one log."""

    client: AsyncClient
    log: MemoryLog
    measuring: Measuring

    async def settle(self) -> None:
        """Let every projection, and then the worker, fold what is there."""
        while any(p["lag"] for p in (await self.client.get("/lag")).json()["projections"]):
            continue
        ends = [await self.log.ends(topic) for topic in TOPICS]
        await self.measuring.mend([partition for found in ends for partition in found])


@asynccontextmanager
async def platform(settings: Settings) -> AsyncIterator[Platform]:
    log, store, clock = MemoryLog(2), MemoryStore(), SystemClock()

    def projector(build: Build) -> Projector:
        return measures_projector(store, log, clock, settings, build)

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            serving(domain, router, admin.router, settings=settings, log=log)
        )
        # A worker's process ends with it; here its gauges would speak on, to other tests.
        for gauge in OF_WORKERS:
            stack.callback(gauge.clear)
        measuring = Measuring(projector, store, log, clock, "worker-1", settings.embedded)
        await measuring.start()
        yield Platform(client, log, measuring)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What is traced within a test."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with tracing_with(Tracing(provider)):
        yield exporter
    provider.shutdown()


@pytest.fixture
def open_platform() -> Callable[[Settings], AsyncIterator[Platform]]:
    return platform
