"""The domains over the in-memory ports, served on a free port of this machine in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from sellers.client import Api
from services.analytics import main as analytics
from services.calendar import main as calendar
from services.campaigns import main as campaigns
from services.contacts import main as contacts
from services.issues import main as issues
from services.opportunities import main as opportunities
from services.organization import main as organization
from shared import admin
from shared.bulk import bulk_router
from shared.clock import SystemClock
from shared.events import decode
from shared.memory import MemoryLog, MemoryStore
from shared.runtime import Runtime
from shared.settings import Settings
from shared.testing import memory_seals
from shared.topics import declared_topics
from shared.web import build_app

MODULES = (organization, contacts, opportunities, issues, calendar, campaigns, analytics)


class Served:
    """A platform without the worker of the figures and without servers, and what it recorded."""

    def __init__(self) -> None:
        topics = {topic.name: 2 for topic in declared_topics()}
        for module in MODULES:
            published = (p.name for p in module.domain.projections if p.published)
            topics |= {f"views.{name}": 2 for name in published}
        self.log = MemoryLog(topics)
        self.seals = memory_seals()
        self.stores = {module.domain.name: MemoryStore() for module in MODULES}
        self.url = ""

    def app(self) -> FastAPI:
        runtimes: dict[str, Runtime] = {}

        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            for module in MODULES:
                name = module.domain.name
                runtimes[name] = Runtime(
                    module.domain,
                    self.stores[name],
                    self.log,
                    SystemClock(),
                    Settings(),
                    seals=self.seals,
                )
                await runtimes[name].start()
                await runtimes[name].service.ready.wait()
            yield
            for runtime in runtimes.values():
                await runtime.stop()

        async def ready() -> dict[str, str]:
            return {}

        bulk = [bulk_router(module.domain) for module in MODULES]
        routers = [admin.router, *bulk, *(module.router for module in MODULES)]
        return build_app(
            "test",
            runtimes,
            routers,
            new_id=SystemClock().new_id,
            lifespan=lifespan,
            ready=ready,
        )

    def facts(self, topic: str) -> int:
        """How many facts the log holds of a topic; when a timer scans is no matter of loading."""

        async def count() -> int:
            found = 0
            for where, end in (await self.log.ends(topic)).items():
                async for records in self.log.read(where, 0, end):
                    facts = [decode(record.value) for record in records]
                    found += sum(not fact.actor.startswith("timer:") for fact in facts)
            return found

        return asyncio.run(count())


@contextmanager
def serving(served: Served, port: int = 0) -> Iterator[Api]:
    """Serve until the block ends; give a client."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        served.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(served.app(), log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with Api(served.url, patience_s=20) as api:
                api.get("/livez")
                yield api
        finally:
            server.should_exit = True
            thread.join(30)
    assert not thread.is_alive()


__all__ = ["Served", "serving"]
