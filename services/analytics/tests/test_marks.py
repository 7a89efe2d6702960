"""N-08: every figure that tells of what is open says how much of it nobody tells of."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.analytics.tests.world import KIM, LEE, World
from shared.events.opportunities import OpportunityDiscovered
from shared.testing import recorded

DAY = "2026-12-31"
# Reports of what is open, and how each is asked about a seller or a unit.
MARKED: dict[str, dict[str, Any]] = {
    "pipeline": {"by": "total"},
    "forecast": {},
    "attainment": {},
    "slippage": {},
    "workload": {},
    "forecast-ledger": {},
}
# What was won, lost, left or done is not open.
UNMARKED = ("yield", "growth", "stages", "losses", "touches", "inflow")


@pytest.mark.parametrize("report", MARKED)
async def test_n_08_a_report_of_what_is_open_bears_the_mark(world: World, report: str) -> None:
    asked = MARKED[report]
    # One deal is open: of 2026-03-01, and nothing was told of it since.
    assert (await world.get(report, as_of=DAY, **asked))["stale"] == 1
    assert (await world.get(report, as_of="2026-01-20", **asked))["stale"] == 0
    # By what was known then, nothing of it had been told at all.
    before = await world.get(report, as_of=DAY, known_at="2020-01-01T00:00:00Z", **asked)
    assert before["stale"] == 0
    now = f"{world.runtime.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    known = await world.get(report, as_of=DAY, known_at=now, **asked)
    assert known["stale"] == 1


@pytest.mark.parametrize("report", ["attainment", "forecast", "slippage", "workload"])
async def test_n_08_the_mark_is_of_whom_the_report_is_about(world: World, report: str) -> None:
    seller = "owner" if report == "attainment" else "seller"
    for who, stale in ((KIM, 1), (LEE, 0)):
        assert (await world.get(report, as_of=DAY, **{seller: who}))["stale"] == stale
    # Kim went from red to blue on the first of April.
    for unit, stale in (("unit-blue", 1), ("unit-red", 0)):
        assert (await world.get(report, as_of=DAY, unit=unit))["stale"] == stale


@pytest.mark.parametrize(("product", "stale"), [("product-x", 1), ("product-y", 0)])
async def test_n_08_the_mark_is_of_the_product_that_is_asked_about(
    world: World, product: str, stale: int
) -> None:
    # Of this one something was told on the very day.
    new = OpportunityDiscovered(
        title="New", stage="Engaging", owner=KIM, on=date.fromisoformat(DAY), product="product-y"
    )
    await world.append(recorded(new, stream="opportunity-new"))
    await world.fold()
    assert (await world.get("attainment", as_of=DAY, product=product))["stale"] == stale
    rows = await world.rows(by="product", as_of=DAY)
    # A row that has nothing of it bears no mark.
    assert (rows["Product X"]["stale"], "stale" in rows["product-y"]) == (1, False)
    body = {"name": "Open", "expression": "open", "product": product}
    told = await world.client.post("/analytics/kpis/open/define", json=body)
    headers = {"X-At-Least": told.json()["token"]}
    asked = {"from": "2026-01-01", "as_of": DAY}
    for path, more in (("values", {}), ("restatement", {"before": 1, "after": 1})):
        url = f"/analytics/kpis/open/{path}"
        answer = await world.client.get(url, params=asked | more, headers=headers)
        assert answer.json()["stale"] == stale, path


async def test_n_08_by_what_is_bought_each_row_bears_its_own(world: World) -> None:
    for by, key in (("product", "Product X"), ("company", None), ("segment", None)):
        rows = await world.rows(by=by, as_of=DAY)
        assert {name: row.get("stale") for name, row in rows.items() if row["open"]} == {key: 1}
        why = await world.get("why", by=by, as_of=DAY, **({} if key is None else {"key": key}))
        assert why["total"]["stale"] == 1


async def test_n_08_a_figure_of_the_company_is_marked_where_it_tells_of_what_is_open(
    world: World,
) -> None:
    for kpi, expression, marked in (("open", "open + won", 1), ("won", "won", None)):
        body = {"name": kpi, "expression": expression, "level": "seller"}
        told = await world.client.post(f"/analytics/kpis/{kpi}/define", json=body)
        assert told.status_code == 202, told.text
        path = f"/analytics/kpis/{kpi}/values"
        headers = {"X-At-Least": told.json()["token"]}
        asked = {"from": "2026-01-01", "as_of": DAY}
        values = await world.client.get(path, params=asked, headers=headers)
        assert values.status_code == 200, values.text
        assert values.json()["stale"] == marked
        changed = {"before": 1, "after": 1, **asked}
        both = await world.client.get(f"/analytics/kpis/{kpi}/restatement", params=changed)
        assert both.json()["stale"] == marked


async def test_n_08_what_is_said_of_a_colleague_is_marked(world: World) -> None:
    for who, stale in ((KIM, 1), (LEE, 0)):
        asked = {"from": str(date(2026, 1, 1)), "as_of": DAY, "of": who}
        assert (await world.get("evaluation", **asked))["stale"] == stale


@pytest.mark.parametrize("report", UNMARKED)
async def test_n_08_a_report_of_what_is_over_bears_none(world: World, report: str) -> None:
    assert "stale" not in await world.get(report)
