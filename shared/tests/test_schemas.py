"""The schemas of facts are had at addresses that stay."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from httpx2 import ASGITransport, AsyncClient
from jsonschema import Draft202012Validator

from shared import schemas
from shared.events import REGISTRY
from shared.released import examples_of
from shared.web import build_app


async def _ready() -> dict[str, str]:
    return {}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    app = build_app("schemas", {}, [schemas.router], new_id=lambda: "id", ready=_ready)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://sellers") as client:
        yield client


async def test_every_kind_of_fact_has_its_schema_where_the_list_says(client: AsyncClient) -> None:
    listed = (await client.get("/schemas")).json()["items"]
    items = [one for one in listed if one["kind"] == "fact"]
    assert [one["type"] for one in items] == sorted(REGISTRY)
    for one in items:
        assert one["topic"] == REGISTRY[one["type"]].topic
        answer = await client.get(one["schema"])
        assert answer.headers["content-type"] == "application/schema+json"
        checked = Draft202012Validator(answer.json())
        for example in examples_of(REGISTRY[one["type"]]).values():
            checked.validate(example.data.model_dump(mode="json"))


async def test_what_comes_in_and_goes_out_has_its_schema_there_too(client: AsyncClient) -> None:
    listed = (await client.get("/schemas")).json()["items"]
    told = {one["type"]: one for one in listed if one["kind"] != "fact"}
    assert {"inbound.new_touch.v1", "inbound.touch_event.v1", "views.person_card"} <= told.keys()
    for name, one in told.items():
        answer = await client.get(one["schema"])
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json()["$id"] == f"urn:sellers:{name}"


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        ("touches.no_such_fact.v1", 404),
        ("..", 404),
        ("%2e%2e%2fsettings", 404),
        ("x y", 422),
        ("earlier", 422),
    ],
)
async def test_what_is_no_fact_has_none(client: AsyncClient, wire: str, status: int) -> None:
    answer = await client.get(f"/schemas/{wire}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
