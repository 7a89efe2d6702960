"""The whole platform in this process, on servers of its module's own, spoken to over HTTP.

Topics have fixed names, so each module that uses it gets a fresh log.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
import pytest
import uvicorn
from httpx2 import ASGITransport, AsyncClient, Response
from pymongo import MongoClient

from shared.log import Log
from shared.settings import Settings
from tests.conftest import log_server

if TYPE_CHECKING:
    from sellers.node import Node

SOON_S = 60.0


async def until(holds: Callable[[], Awaitable[Any]], within_s: float = SOON_S) -> Any:
    """Wait for a state that lies elsewhere and tells nobody; return what it is then."""
    async with asyncio.timeout(within_s):
        while not (found := await holds()):  # noqa: ASYNC110 - the state lies in other processes.
            await asyncio.sleep(0.02)
        return found


@dataclass(frozen=True)
class Platform:
    """One node, as its clients and its operators meet it."""

    node: Node
    http: AsyncClient
    mongo: Any

    @property
    def log(self) -> Log:
        return self.node.runtimes["contacts"].log

    async def post(self, path: str, body: Any = None, **headers: str) -> Response:
        return await self.http.post(path, json=body or {}, headers=_named(headers))

    async def get(self, path: str, **headers: str) -> Response:
        return await self.http.get(path, headers=_named(headers))

    async def read(self, path: str, token: str | None = None) -> Any:
        """Return what a GET answers, at least as fresh as the token says."""
        answer = await self.get(path, **({"x_at_least": token} if token else {}))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def parked(self, stream: str) -> list[dict[str, Any]]:
        held = (await self.read("/parked?limit=200"))["parked"]
        return [fact for fact in held if fact["stream"] == stream]

    async def verified(self) -> dict[str, Any]:
        """Return the last line of `GET /verify`."""
        lines = (await self.get("/verify")).text.strip().splitlines()
        return orjson.loads(lines[-1])

    def documents(self, domain: str, collection: str) -> Any:
        """Return a collection as someone with a MongoDB shell sees it."""
        return self.mongo[f"{self.node.settings.database_prefix}{domain}"][collection]


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture(scope="module")
def fresh_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with log_server(tmp_path_factory.mktemp("fresh-log")) as server:
        yield server


@pytest.fixture(scope="module")
async def platform(
    fresh_log: Any, mongo_engine: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    """The node, ready to decide; it stays for the module, so each test has streams of its own."""
    # Only here: the other tests of this folder need no domain.
    from sellers.node import Node, create_app

    settings = Settings(
        kafka=fresh_log.address,
        mongo=mongo_engine.address,
        engine="embedded" if fresh_log.embedded else "kafka",
        database_prefix=f"t{uuid4().hex[:8]}_",
        data_dir=tmp_path_factory.mktemp("node"),
        master_key=b64encode(os.urandom(32)).decode(),  # type: ignore[arg-type]
    )
    node = Node(settings)
    app = create_app(node)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url="http://platform", timeout=30) as http,
    ):
        shell: Any = MongoClient(mongo_engine.address)
        await until(lambda: _decides(node), within_s=60)
        with closing(shell):
            yield Platform(node, http, shell)


@pytest.fixture(scope="module")
async def address(platform: Platform) -> AsyncIterator[str]:
    """Where the node answers on a port of this machine, for clients that are other processes."""
    from sellers.node import create_app

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        # The same node under a second app, which neither opens nor closes it.
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(platform.node),
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        serving = asyncio.create_task(server.serve([listening]))
        await until(lambda: _begun(server), within_s=10)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


async def _begun(server: uvicorn.Server) -> bool:
    return server.started


@pytest.fixture(scope="module")
async def worker(
    platform: Platform, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Any]:
    """The Faust worker beside the node, as a process of its own; ready when it folds."""
    settings = platform.node.settings
    told = {
        "SELLERS_KAFKA": settings.kafka,
        "SELLERS_MONGO": settings.mongo,
        "SELLERS_ENGINE": settings.engine,
        "SELLERS_DATABASE_PREFIX": settings.database_prefix,
        "SELLERS_DATA_DIR": str(tmp_path_factory.mktemp("worker")),
    }
    log_file = tmp_path_factory.mktemp("worker-log") / "worker.log"
    with log_file.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "services.analytics.stream"),
            env={**os.environ, **told},
            stdout=output,
            stderr=output,
        )
        try:
            await until(lambda: _is_ready(platform), within_s=60)
            yield child
        finally:
            child.kill()
            await child.wait()


async def _is_ready(platform: Platform) -> bool:
    return (await platform.get("/readyz")).status_code == 200


async def _decides(node: Node) -> bool:
    assert not (node.starting or "").startswith("failed"), node.starting
    ready = [runtime.service.ready.is_set() for runtime in node.runtimes.values()]
    return node.starting is None and all(ready)
