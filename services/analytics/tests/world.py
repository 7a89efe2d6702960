"""A company with a few deals and touches, whose figures are folded in memory and read over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from httpx2 import ASGITransport, AsyncClient

from services.analytics.main import Looking, domain, router
from services.analytics.measures import TOPICS
from services.analytics.sink import MEASURES, MeasuresSink
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.events.contacts import CompanyRegistered
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityWon,
    ProductListed,
)
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeJoined,
    ManagerAppointed,
    UnitFormed,
)
from shared.events.touches import TouchRecorded
from shared.memory import MemoryLog, MemoryStore
from shared.projector import Projector
from shared.published import Build
from shared.reading import Token
from shared.runtime import Runtime
from shared.settings import Settings
from shared.testing import recorded
from shared.web import build_app

COLLECTION = Build(MEASURES.name, MEASURES.version).collection
KIM, LEE = "employee-kim", "employee-lee"
TOTAL = {"by": "total", "key": "total"}


def on(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def found(owner: str, day: str, **more: Any) -> OpportunityDiscovered:
    return OpportunityDiscovered(
        title="Chance", stage="Engaging", owner=owner, on=on(day), product="product-x", **more
    )


def won(value: str, day: str) -> OpportunityWon:
    return OpportunityWon(value=Decimal(value), currency="USD", on=on(day))


FACTS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("unit-all", (UnitFormed(name="All", kind="company"),)),
    ("unit-east", (UnitFormed(name="East", kind="division", parent="unit-all"),)),
    (
        "unit-red",
        (
            UnitFormed(name="Red", kind="team", parent="unit-east"),
            ManagerAppointed(employee="employee-han"),
        ),
    ),
    ("unit-blue", (UnitFormed(name="Blue", kind="team"),)),
    ("employee-han", (EmployeeJoined(name="Han"),)),
    (
        KIM,
        (
            EmployeeJoined(name="김"),
            EmployeeAssigned(unit="unit-red"),
            EmployeeAssigned(unit="unit-blue", on=on("04-01")),
        ),
    ),
    ("product-x", (ProductListed(name="Product X"),)),
    ("company-p", (CompanyRegistered(name="P & Co."),)),
    (
        "opportunity-1",
        (found(KIM, "01-05", company="company-p"), won("100.5", "02-04")),
    ),
    ("opportunity-2", (found(KIM, "01-07"), OpportunityLost(on=on("03-02")))),
    ("opportunity-3", (found(LEE, "02-01"), won("50", "05-01"))),
    ("opportunity-4", (found(KIM, "03-01"),)),
    (
        "touch-1",
        (
            TouchRecorded(
                publisher="p", publisher_id="1", person="person-1", channel="call", employee=KIM
            ),
        ),
    ),
)


@dataclass
class World:
    runtime: Runtime
    projector: Projector
    client: AsyncClient

    async def append(self, facts: list[Envelope]) -> None:
        for fact in facts:
            await self.runtime.log.append(fact.data.topic, fact.stream, encode(fact))

    async def fold(self) -> None:
        """What the worker does."""
        for topic in TOPICS:
            for partition, end in (await self.runtime.log.ends(topic)).items():
                async for records in self.runtime.log.read(partition, 0, end):
                    await self.projector.absorb(records)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(f"/analytics/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, **query: Any) -> dict[str | None, dict[str, Any]]:
        answer = await self.get("pipeline", **query)
        return {row["key"]: row for row in answer["rows"]}


# A view that a test waits for comes, however much else this machine does at the time.
READ_WAIT_S = 30.0


@asynccontextmanager
async def opened() -> AsyncIterator[World]:
    """Yield analytics over an empty log, with everything running but the worker: `fold` is that."""
    clock, log, store = SystemClock(), MemoryLog(2), MemoryStore()
    runtime = Runtime(domain, store, log, clock, Settings(read_wait_s=READ_WAIT_S))
    await runtime.start()
    try:
        app = build_app(
            "analytics", {"analytics": runtime}, [router], new_id=clock.new_id, ready=_ready
        )
        app.state.note_look = Looking(lambda: runtime).note
        transport = ASGITransport(app, raise_app_exceptions=False)
        sink = MeasuresSink(COLLECTION, runtime.settings.zone)
        async with AsyncClient(transport=transport, base_url="http://sellers") as client:
            yield World(runtime, Projector(sink, store, log, clock), client)
    finally:
        await runtime.stop()


@asynccontextmanager
async def company(read_wait_s: float = READ_WAIT_S) -> AsyncIterator[World]:
    """Yield it with the company of `FACTS`, all of whose facts every view knows."""
    async with opened() as world:
        for stream, events in FACTS:
            await world.append(recorded(*events, stream=stream))
        await world.fold()
        for stream, events in FACTS:  # The views beside the figures fold by themselves.
            if stream.startswith(("unit-", "employee-", "product-", "company-")):
                token = Token(stream, len(events)).encode()
                headers = {"X-At-Least": token}
                answer = await world.client.get("/analytics/touches", headers=headers)
                assert answer.status_code == 200
        world.runtime.settings = world.runtime.settings.model_copy(
            update={"read_wait_s": read_wait_s}
        )
        yield world


async def _ready() -> dict[str, str]:
    return {}
