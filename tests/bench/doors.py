"""Two doors, each a process of its own: the contacts API alone, and an empty FastAPI route.

`python -m tests.bench.doors ours|empty PORT` serves one, configured by `SELLERS_...`. Ours folds
nothing, as an API's pod on Kubernetes: what is measured is taking in, not what happens afterwards.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from services.contacts import main as contacts
from services.contacts.touches import NewTouch
from shared.clock import SystemClock
from shared.kafka import log_of
from shared.kept import keep_for_good
from shared.mongo import MongoStore
from shared.runtime import Runtime
from shared.settings import load
from shared.topics import load_topics
from shared.web import build_app
from shared.web.protocol import Protocol

HOST = "127.0.0.1"


def ours() -> FastAPI:
    """Return the contacts API without anything that folds."""
    runtimes: dict[str, Runtime] = {}

    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        settings, clock = load(), SystemClock()
        log = await log_of(settings)
        await log.create_topics(load_topics())
        store = await MongoStore.open(settings.mongo, f"{settings.database_prefix}contacts", "door")
        runtime = Runtime(contacts.domain, store, log, clock, settings)
        await runtime.start(folds=False)
        runtimes["contacts"] = runtime
        yield
        await runtime.stop()
        await store.close()
        await log.close()

    async def ready() -> dict[str, str]:
        opened = bool(runtimes) and runtimes["contacts"].service.ready.is_set()
        return {} if opened else {"contacts": "starting"}

    return build_app(
        "bench",
        runtimes,
        [contacts.router],
        new_id=SystemClock().new_id,
        lifespan=lifespan,
        ready=ready,
    )


def empty() -> FastAPI:
    """Return an app whose one route reads the same body and does nothing with it."""
    app = FastAPI()

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {}

    @app.post("/touches", status_code=202)
    async def touch(touch: NewTouch) -> dict[str, Any]:
        return {}

    return app


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    told: dict[str, Any] = {"http": Protocol} if kind == "ours" else {}
    config = uvicorn.Config(
        ours() if kind == "ours" else empty(),
        host=HOST,
        port=port,
        loop="uvloop",
        access_log=False,
        log_config=None,
        **told,
    )
    asyncio.set_event_loop_policy(None)
    keep_for_good()
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
