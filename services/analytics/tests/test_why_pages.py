"""What makes a row comes in pages: all of it once, and with each page what all of it comes to."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI

from services.analytics import why
from services.analytics.cells import Cell
from services.analytics.entities import Entity
from services.analytics.main import router
from services.analytics.measures import contributions
from services.analytics.pieces import PIECE
from services.analytics.tests.drawn import told
from services.analytics.tests.test_ledger import FROZEN
from services.analytics.tests.world import KIM, TOTAL, World, company, found, on
from shared.events.analytics import KpiDefined
from shared.events.calendar import EntryDone, EntryPlanned
from shared.events.opportunities import TargetSet
from shared.events.organization import EmployeeJoined
from shared.exports import cell
from shared.reading import Token
from shared.testing import recorded

OF_ALL = {"as_of": "2026-12-31"}
YEAR = {"from": "2026-01-01", "to": "2026-12-31", **OF_ALL}
KPI = KpiDefined(
    definition=1,
    name="Won",
    expression="won + touches + plans + issues",
    measured_in="number",
    frequency="quarter",
    level="total",
    direction="up",
)
TARGET = TargetSet(
    product="product-x",
    amount=Decimal(2),
    measure="count_won",
    period_from=on("01-01"),
    period_to=on("12-31"),
)


@pytest.fixture(scope="module")
async def large() -> Any:
    """Yield a company of which much has happened, so that every row has several pages."""
    async with company() as world:
        await world.append(told(Random(7), "p", 150))
        lines = tuple(
            line.model_copy(update={"opportunity": f"opportunity-{number}"})
            for number in (1, 2, 3)
            for line in FROZEN.lines
        )
        await world.append(
            recorded(FROZEN.model_copy(update={"lines": lines}), stream="forecast-1")
        )
        await world.append(recorded(FROZEN, stream="forecast-1-a"))
        for number in range(3):
            at = datetime(2026, 3, 2 + number, 1, tzinfo=UTC)
            hour = {"starts_at": at, "ends_at": at + timedelta(hours=1)}
            report = EntryPlanned(seller=KIM, category="reporting", **hour)
            done = EntryDone(started_at=at, ended_at=hour["ends_at"])
            stream = f"entry-report{number}"
            await world.append(recorded(report, done, stream=stream, occurred_at=at))
        await world.append(recorded(KPI, stream="kpi-won"))
        await world.append(recorded(TARGET, stream="target-all"))
        for seller in ("employee-a", "employee-b"):
            joined = EmployeeJoined(name=seller, function="sales", on=on("01-05"))
            await world.append(recorded(joined, stream=seller))
        await world.fold()
        for path, stream in (
            ("adoption", "employee-a"),
            ("adoption", "employee-b"),
            ("forecasts/1-a", "forecast-1-a"),
            ("kpis/won", "kpi-won"),
            ("attainment", "target-all"),
        ):
            headers = {"X-At-Least": Token(stream, 1).encode()}
            answer = await world.client.get(f"/analytics/{path}", headers=headers)
            assert answer.status_code == 200, answer.text
        yield world


ROWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("why", {**TOTAL, **OF_ALL}),
    ("inflow/why", {"per": "quarter", "key": "2026-Q1", **OF_ALL}),
    ("touches/why", {"by": "quarter", "key": "2026-Q1", **OF_ALL}),
    ("forecast/why", {**TOTAL, **OF_ALL}),
    ("attainment/why", {"target": "target-all", **OF_ALL}),
    ("yield/why", {**TOTAL, **OF_ALL}),
    ("workload/why", {**TOTAL, **YEAR}),
    ("issues/why", {**TOTAL, **OF_ALL}),
    ("growth/why", {**TOTAL, **YEAR}),
    ("losses/why", {"key": "reporting", **YEAR}),
    ("orders/why", {**TOTAL, **YEAR}),
    ("stages/why", {"key": "Engaging", **YEAR}),
    ("slippage/why", {**TOTAL, **YEAR}),
    ("kpis/won/why", {"period": "2026-Q1", "key": "total", "definition": 1, **OF_ALL}),
    ("forecast-ledger/why", {**TOTAL, **OF_ALL}),
    ("data-quality/why", {**TOTAL, "as_of": "2026-03-01"}),
    ("adoption/why", {**TOTAL, **YEAR}),
)
LISTS = ("contributions", "wanting")
KNOWN = {"known_at": "2100-01-01T00:00:00Z"}


async def pages(world: World, path: str, query: dict[str, Any], limit: int) -> list[Any]:
    found = [await world.get(path, **query, limit=limit)]
    while found[-1]["next_cursor"] is not None:
        cursor = found[-1]["next_cursor"]
        found.append(await world.get(path, **query, limit=limit, cursor=cursor))
    return found


def listed(answers: list[Any]) -> dict[str, list[Any]]:
    return {name: [one for page in answers for one in page.get(name, ())] for name in LISTS}


@pytest.mark.parametrize(("path", "query"), ROWS)
async def test_all_pages_of_a_row_are_the_row(
    large: World, path: str, query: dict[str, Any]
) -> None:
    whole = await pages(large, path, query, 200)
    many = await pages(large, path, query, 2)
    assert len(many) > 1, "the row is too small to show anything"
    assert listed(many) == listed(whole)
    told_of = [one for page in many for one in page["contributions"]]
    assert len({repr(one) for one in told_of}) == len(told_of)
    for page in many:
        assert len(page["contributions"]) <= 2
        assert page["total"] == whole[0]["total"]
        assert page["left_out"] == whole[0]["left_out"]
    known = await pages(large, path, query | KNOWN, 90)
    assert listed(known) == listed(whole)
    assert known[-1]["total"] == whole[0]["total"]


@pytest.mark.parametrize(
    ("path", "query"), [row for row in ROWS if row[0].startswith(("why", "t"))]
)
async def test_what_all_pages_add_is_the_total(
    large: World, path: str, query: dict[str, Any]
) -> None:
    sums: Counter[str] = Counter()
    answers = await pages(large, path, query, 7)
    for one in listed(answers)["contributions"]:
        sums.update({name: n for name, n in one.items() if name not in ("stream", "facts")})
    assert answers[0]["total"] == {name: sums[name] for name in answers[0]["total"]}


async def test_a_cursor_is_of_the_row_that_it_was_made_for(large: World) -> None:
    first = await large.get("why", **TOTAL, **OF_ALL, limit=2)
    for other in ({"by": "seller", "key": KIM}, {**TOTAL, "seller": "kim"}):
        asked = {**other, **OF_ALL, "cursor": first["next_cursor"]}
        answer = await large.client.get("/analytics/why", params=asked)
        assert answer.status_code == 422
        assert "query/cursor" in answer.text
    answer = await large.client.get("/analytics/why", params={**TOTAL, "limit": 201})
    assert answer.status_code == 422


@pytest.mark.parametrize(("path", "query"), ROWS)
async def test_a_file_has_all_pages(large: World, path: str, query: dict[str, Any]) -> None:
    whole = listed(await pages(large, path, query, 200))["contributions"]
    asked = query | {"limit": 2, "format": "csv"}
    answer = await large.client.get(f"/analytics/{path}", params=asked)
    rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))
    assert len(rows) == len(whole)
    for row, one in zip(rows, whole, strict=True):
        assert {name: row[name] for name in row if name in one} == {
            name: cell(said) for name, said in one.items()
        }


def test_every_explanation_is_among_these() -> None:
    app = FastAPI()
    app.include_router(router)
    explained = {path for path in app.openapi()["paths"] if path.endswith("/why")}
    assert explained == {f"/analytics/{path}".replace("/won/", "/{kpi}/") for path, _ in ROWS}


async def test_what_comes_between_two_pages_is_in_the_total_of_the_next(world: World) -> None:
    first = await world.get("why", **TOTAL, **OF_ALL, limit=1)
    await world.append(recorded(found(KIM, "01-09"), stream="opportunity-0"))
    await world.fold()
    second = await world.get("why", **TOTAL, **OF_ALL, limit=1, cursor=first["next_cursor"])
    assert second["positions"] != first["positions"]
    assert second["total"]["open"] == first["total"]["open"] + 1
    assert [one["stream"] for one in second["contributions"]] == ["opportunity-2"]


async def test_a_row_is_counted_with_its_first_page_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is behind the page before is not looked at again."""
    counted: list[str] = []

    def counting(entity: Entity) -> dict[Cell, int]:
        counted.append(entity.stream)
        return contributions(entity)

    monkeypatch.setattr(why, "contributions", counting)
    first = await world.get("why", **TOTAL, **OF_ALL, limit=1)
    assert counted == [f"opportunity-{number}" for number in (1, 2, 3, 4)]
    counted.clear()
    second = await world.get("why", **TOTAL, **OF_ALL, limit=1, cursor=first["next_cursor"])
    assert second["total"] == first["total"]
    assert counted == [f"opportunity-{number}" for number in (2, 3, 4)]


async def test_more_than_is_read_at_a_time_is_all_counted(world: World) -> None:
    count = PIECE + 5
    for number in range(count):
        await world.append(recorded(found(KIM, "01-09"), stream=f"opportunity-x{number}"))
    await world.fold()
    answer = await world.get("why", by="seller", key=KIM, **OF_ALL, limit=200)
    assert answer["total"]["open"] == count + 1
    answers = await pages(world, "why", {"by": "seller", "key": KIM, **OF_ALL}, 200)
    assert len(listed(answers)["contributions"]) == count + 3
