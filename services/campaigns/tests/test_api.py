"""Campaigns over HTTP, in memory: one process from the plan to what sellers say of it (X-02)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from services.campaigns.main import domain, router
from shared.events import encode
from shared.events.opportunities import OpportunityDiscovered, OpportunityWon
from shared.events.touches import TouchRecorded
from shared.memory import MemoryLog
from shared.reading import Token
from shared.testing import recorded, serving

PLAN = {
    "name": "Spring fair",
    "goal": "Fifty first meetings.",
    "audience": "Buyers of pumps.",
    "from_on": "2026-03-01",
    "until_on": "2026-04-30",
    "budget": "1000",
    "currency": "KRW",
    "sellers": ["employee-1"],
    "known_as": "Spring Fair",
    "on": "2026-01-05",
}


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(2)


@pytest.fixture
async def client(log: MemoryLog) -> AsyncIterator[AsyncClient]:
    async with serving(domain, router, log=log) as client:
        yield client


async def post(client: AsyncClient, what: str, body: dict[str, Any], **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/campaigns/{what}", json=body, headers=named)


async def read(client: AsyncClient, path: str, *after: str) -> Any:
    for token in after:
        answer = await client.get(path, headers={"X-At-Least": token})
        assert answer.status_code == 200, answer.text
    return answer.json()


async def told(log: MemoryLog, stream: str, *events: Any) -> str:
    """Record facts of another domain, and return what to wait for."""
    facts = recorded(*events, stream=stream)
    for fact in facts:
        await log.append(fact.data.topic, stream, encode(fact))
    return Token(stream, len(facts)).encode()


def touch(number: int, **more: Any) -> TouchRecorded:
    named = {"publisher": "/m", "publisher_id": str(number), "campaign": "spring fair", **more}
    return TouchRecorded(person="person-1", channel="email", **named)


async def test_x_02_plan_execution_result_and_feedback_are_one_page(
    client: AsyncClient, log: MemoryLog
) -> None:
    for what, body in (
        ("1/plan", PLAN),
        ("1/start", {"on": "2026-03-01"}),
        ("1/end", {"result": "Forty.", "spent": "900.50", "currency": "KRW", "on": "2026-05-01"}),
        ("1/give-feedback", {"seller": "employee-1", "useful": "yes", "words": "Good leads."}),
    ):
        answer = await post(client, what, body)
        assert answer.status_code == 202, answer.text
    found = OpportunityDiscovered(title="Pump", stage="Engaging", campaign="Spring Fair")
    won = OpportunityWon(value=Decimal("120.50"), currency="KRW")
    tokens = (
        await told(log, "touch-1", touch(1)),
        await told(log, "touch-2", touch(2, direction="inbound")),
        await told(log, "opportunity-1", found, won),
        answer.json()["token"],
    )
    page = await read(client, "/campaigns/1", *tokens)
    card, came = page["campaign"], page["came_of_it"]
    assert (card["state"], card["result"], card["spent"]) == ("ended", "Forty.", "900.50")
    assert [one["words"] for one in card["feedback"]] == ["Good leads."]
    assert (came["reached"], came["responded"], came["won"]) == (1, 1, 1)
    assert came["won_value"] == {"KRW": "120.50"}
    people = await read(client, page["opens"]["responded"], *tokens)
    assert [one["touch"] for one in people["items"][0]["touches"]] == ["touch-1", "touch-2"]
    sold = await read(client, page["opens"]["opportunities"], *tokens)
    assert [(one["opportunity"], one["value"]) for one in sold["items"]] == [
        ("opportunity-1", "120.50")
    ]
    (row,) = (await read(client, "/campaigns/figures", *tokens))["rows"]
    assert (row["campaign"], row["won_value"], row["useful_yes"]) == (
        "campaign-1",
        {"KRW": "120.50"},
        1,
    )


async def test_the_same_page_again_is_not_sent_again(client: AsyncClient) -> None:
    token = (await post(client, "1/plan", PLAN)).json()["token"]
    answer = await client.get("/campaigns/1", headers={"X-At-Least": token})
    same = {"If-None-Match": answer.headers["etag"]}
    assert (await client.get("/campaigns/1", headers=same)).status_code == 304


async def test_a_seller_finds_the_campaigns_that_they_share(client: AsyncClient) -> None:
    token = (await post(client, "1/plan", PLAN)).json()["token"]
    mine = await read(client, "/campaigns?seller=employee-1", token)
    assert [one["campaign"] for one in mine["items"]] == ["campaign-1"]
    assert (await read(client, "/campaigns?seller=employee-2", token))["items"] == []
    assert (await read(client, "/campaigns?state=started", token))["items"] == []


@pytest.mark.parametrize("path", ["", "/people", "/opportunities"])
async def test_a_campaign_that_nobody_planned_is_not_there(client: AsyncClient, path: str) -> None:
    assert (await client.get(f"/campaigns/none{path}")).status_code == 404


async def test_a_refusal_is_a_problem_with_the_reason(client: AsyncClient) -> None:
    await post(client, "1/plan", PLAN)
    refused = await post(client, "1/end", {"result": "Good."})
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("/campaign-not-started")
    stale = await post(client, "1/start", {}, if_match='"7"')
    assert stale.status_code == 412


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": " "}, "#/name"),
        ({"sellers": ["Ada"]}, "#/sellers/0"),
        ({"from_on": "2026-02-30"}, "#/from_on"),
        ({"budget": "-1"}, "#/budget"),
        ({"nmae": "First"}, "#/nmae"),
    ],
)
async def test_what_cannot_be_names_the_field(
    client: AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    refused = await post(client, "1/plan", PLAN | body)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]
