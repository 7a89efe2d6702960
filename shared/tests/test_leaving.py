"""Who leaves in the midst of an event stream is no bug, and what is one is told all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi.sse import EventSourceResponse, ServerSentEvent

from shared.clock import SystemClock
from shared.tests.served import nothing_missing
from shared.web import build_app
from shared.web.router import Router

router = Router()


@router.get("/endless", response_class=EventSourceResponse)
async def endless() -> AsyncIterator[ServerSentEvent]:
    while True:
        yield ServerSentEvent(data="x")


@router.get("/broken", response_class=EventSourceResponse)
async def broken() -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(data="x")
    raise RuntimeError("a bug")


async def listen(path: str, events: int) -> list[dict[str, Any]]:
    """Take that many events and go, as uvicorn tells the app of it."""
    app = build_app("tiny", {}, [router], new_id=SystemClock().new_id, ready=nothing_missing)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    gone = asyncio.Event()
    said = [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        if said:
            return said.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) > events:
            gone.set()
        # A slow listener: the next event waits already.
        await asyncio.sleep(0.005)

    async with asyncio.timeout(10):
        await app(scope, receive, send)
    return sent


async def test_who_leaves_in_the_midst_is_let_go_of() -> None:
    sent = await listen("/endless", 3)
    assert sent[0]["status"] == 200
    assert len(sent) >= 4


async def test_a_bug_in_the_midst_is_told() -> None:
    with pytest.raises(ExceptionGroup) as told:
        await listen("/broken", 100)
    assert told.group_contains(RuntimeError, match="a bug")
