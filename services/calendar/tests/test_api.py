"""The calendar over HTTP, in memory: what is recorded is read back, what is refused says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from services.calendar.main import domain, router
from shared.testing import serving

VISIT = {
    "seller": "employee-1",
    "category": "customer",
    "starts_at": "2026-01-05T09:00:00+09:00",
    "ends_at": "2026-01-05T10:00:00+09:00",
    "title": "Visit",
    "person": "person-1",
}
TOOK = {"started_at": "2026-01-05T09:05:00+09:00", "ended_at": "2026-01-05T10:30:00+09:00"}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def post(client: AsyncClient, what: str, body: dict[str, Any], **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/calendar/entries/{what}", json=body, headers=named)


async def read(client: AsyncClient, path: str, after: Response) -> Response:
    return await client.get(path, headers={"X-At-Least": after.json()["token"]})


async def test_a_visit_is_planned_and_takes_place(client: AsyncClient) -> None:
    assert (await post(client, "1/plan", VISIT)).status_code == 202
    done = await post(client, "1/done", TOOK)
    assert (done.status_code, done.headers["etag"]) == (202, '"2"')
    card = (await read(client, "/calendar/entries/1", done)).json()
    assert card["status"] == "done"
    assert card["day"] == "2026-01-05"
    assert card["started_at"] == TOOK["started_at"]


async def test_a_client_that_writes_in_utc_gets_the_companys_day(client: AsyncClient) -> None:
    early = {"starts_at": "2026-01-04T23:00:00Z", "ends_at": "2026-01-05T00:00:00Z"}
    planned = await post(client, "1/plan", VISIT | early)
    card = (await read(client, "/calendar/entries/1", planned)).json()
    assert card["day"] == "2026-01-05"
    listed = (await read(client, "/calendar/entries?day=2026-01-05", planned)).json()
    assert [found["entry"] for found in listed["items"]] == ["entry-1"]


async def test_it_happened_when_it_ended_not_when_it_was_entered(client: AsyncClient) -> None:
    await post(client, "1/plan", VISIT)
    await post(client, "1/done", TOOK)
    history = (await client.get("/calendar/history/entry-1")).json()
    assert history["facts"][-1]["time"] == "2026-01-05T01:30:00.000000Z"


async def test_a_private_title_is_refused_by_name(client: AsyncClient) -> None:
    refused = await post(client, "1/plan", VISIT | {"category": "private"})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"].endswith("/private-in-the-clear")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/title"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (VISIT | {"ends_at": "2026-01-05T09:00:00+09:00"}, "#/ends_at"),
        (VISIT | {"ends_at": "2026-01-07T09:00:00+09:00"}, "#/ends_at"),
        (VISIT | {"starts_at": "2026-01-05T09:00:00"}, "#/starts_at"),
        (VISIT | {"seller": "Ada"}, "#/seller"),
        (VISIT | {"seller": "employee-김"}, "#/seller"),
        (VISIT | {"opportunity": f"opportunity-{'1' * 101}"}, "#/opportunity"),
        (VISIT | {"category": "fun"}, "#/category"),
        (VISIT | {"starts_at": "0001-01-01T00:00:00+09:00"}, "#/starts_at"),
        (VISIT | {"ends_at": "9999-12-31T20:00:00Z"}, "#/ends_at"),
    ],
)
async def test_what_cannot_be_names_the_field(
    client: AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    refused = await post(client, "1/plan", body)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_nothing_has_taken_place_in_days_to_come(client: AsyncClient) -> None:
    await post(client, "1/plan", VISIT)
    ahead = {"started_at": "2190-01-05T09:00:00+09:00", "ended_at": "2190-01-05T10:00:00+09:00"}
    refused = await post(client, "1/done", ahead)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/ended_at"]


async def test_a_cancelled_visit_cannot_take_place(client: AsyncClient) -> None:
    await post(client, "1/plan", VISIT)
    await post(client, "1/cancel", {"reason": "ill"})
    refused = await post(client, "1/done", TOOK)
    assert (refused.status_code, refused.json()["type"][-19:]) == (409, "/entry-is-cancelled")


async def test_once_is_once_and_an_old_look_is_refused(client: AsyncClient) -> None:
    first = await post(client, "1/plan", VISIT, idempotency_key="a")
    again = await post(client, "1/plan", VISIT, idempotency_key="a")
    assert again.json() == first.json() | {"recorded": 0, "duplicate": True}
    stale = await post(client, "1/cancel", {}, if_match='"7"')
    assert stale.status_code == 412


async def test_nothing_unknown_is_found(client: AsyncClient) -> None:
    assert (await client.get("/calendar/entries/1")).status_code == 404
    assert (await post(client, "1/cancel", {})).status_code == 404


async def test_a_sellers_day_is_listed(client: AsyncClient) -> None:
    tomorrow = {"starts_at": "2026-01-06T09:00:00+09:00", "ends_at": "2026-01-06T10:00:00+09:00"}
    first = await post(client, "1/plan", VISIT)
    other = await post(client, "2/plan", VISIT | tomorrow)
    await read(client, "/calendar/entries/1", first)
    for query, found in (
        ("?seller=employee-1", ["entry-1", "entry-2"]),
        ("?seller=employee-1&day=2026-01-06", ["entry-2"]),
        ("?seller=employee-2", []),
        ("?person=person-1&day=2026-01-05", ["entry-1"]),
    ):
        listed = (await read(client, f"/calendar/entries{query}", other)).json()
        assert [card["entry"] for card in listed["items"]] == found
    assert (await client.get("/calendar/entries?day=2026-02-30")).status_code == 422
