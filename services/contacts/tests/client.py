"""What tests over HTTP ask of contacts: to record something, and to read what it brought about."""

from __future__ import annotations

from typing import Any

import orjson
from httpx2 import AsyncClient

from services.contacts.touch_events import TYPE
from shared.cloudevents import BATCH


async def post(client: AsyncClient, path: str, body: dict[str, Any], **headers: str) -> str:
    """Record it and return the token with which it can be read."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await client.post(path, json=body, headers=named)
    assert answer.status_code == 202, answer.text
    token: str = answer.json()["token"]
    return token


async def get(client: AsyncClient, path: str, *after: str) -> Any:
    """Read it as fresh as each of these tokens."""
    for token in after:
        answer = await client.get(path, headers={"X-At-Least": token})
        assert answer.status_code == 200, answer.text
    return answer.json()


async def touch(client: AsyncClient, person: str, at: str, **told: Any) -> str:
    body = {"person": person, "channel": "call", "occurred_at": f"{at}T09:00:00+09:00", **told}
    return await post(client, "/touches", body, idempotency_key=f"{person}{at}")


def promotion(name: str, day: str, **data: Any) -> dict[str, Any]:
    """Return the event of a promotion in March 2026, to person-1 where nobody else is named."""
    told = {"channel": "email", "about": "promotion", **data}
    whom = {} if {"email", "person"} & told.keys() else {"person": "person-1"}
    return {
        "specversion": "1.0",
        "id": name,
        "source": "/campaigns",
        "type": TYPE,
        "time": f"2026-03-{day}T09:00:00Z",
        "data": {**told, **whom},
    }


async def publish(client: AsyncClient, *events: dict[str, Any]) -> dict[str, Any]:
    """Send them in one batch and return what is answered of each."""
    headers = {"Content-Type": BATCH}
    answer = await client.post("/touches", content=orjson.dumps(events), headers=headers)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told
