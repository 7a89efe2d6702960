"""Whatever is sent to `POST /touches` is taken or told what is wrong, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contacts.main import domain, router
from shared.testing import serving
from tests.hostile.mutations import mutated

ANSWER_S = 10.0
EVENT = {
    "specversion": "1.0",
    "id": "mail-1",
    "source": "mailing",
    "type": "touches.touch_recorded.v1",
    "time": "2026-01-05T09:00:00+09:00",
    "data": {"person": "person-1", "channel": "email", "note": "가격 문의", "campaign": "spring"},
}
DATA = orjson.dumps(EVENT["data"])
PLAIN = orjson.dumps({**EVENT["data"], "occurred_at": "2026-01-05T09:00:00Z"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def as_json(value: Any) -> bytes:
    """As Python writes it: numbers of any size, NaN, and half of a character."""
    return json.dumps(value).encode()


fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def sent(client: AsyncClient, body: bytes, **headers: str) -> Response:
    """Send it; whatever the answer is, it is one that helps, and in time."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with asyncio.timeout(ANSWER_S):
        answer = await client.post("/touches", content=body, headers=named)
    assert answer.status_code in {202, 400, 413, 422}, answer.text
    if answer.status_code != 202:
        assert answer.headers["content-type"] == "application/problem+json"
        check(answer.json())
    return answer


def check(problem: dict[str, Any]) -> None:
    assert problem["detail"]
    if problem["status"] == 422:
        assert problem["errors"]
        assert all(one["pointer"] and one["detail"] for one in problem["errors"])


@fuzzed
@given(st.binary(max_size=200) | mutated(orjson.dumps(EVENT)) | JSON.map(as_json))
async def test_structured(client: AsyncClient, body: bytes) -> None:
    await sent(client, body, content_type="application/cloudevents+json")


@fuzzed
@given(
    st.binary(max_size=200) | mutated(DATA),
    st.dictionaries(
        st.sampled_from(["id", "source", "type", "time", "specversion", "datacontenttype", "x"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
        | st.sampled_from(["%", "%E3%81", "%ff", '"a\\"', "%00", "1.0", "\x7f"]),
    ),
)
async def test_binary(client: AsyncClient, body: bytes, told: dict[str, str]) -> None:
    usual = {name: EVENT[name] for name in ("specversion", "id", "source", "type")}
    said = {f"ce-{name}": str(value).encode("latin-1") for name, value in (usual | told).items()}
    headers = {"content-type": b"application/json", **said}
    async with asyncio.timeout(ANSWER_S):
        answer = await client.post("/touches", content=body, headers=headers)
    assert answer.status_code in {202, 400, 422}, answer.text


@fuzzed
@given(st.binary(max_size=200) | mutated(PLAIN), st.text(max_size=5))
async def test_plain(client: AsyncClient, body: bytes, key: str) -> None:
    name = f"k{key.encode('ascii', 'ignore').decode().strip()}"
    await sent(client, body, content_type="application/json", idempotency_key=name)


@fuzzed
@given(
    st.lists(
        st.just(EVENT)
        | JSON
        | st.dictionaries(st.sampled_from([*EVENT, "more"]), JSON).map(lambda more: EVENT | more)
        | st.integers(0, 5).map(lambda number: EVENT | {"id": f"mail-{number}"}),
        max_size=6,
    )
)
async def test_of_a_batch_each_event_has_its_answer(client: AsyncClient, events: list[Any]) -> None:
    body = as_json(events)
    answer = await sent(client, body, content_type="application/cloudevents-batch+json")
    if answer.status_code != 202:
        with pytest.raises(
            orjson.JSONDecodeError
        ):  # It is no JSON (RFC 8259), and said to be none.
            orjson.loads(body)
        return
    told = answer.json()
    assert len(told["events"]) == len(events)
    assert told["accepted"] + told["duplicates"] + told["rejected"] == len(events)
    for event, one in zip(events, told["events"], strict=True):
        if one["status"] == "rejected":
            check(one["problem"])
        else:
            assert isinstance(event, dict)
            assert one["token"]


@fuzzed
@given(st.binary(max_size=200) | mutated(orjson.dumps([EVENT, EVENT | {"id": "mail-2"}])))
async def test_batches_that_are_none(client: AsyncClient, body: bytes) -> None:
    answer = await sent(client, body, content_type="application/cloudevents-batch+json")
    if answer.status_code == 202:
        assert len(answer.json()["events"]) == len(orjson.loads(body))
