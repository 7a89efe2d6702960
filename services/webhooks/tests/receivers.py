"""Somebody else's receiver: a server of its own on this machine, that does as a test says."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn


@dataclass(frozen=True)
class Delivery:
    """One request as it came."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found


@dataclass
class Says:
    """What a receiver answers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0
    body: bytes = b"thanks"


Answering = Callable[[Delivery], Says | Awaitable[Says]]


@dataclass
class Receiver:
    """Everything that came, in order, and what is answered to it."""

    url: str = ""
    came: list[Delivery] = field(default_factory=list)
    answering: Answering = lambda _: Says()
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.came]

    async def until(self, holds: Callable[[], Any], within_s: float = 20.0) -> None:
        async with asyncio.timeout(within_s):
            while not holds():
                self._bell.clear()
                await self._bell.wait()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        delivery = Delivery(headers, body)
        self.came.append(delivery)
        self._bell.set()
        said = self.answering(delivery)
        answer = said if isinstance(said, Says) else await said
        await asyncio.sleep(answer.after_s)
        told = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        await send({"type": "http.response.body", "body": answer.body})


@asynccontextmanager
async def receiving(answering: Answering | None = None) -> AsyncIterator[Receiver]:
    """Serve a receiver on a free port of this machine."""
    receiver = Receiver()
    if answering is not None:
        receiver.answering = answering
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        config = uvicorn.Config(
            receiver,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        receiver.url = f"http://127.0.0.1:{listening.getsockname()[1]}/facts"
        try:
            yield receiver
        finally:
            server.should_exit = True
            await serving
