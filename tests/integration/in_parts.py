"""The platform in parts, all of them in this process, and a client of each."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr

from sellers.node import Node, create_app
from sellers.parts import Part
from shared.settings import Settings


def nothing_of_its_own(_: Part) -> Mapping[str, Any]:
    return {}


@asynccontextmanager
async def opened(
    parts: Iterable[Part],
    log: Any,
    mongo: Any,
    folder: Callable[[str], Path],
    *,
    own: Callable[[Part], Mapping[str, Any]] = nothing_of_its_own,
    **more: Any,
) -> AsyncIterator[tuple[dict[str, Node], dict[str, AsyncClient]]]:
    """Start each part as a process would have it.

    `more` are settings that all of them share, `own` those of one part alone.
    """
    prefix = f"t{uuid4().hex[:8]}_"
    nodes: dict[str, Node] = {}
    clients: dict[str, AsyncClient] = {}
    async with AsyncExitStack() as stack:
        for part in parts:
            told: dict[str, Any] = {
                "kafka": log.address,
                "mongo": mongo.address,
                "engine": "embedded" if log.embedded else "kafka",
                "database_prefix": prefix,
                # Processes of one deployment open what the others have sealed.
                "master_key": SecretStr(b64encode(bytes(32)).decode()),
                "instance": part.name.replace(" ", "-"),
                "data_dir": folder("part"),
            }
            settings = Settings(**{**told, **more, **own(part)})
            node = nodes[part.name] = Node(settings, part=part)
            app = create_app(node)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = ASGITransport(app, raise_app_exceptions=False)
            client = AsyncClient(transport=transport, base_url="http://part", timeout=30)
            clients[part.name] = await stack.enter_async_context(client)
        yield nodes, clients
