"""How accounts grow (N-10): two years of three customers, counted by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.analytics.tests.world import KIM, LEE, World, on
from shared.events.contacts import CompanyDescribed, CompanyRegistered
from shared.events.issues import IssueRegistered, SatisfactionStated
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityWon,
    OutcomeCorrected,
)
from shared.reading import Token
from shared.testing import recorded

THIS_YEAR = {"from": "2026-01-01", "to": "2026-12-31", "as_of": "2026-12-31"}
A, B = "company-a", "company-b"


def last_year(text: str) -> date:
    return date.fromisoformat(f"2025-{text}")


def deal(company: str, owner: str, over: date, value: str | None, profit: str | None = None) -> Any:
    found = OpportunityDiscovered(
        title="C", stage="Engaging", owner=owner, company=company, on=date(2025, 1, 1)
    )
    if value is None:
        return found, OpportunityLost(on=over)
    left = None if profit is None else Decimal(profit)
    return found, OpportunityWon(value=Decimal(value), currency="USD", profit=left, on=over)


@pytest.fixture
async def grown(world: World) -> World:
    for stream, name, sector in ((A, "A", "steel"), (B, "B", "ships")):
        described = CompanyDescribed(stated_by="crm", sector=sector)
        await world.append(recorded(CompanyRegistered(name=name), described, stream=stream))
        read = {"X-At-Least": Token(stream, 2).encode()}
        assert (await world.client.get("/analytics/pipeline", headers=read)).status_code == 200
    deals = (
        deal(A, KIM, last_year("03-01"), None),
        deal(A, KIM, last_year("06-01"), "100", "20"),
        deal(B, LEE, last_year("09-01"), "40"),
        deal(A, KIM, on("02-01"), "150", "45"),
        deal(A, LEE, on("03-01"), None),
        deal("company-c", LEE, on("04-01"), "10"),
        deal("company-c", LEE, on("02-15"), None),
    )
    for number, facts in enumerate(deals):
        await world.append(recorded(*facts, stream=f"opportunity-g{number}"))
    for number, (day, score) in enumerate(((last_year("07-01"), 4), (on("05-01"), 9))):
        case = (
            IssueRegistered(kind="complaint", words="Late.", company=A, owner=KIM, on=day),
            SatisfactionStated(score=2, when="before", on=day),
            SatisfactionStated(score=score, when="after", on=day),
        )
        await world.append(recorded(*case, stream=f"issue-g{number}"))
    await world.fold()
    return world


async def rows(world: World, **query: Any) -> dict[str | None, dict[str, Any]]:
    answer = await world.get("growth", **{**THIS_YEAR, **query})
    return {row["id"]: row for row in answer["rows"]}


def some(row: dict[str, Any], *names: str) -> list[Any]:
    return [row[name] for name in names]


async def test_n_10_value_profit_and_satisfaction_grow(grown: World) -> None:
    told = await rows(grown)
    a, b = told[A], told[B]
    assert some(a, "key", "value", "value_before", "value_growth") == ["A", "150", "100", "50.00"]
    assert some(a, "profit", "profit_before", "profit_growth") == ["45", "20", "125.00"]
    assert some(a, "satisfaction", "satisfaction_growth") == ["9.00", "5.00"]
    assert some(b, "value", "value_growth", "profit", "satisfaction") == [
        "0",
        "-100.00",
        None,
        None,
    ]


async def test_n_10_a_customer_is_existing_once_they_have_bought(grown: World) -> None:
    told = await rows(grown)
    assert some(told[A], "won_existing", "lost_existing", "won_new") == [1, 1, 0]
    assert some(told["company-c"], "won_new", "lost_new", "win_rate_new") == [1, 1, "50.00"]
    earlier = await rows(grown, **{"from": "2025-01-01", "to": "2025-12-31"})
    assert some(earlier[A], "won_new", "lost_new", "lost_existing") == [1, 1, 0]


async def test_n_10_retention_is_of_those_who_bought_before(grown: World) -> None:
    total = (await rows(grown, by="total"))["total"]
    assert some(total, "customers_before", "retained", "retention") == [2, 1, "50.00"]
    # The world's own: company-p bought, and two deals are of nobody knows which company.
    assert some(total, "customers", "won_unknown", "win_rate_existing") == [3, 1, "50.00"]


async def test_n_10_what_was_corrected_is_told_anew(grown: World) -> None:
    less = OutcomeCorrected(
        value=Decimal(120), currency="USD", profit=Decimal(-5), on=on("02-01"), reason="mistaken"
    )
    before = deal(A, KIM, on("02-01"), "150", "45")
    await grown.append(recorded(*before, less, stream="opportunity-g3")[2:])
    await grown.fold()
    assert some((await rows(grown))[A], "value", "profit", "profit_growth") == [
        "120",
        "-5",
        "-125.00",
    ]


async def test_n_10_rows_open_into_the_deals_and_cases_behind_them(grown: World) -> None:
    why = await grown.get("growth/why", by="segment", key="steel", **THIS_YEAR)
    assert [one["stream"] for one in why["contributions"]] == [
        "issue-g0",
        "issue-g1",
        "opportunity-g0",
        "opportunity-g1",
        "opportunity-g3",
        "opportunity-g4",
    ]
    assert why["total"]["now value_USD"] == 1_500_000
    assert why["total"]["before lost new"] == 1
    assert (await rows(grown, by="segment"))["steel"]["value"] == "150"


async def test_n_06_the_pipeline_by_segment_and_by_quality(grown: World) -> None:
    segments = await grown.rows(by="segment", as_of="2025-05-01")
    assert some(segments["steel"], "open", "lost") == [3, 1]
    assert segments["ships"]["open"] == 1
    quality = await grown.rows(by="quality", as_of="2025-05-01")
    assert quality["neither"]["open"] == 6
    why = await grown.get("why", by="quality", key="neither", as_of="2025-05-01")
    assert why["total"]["open"] == 6


async def test_a_time_that_ends_before_it_begins_is_refused(world: World) -> None:
    for wrong in ({"from": "2026-05-01", "to": "2026-04-01"}, {"from": "1990-01-01"}):
        answer = await world.client.get("/analytics/growth", params=wrong)
        assert answer.status_code == 422
        assert "query/from" in answer.text
