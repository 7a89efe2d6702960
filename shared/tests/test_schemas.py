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
    items = (await client.get("/schemas")).json()["items"]
    assert [one["type"] for one in items] == sorted(REGISTRY)
    for one in items:
        answer = await client.get(one["schema"])
        assert answer.headers["content-type"] == "application/schema+json"
        checked = Draft202012Validator(answer.json())
        for example in examples_of(REGISTRY[one["type"]]).values():
            checked.validate(example.data.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("wire", "status"),
    [("touches.no_such_fact.v1", 404), ("..", 404), ("%2e%2e%2fsettings", 404), ("x y", 422)],
)
async def test_what_is_no_fact_has_none(client: AsyncClient, wire: str, status: int) -> None:
    answer = await client.get(f"/schemas/{wire}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
