"""What tests over HTTP ask of contacts: to record something, and to read what it brought about."""

from __future__ import annotations

from typing import Any

from httpx2 import AsyncClient


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
