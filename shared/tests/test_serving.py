"""Over HTTP itself: which connections stay open, what has no body, what is no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
import uvicorn
from fastapi import FastAPI
from httpx2 import AsyncClient

from shared.service import Accepted, Service
from shared.tests.served import app_of, join
from shared.tests.tiny import build, card_projection, running, tiny_domain
from shared.web.protocol import Protocol

CARDS = card_projection(published=True)
Socket = tuple[uvicorn.Server, int]


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[Socket]:
    config = uvicorn.Config(
        app, http=Protocol, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - it tells nobody when it listens.
            await asyncio.sleep(0.01)
    try:
        yield server, server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def over_a_socket() -> AsyncIterator[Socket]:
    async with (
        running(build(tiny_domain(CARDS))) as runtime,
        listening(app_of(runtime, CARDS)) as socket,
    ):
        yield socket


async def test_an_answer_without_a_body_keeps_its_connection_open(over_a_socket: Socket) -> None:
    """A server refuses a 304 with a body and drops the connection."""
    server, port = over_a_socket
    async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        at_least = {"X-At-Least": (await join(client, "ada")).json()["token"]}
        first = await client.get("/organization/employees/ada", headers=at_least)
        same = {"If-None-Match": first.headers["etag"]}
        again = await client.get("/organization/employees/ada", headers=same)
        connections = len(server.server_state.connections)
        after = await client.get("/organization/employees/ada")
        reused = len(server.server_state.connections)
    assert (again.status_code, again.content, after.status_code) == (304, b"", 200)
    assert (connections, reused) == (1, 1)


@pytest.mark.parametrize(
    "path",
    ["/organization/employees/ada", "/organization/employees?format=csv", "/views/card/changes"],
)
async def test_so_does_head(over_a_socket: Socket, path: str) -> None:
    server, port = over_a_socket
    async with (
        asyncio.timeout(5),
        AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        at_least = {"X-At-Least": (await join(client, "ada")).json()["token"]}
        heads = [await client.head(path, headers=at_least) for _ in range(2)]
        assert len(server.server_state.connections) == 1
        answered = await client.get("/organization/employees/ada", headers=at_least)
    assert [(head.status_code, head.content) for head in heads] == [(200, b"")] * 2
    assert answered.json()["name"] == "Ada"


@pytest.mark.parametrize("length", ["x", "-1", "1, 2", "9" * 40, "0x7"])
async def test_a_length_that_is_none_is_a_problem(over_a_socket: Socket, length: str) -> None:
    _, port = over_a_socket
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = (
        f"POST /organization/commands HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{{}}"
    )
    writer.write(asked.encode())
    async with asyncio.timeout(5):
        answered, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert answered.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/problem+json\r\n" in answered
    problem = orjson.loads(body)
    assert (problem["status"], problem["title"]) == (400, "Bad Request")
    assert "Content-Length" in problem["detail"]


async def test_who_is_waited_for_too_long_at_the_end_hears_that_it_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A 500 would say that we are wrong, and that sending it again is of no use."""

    async def never(_self: Service, _request: object) -> Accepted:
        await asyncio.Event().wait()
        raise AssertionError

    async with running(build(tiny_domain(CARDS))) as runtime:
        monkeypatch.setattr(Service, "handle", never)
        async with (
            asyncio.timeout(10),
            listening(app_of(runtime, CARDS)) as (server, port),
            AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            asked = asyncio.create_task(join(client, "ada"))
            while not server.server_state.tasks:  # noqa: ASYNC110 - it tells nobody.
                await asyncio.sleep(0.01)
            server.should_exit = True
            answer = await asked
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "may be sent again" in answer.json()["title"]
    assert answer.headers["x-correlation-id"] == answer.json()["correlation_id"]
