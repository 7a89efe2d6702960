"""Opportunities over HTTP, in memory: what is recorded is read back, what is refused says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from services.opportunities.main import domain, router
from shared.testing import serving

CHANCE = {"title": "Pump", "owner": "employee-1", "company": "company-1", "on": "2026-01-05"}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def post(client: AsyncClient, what: str, body: dict[str, Any], **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/{what}", json=body, headers=named)


async def read(client: AsyncClient, path: str, after: Response) -> Response:
    return await client.get(path, headers={"X-At-Least": after.json()["token"]})


async def test_a_chance_from_discovery_to_won(client: AsyncClient) -> None:
    steps = [
        ("discover", CHANCE),
        ("involve-person", {"person": "person-1", "role": "buyer"}),
        ("revalue", {"amount": "10.50", "currency": "USD"}),
        ("advance", {"stage": "Proposal"}),
        ("reassign", {"owner": "employee-2", "reason": "handover"}),
        ("lose", {"reason": "price"}),
        ("reopen", {"stage": "Proposal"}),
        ("win", {"value": "100", "currency": "USD", "on": "2026-01-09"}),
    ]
    for version, (what, body) in enumerate(steps, start=1):
        answer = await post(client, f"opportunities/1/{what}", body)
        assert (answer.status_code, answer.headers["etag"]) == (202, f'"{version}"')
    card = (await read(client, "/opportunities/1", answer)).json()
    assert card["outcome"] == "won"
    assert (card["value"], card["amount"]) == ("100", "10.50")
    assert (card["owner"], card["closed_on"]) == ("employee-2", "2026-01-09")


async def test_a_closed_one_refuses_with_the_reason(client: AsyncClient) -> None:
    await post(client, "opportunities/1/discover", CHANCE)
    await post(client, "opportunities/1/lose", {})
    refused = await post(client, "opportunities/1/advance", {"stage": "Proposal"})
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"].endswith("/opportunity-closed")
    assert refused.json()["detail"] == "it was lost"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"amount": "1"}, "#/currency"),
        ({"amount": "-1", "currency": "USD"}, "#/amount"),
        ({"amount": "NaN", "currency": "USD"}, "#/amount"),
        ({"amount": "0.00001", "currency": "USD"}, "#/amount"),
        ({"currency": "usd"}, "#/currency"),
        ({"stage": "Won"}, "#/stage"),
        ({"owner": "Ada"}, "#/owner"),
        ({"on": "2026-02-30"}, "#/on"),
        ({"titel": "Pump"}, "#/titel"),
    ],
)
async def test_what_cannot_be_names_the_field(
    client: AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    refused = await post(client, "opportunities/1/discover", CHANCE | body)
    assert refused.status_code == 422
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("discover", CHANCE),
        ("win", {"value": "1", "currency": "USD"}),
        ("lose", {}),
        ("advance", {"stage": "Proposal"}),
    ],
)
async def test_what_has_happened_did_not_happen_tomorrow(
    client: AsyncClient, what: str, body: dict[str, Any]
) -> None:
    refused = await post(client, f"opportunities/1/{what}", body | {"on": "2162-01-01"})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["pointer"] == "#/on"
    assert error["detail"].startswith("2162-01-01 is after today, 20")


async def test_a_row_with_a_date_that_cannot_be_is_refused_and_the_others_are_not(
    client: AsyncClient,
) -> None:
    row = {"title": "Pump", "stage": "Engaging", "discovered_on": "2026-01-05"}
    said = (row | {"outcome": "lost", "closed_on": "2162-01-01"}, row)
    items = [
        {"stream": f"opportunity-{n}", "type": "mirror", "command": one, "origin": f"crm#{n}"}
        for n, one in enumerate(said)
    ]
    answer = await post(client, "opportunities/commands", {"commands": items})
    refused, taken = answer.json()["results"]
    assert refused["problem"]["errors"][0]["pointer"] == "#/commands/0/command/closed_on"
    assert taken["status"] == "recorded"


async def test_what_is_planned_may_lie_ahead(client: AsyncClient) -> None:
    planned = CHANCE | {"expected_close_on": "2162-01-01"}
    assert (await post(client, "opportunities/1/discover", planned)).status_code == 202


@pytest.mark.parametrize("field", ["on", "expected_close_on"])
@pytest.mark.parametrize("day", ["0001-01-01", "1900-01-01", "2199-12-31", "9999-12-31"])
async def test_a_date_that_no_zone_could_tell_the_instant_of_is_refused(
    client: AsyncClient, field: str, day: str
) -> None:
    refused = await post(client, "opportunities/1/discover", CHANCE | {field: day})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [f"#/{field}"]


async def test_latent_ones_are_listed_apart(client: AsyncClient) -> None:
    await post(client, "opportunities/1/discover", CHANCE)
    last = await post(client, "opportunities/2/discover", CHANCE | {"latent": True})
    for query, found in (("true", ["opportunity-2"]), ("false", ["opportunity-1"])):
        listed = (await read(client, f"/opportunities?latent={query}", last)).json()
        assert [card["opportunity"] for card in listed["items"]] == found
    last = await post(client, "opportunities/2/advance", {"stage": "Prospecting"})
    listed = (await read(client, "/opportunities?latent=true", last)).json()
    assert listed["items"] == []


async def test_once_is_once_and_an_old_look_is_refused(client: AsyncClient) -> None:
    first = await post(client, "opportunities/1/discover", CHANCE, idempotency_key="a")
    again = await post(client, "opportunities/1/discover", CHANCE, idempotency_key="a")
    assert again.json() == first.json() | {"recorded": 0, "duplicate": True}
    stale = await post(client, "opportunities/1/lose", {}, if_match='"2"')
    assert stale.status_code == 412


async def test_an_unchanged_card_is_not_sent_again(client: AsyncClient) -> None:
    answer = await post(client, "opportunities/1/discover", CHANCE)
    card = await read(client, "/opportunities/1", answer)
    same = {"If-None-Match": card.headers["etag"]}
    assert (await client.get("/opportunities/1", headers=same)).status_code == 304


async def test_opportunities_are_listed_by_owner_company_and_stage(client: AsyncClient) -> None:
    first = await post(client, "opportunities/1/discover", CHANCE)
    other = CHANCE | {"owner": "employee-2", "stage": "Engaging"}
    last = await post(client, "opportunities/2/discover", other)
    await read(client, "/opportunities/1", first)
    for query, found in (
        ("?company=company-1", ["opportunity-1", "opportunity-2"]),
        ("?owner=employee-2", ["opportunity-2"]),
        ("?stage=Prospecting", ["opportunity-1"]),
        ("?owner=employee-2&stage=Prospecting", []),
    ):
        listed = (await read(client, f"/opportunities{query}", last)).json()
        assert [card["opportunity"] for card in listed["items"]] == found


async def test_a_row_of_another_system_is_mirrored_in_bulk_and_only_changes_count(
    client: AsyncClient,
) -> None:
    row = {"title": "Pump", "stage": "Engaging", "discovered_on": "2026-01-05"}
    statuses = []
    for said in (row, row, row | {"outcome": "lost"}, row):
        item = {"stream": "opportunity-1", "type": "mirror", "command": said, "origin": "crm#1"}
        answer = await post(client, "opportunities/commands", {"commands": [item]})
        statuses += [result["status"] for result in answer.json()["results"]]
    assert statuses == ["recorded", "duplicate", "recorded", "recorded"]
    history = (await client.get("/opportunities/history/opportunity-1")).json()
    assert [fact["type"].split(".")[1] for fact in history["facts"]] == [
        "opportunity_discovered",
        "opportunity_lost",
        "opportunity_reopened",
    ]


async def test_a_product_is_listed_and_repriced(client: AsyncClient) -> None:
    await post(client, "products/1/list", {"name": "Pump", "price": "10", "currency": "USD"})
    answer = await post(client, "products/1/reprice", {"price": "12", "currency": "USD"})
    card = (await read(client, "/products/1", answer)).json()
    assert (card["name"], card["price"]) == ("Pump", "12")
    listed = (await read(client, "/products?name=Pump", answer)).json()
    assert [item["product"] for item in listed["items"]] == ["product-1"]


async def test_nothing_unknown_is_found(client: AsyncClient) -> None:
    for path in ("/opportunities/1", "/products/1"):
        assert (await client.get(path)).status_code == 404
    assert (await post(client, "opportunities/1/lose", {})).status_code == 404
