"""A company with a few deals and touches, whose figures are folded in memory and read over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from httpx2 import AsyncClient

from services.analytics.measures import TOPICS
from services.analytics.sink import MEASURES
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
from shared.projector import Projector
from shared.published import Build
from shared.runtime import Runtime

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
