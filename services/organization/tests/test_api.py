"""Our organisation over HTTP, in memory: what is recorded is read back, refusals say why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from services.organization.main import domain, router
from shared.testing import serving

ADA = {"name": "Ada", "grade": "staff", "on": "2026-01-05"}
TEAM = {"name": "Team", "kind": "team", "parent": "unit-2"}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def post(client: AsyncClient, what: str, body: dict[str, Any], **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/organization/{what}", json=body, headers=named)


async def read(client: AsyncClient, path: str, after: Response) -> Response:
    return await client.get(path, headers={"X-At-Least": after.json()["token"]})


async def settled(client: AsyncClient, path: str) -> dict[str, str]:
    """Ask until the page is the same again: its views fold the same facts one after the other."""
    same: dict[str, str] = {}
    async with asyncio.timeout(10):
        while (answer := await client.get(path, headers=same)).status_code != 304:
            same = {"If-None-Match": answer.headers["etag"]}
    return same


async def test_a_colleague_joins_is_assigned_and_leaves(client: AsyncClient) -> None:
    steps = [("join", ADA), ("assign", {"unit": "unit-1"}), ("leave", {"reason": "moved on"})]
    for version, (what, body) in enumerate(steps, start=1):
        answer = await post(client, f"employees/1/{what}", body)
        assert (answer.status_code, answer.headers["etag"]) == (202, f'"{version}"')
    card = (await read(client, "/organization/employees/1", answer)).json()
    assert (card["name"], card["unit"], card["active"]) == ("Ada", "unit-1", False)


async def test_what_is_planned_holds_from_its_day_on(client: AsyncClient) -> None:
    await post(client, "employees/1/join", ADA)
    await post(client, "employees/1/assign", {"unit": "unit-1", "on": "2026-02-01"})
    await post(client, "employees/1/assign", {"unit": "unit-2", "on": "2162-01-01"})
    answer = await post(client, "employees/1/leave", {"on": "2163-01-01"})
    card = await read(client, "/organization/employees/1", answer)
    assert card.json() | {"unit": "unit-1", "active": True, "left_on": "2163-01-01"} == card.json()
    assert [one["unit"] for one in card.json()["assignments"]] == ["unit-1", "unit-2"]
    same = await settled(client, "/organization/employees/1")
    for on in ("2162-01-01", "2163-01-01"):
        again = await client.get(f"/organization/employees/1?on={on}", headers=same)
        assert again.status_code == 200, "it changes with the days, without a fact"
    for unit, found in (("unit-1", ["employee-1"]), ("unit-2", [])):
        listed = await client.get(f"/organization/employees?unit={unit}")
        assert [one["employee"] for one in listed.json()["items"]] == found


@pytest.mark.parametrize("what", ["form", "place-under"])
async def test_a_unit_is_not_placed_under_itself(client: AsyncClient, what: str) -> None:
    await post(client, "units/2/form", {"name": "Division", "kind": "division"})
    refused = await post(
        client, f"units/1/{what}", (TEAM if what == "form" else {}) | {"parent": "unit-1"}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"pointer": "#/parent", "detail": "unit-1 cannot be its own parent"}
    ]


async def test_nor_is_one_in_bulk(client: AsyncClient) -> None:
    item = {"stream": "unit-1", "type": "mirror", "command": TEAM | {"parent": "unit-1"}}
    answer = await client.post("/organization/commands", json={"commands": [item]})
    (result,) = answer.json()["results"]
    assert result["status"] == "refused"
    assert result["problem"]["errors"][0]["pointer"] == "#/commands/0/command/parent"


async def test_a_unit_is_formed_placed_and_led(client: AsyncClient) -> None:
    await post(client, "units/1/form", TEAM)
    await post(client, "units/1/place-under", {"parent": "unit-3"})
    answer = await post(client, "units/1/appoint-manager", {"employee": "employee-1"})
    card = (await read(client, "/organization/units/1", answer)).json()
    assert (card["kind"], card["parent"], card["manager"]) == ("team", "unit-3", "employee-1")


async def test_joining_twice_is_refused_with_the_reason(client: AsyncClient) -> None:
    await post(client, "employees/1/join", ADA)
    refused = await post(client, "employees/1/join", ADA)
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"].endswith("/employee-already-joined")
    assert refused.json()["detail"] == "Ada works here already"


@pytest.mark.parametrize(
    ("what", "body", "pointer"),
    [
        ("employees/1/join", {"name": ""}, "#/name"),
        ("employees/1/join", {"name": "Ada", "on": "2026-01-05", "date_unknown": True}, "#/"),
        ("employees/1/assign", {"unit": "Team"}, "#/unit"),
        ("units/1/form", TEAM | {"kind": "club"}, "#/kind"),
        ("units/1/appoint-manager", {}, "#/employee"),
    ],
)
async def test_what_cannot_be_names_the_field(
    client: AsyncClient, what: str, body: dict[str, Any], pointer: str
) -> None:
    refused = await post(client, what, body)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_once_is_once_and_an_old_look_is_refused(client: AsyncClient) -> None:
    first = await post(client, "employees/1/join", ADA, idempotency_key="a")
    again = await post(client, "employees/1/join", ADA, idempotency_key="a")
    assert again.json() == first.json() | {"recorded": 0, "duplicate": True}
    stale = await post(client, "employees/1/leave", {}, if_match='"2"')
    assert stale.status_code == 412


async def test_an_unchanged_card_is_not_sent_again(client: AsyncClient) -> None:
    answer = await post(client, "units/1/form", TEAM)
    await read(client, "/organization/units/1", answer)
    same = await settled(client, "/organization/units/1")
    assert (await client.get("/organization/units/1", headers=same)).status_code == 304


async def test_colleagues_are_listed_by_unit_and_units_by_parent(client: AsyncClient) -> None:
    await post(client, "employees/1/join", ADA)
    assigned = await post(client, "employees/1/assign", {"unit": "unit-1"})
    for query, found in (("?unit=unit-1", ["employee-1"]), ("?unit=unit-2", [])):
        listed = (await read(client, f"/organization/employees{query}", assigned)).json()
        assert [card["employee"] for card in listed["items"]] == found
    formed = await post(client, "units/1/form", TEAM)
    listed = (await read(client, "/organization/units?parent=unit-2", formed)).json()
    assert [card["unit"] for card in listed["items"]] == ["unit-1"]


async def test_nothing_unknown_is_found(client: AsyncClient) -> None:
    for path in ("employees/1", "units/1"):
        assert (await client.get(f"/organization/{path}")).status_code == 404
    assert (await post(client, "employees/1/leave", {})).status_code == 404
