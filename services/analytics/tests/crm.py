"""The CRM export as facts, for checking the figures against ones computed elsewhere.

This reads the file in its own way, apart from the import: two readings that agree prove more.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from shared.events import Envelope, Event
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
from shared.testing import recorded

FOLDER = Path(__file__).resolve().parents[4] / "shared/data/crm-sales"
IMPORTED_AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def key(kind: str, name: str) -> str:
    return f"{kind}-{name.strip().lower().replace(' ', '-')}"


def day(text: str) -> date | None:
    if not text:
        return None
    number, month, year = (int(part) for part in text.split("-"))
    return date(2000 + year, month, number)


def stream(name: str, *events: Event) -> list[Envelope]:
    return recorded(*events, stream=name, occurred_at=[IMPORTED_AT] * len(events))


def organization() -> Iterator[list[Envelope]]:
    teams = rows("sales_teams.csv")
    regions = {row["regional_office"] for row in teams}
    yield stream("unit-company", UnitFormed(name="Company", kind="company"))
    for region in sorted(regions):
        formed = UnitFormed(name=region, kind="division", parent="unit-company")
        yield stream(key("unit", region), formed)
    managers = {row["manager"]: row["regional_office"] for row in teams}
    for manager, region in managers.items():
        formed = UnitFormed(name=f"Team {manager}", kind="team", parent=key("unit", region))
        leads = ManagerAppointed(employee=key("employee", manager))
        yield stream(key("unit", manager), formed, leads)
        yield stream(key("employee", manager), EmployeeJoined(name=manager))
    for row in teams:
        joined = EmployeeJoined(name=row["sales_agent"])
        assigned = EmployeeAssigned(unit=key("unit", row["manager"]))
        yield stream(key("employee", row["sales_agent"]), joined, assigned)


def names() -> Iterator[list[Envelope]]:
    for row in rows("products.csv"):
        yield stream(key("product", row["product"]), ProductListed(name=row["product"]))
    for row in rows("accounts.csv"):
        yield stream(key("company", row["account"]), CompanyRegistered(name=row["account"]))


def opportunities() -> Iterator[list[Envelope]]:
    for row in rows("sales_pipeline.csv"):
        product = row["product"].replace("GTXPro", "GTX Pro")
        stage = "Prospecting" if row["deal_stage"] == "Prospecting" else "Engaging"
        discovered = OpportunityDiscovered(
            title=row["opportunity_id"],
            stage=stage,
            owner=key("employee", row["sales_agent"]),
            product=key("product", product),
            company=key("company", row["account"]) if row["account"] else None,
            on=day(row["engage_date"]),
        )
        events: list[Event] = [discovered]
        closed_on = day(row["close_date"])
        if row["deal_stage"] == "Won":
            value = Decimal(row["close_value"])
            events.append(OpportunityWon(value=value, currency="USD", on=closed_on))
        if row["deal_stage"] == "Lost":
            events.append(OpportunityLost(on=closed_on))
        yield stream(f"opportunity-{row['opportunity_id']}", *events)
