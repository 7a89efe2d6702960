"""Two doors, each a process of its own: the contacts API alone, and an empty FastAPI route.

`python -m tests.bench.doors ours|empty PORT` serves one, configured by `SELLERS_...`. Ours folds
nothing of contacts, as an API's pod on Kubernetes: what is measured is taking in, not what happens
afterwards. It lets in who shows the key whose secret is `BENCH_SECRET`, and nobody else.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from sellers import admission
from services.contacts import main as contacts
from services.contacts.touches import NewTouch
from services.organization import main as organization
from services.organization.key_views import key_card
from services.organization.keys import REQUESTS_MAX, IssueKey, KeyAlreadyIssuedError
from shared.access import platform
from shared.access.keys import digest_of
from shared.access.rules import joined
from shared.clock import SystemClock
from shared.kafka import log_of
from shared.kept import keep_for_good
from shared.mongo import MongoStore
from shared.runtime import Runtime
from shared.service import Request
from shared.settings import load
from shared.topics import load_topics
from shared.web import build_app
from shared.web.protocol import Protocol
from tests.bench.live import until

HOST = "127.0.0.1"


KEY, SECRET = "bench", "BENCH_SECRET"
ISSUED_S = 60.0


async def _issue(organization: Runtime) -> None:
    """Issue the key that is let in, unless an earlier door on these servers has; fold its card."""
    issue = IssueKey(
        name="bench",
        roles=("marketing",),
        requests_max=REQUESTS_MAX,
        digest=digest_of(os.environ[SECRET]),
    )
    await organization.service.ready.wait()
    with suppress(KeyAlreadyIssuedError):
        request = Request(stream=f"key-{KEY}", command=issue, actor="bench")
        await organization.service.handle(request)
    reader = organization.reader(key_card)

    async def is_carded() -> bool:
        return await reader.get(f"key-{KEY}") is not None

    await until(is_carded, ISSUED_S)


def ours() -> FastAPI:
    """Return the contacts API, which folds nothing, and asks everybody for a key."""
    settings, clock, runtimes = load(), SystemClock(), dict[str, Runtime]()

    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        log = await log_of(settings)
        await log.create_topics(load_topics())
        async with AsyncExitStack() as stack:
            stack.push_async_callback(log.close)
            for domain in (organization.domain, contacts.domain):
                database = f"{settings.database_prefix}{domain.name}"
                store = await MongoStore.open(settings.mongo, database, "door")
                stack.push_async_callback(store.close)
                if domain is organization.domain:
                    folding = Runtime(domain, store, log, clock, settings)
                    await folding.start()
                    await _issue(folding)
                    # Its views are of touches, too: folded here they would be measured as well.
                    await folding.stop()
                runtimes[domain.name] = runtime = Runtime(domain, store, log, clock, settings)
                await runtime.start(folds=False)
                stack.push_async_callback(runtime.stop)
            yield

    async def ready() -> dict[str, str]:
        started = len(runtimes) == 2 and runtimes["contacts"].service.ready.is_set()
        return {} if started else {"contacts": "starting"}

    app = build_app(
        "bench",
        runtimes,
        [contacts.router],
        new_id=SystemClock().new_id,
        lifespan=lifespan,
        ready=ready,
    )
    ruled = joined(platform.RULES, contacts.RULES)
    app.guard_by(admission.guard(ruled, None, runtimes, settings))
    return app


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
