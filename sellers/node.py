"""All domains in one process: their APIs on one port, their projectors, policies and publishers.

`python -m sellers.node` runs it, configured by `SELLERS_...`. On Kubernetes each domain runs for
itself from the same parts.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from sellers import diet
from sellers.description import describe
from services.alerts import main as alerts
from services.analytics import main as analytics
from services.calendar import main as calendar
from services.campaigns import main as campaigns
from services.contacts import main as contacts
from services.issues import main as issues
from services.opportunities import main as opportunities
from services.organization import main as organization
from services.webhooks import main as webhooks
from shared import admin, changes, pulling, schemas, tracing
from shared.bulk import bulk_router
from shared.clock import SystemClock
from shared.defaults import Section
from shared.defaults import read as read_defaults
from shared.gauges import Gauges
from shared.kafka import log_of
from shared.mongo import MongoStore
from shared.observability import configure_logs, serving_metrics
from shared.repair import publish_views_again, repair_log
from shared.runtime import Runtime
from shared.settings import Settings, SettingsError, load
from shared.topics import load_topics
from shared.web import Limits, build_app
from shared.web.protocol import Protocol

MODULES = (
    organization,
    contacts,
    opportunities,
    issues,
    calendar,
    alerts,
    webhooks,
    campaigns,
    analytics,
)
MEASURE_EVERY_S = 5.0
CLEAN = "stopped-cleanly"

log = structlog.get_logger()


@dataclass(slots=True)
class Node:
    """The parts of the process, from opening the connections to closing them."""

    settings: Settings
    # Empty until everything runs: half a platform would answer that nothing lags.
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    starting: str | None = "starting"
    failure: str | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self) -> None:
        """Connect, apply the topics, repair what a killed broker forgot, start folding."""
        settings, clock = self.settings, SystemClock()
        facts = await log_of(settings)
        self._stack.push_async_callback(facts.close)
        await facts.create_topics(load_topics())
        opened: dict[str, Runtime] = {}
        defaults = read_defaults(settings.defaults_file, sections())
        for module in MODULES:
            name = module.domain.name
            domain = module.domain.configured(defaults[name])
            store = await MongoStore.open(
                settings.mongo, f"{settings.database_prefix}{name}", f"{settings.instance}-{name}"
            )
            self._stack.push_async_callback(store.close)
            opened[name] = Runtime(domain, store, facts, clock, settings)
        if settings.embedded:
            await self._repair(list(opened.values()))
        for runtime in opened.values():
            self._stack.push_async_callback(runtime.stop)
            await runtime.start()
        await analytics.watch(opened["analytics"])
        self.runtimes |= opened
        self.starting = None

    async def _repair(self, runtimes: Sequence[Runtime]) -> None:
        """The embedded broker may have lost its last second; the journal has not."""
        readers = [runtime.store for runtime in runtimes]
        for runtime in runtimes:
            if runtime.decides:
                await runtime.journal.prepare()
                await repair_log(runtime, readers)
        mark = self._mark
        if not mark.exists():
            for runtime in runtimes:
                for runner in runtime.runners.values():
                    if runner.projection.published:
                        await publish_views_again(runtime.store, await runner.active())
        mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return self.settings.data_dir / CLEAN

    async def close(self) -> None:
        self.starting = "stopping"
        await self._stack.aclose()
        # Without runtimes it never opened: how the last one ended still has to be repaired.
        if self.settings.embedded and self.runtimes:
            self._mark.parent.mkdir(parents=True, exist_ok=True)
            self._mark.touch()

    async def missing(self) -> dict[str, str]:
        """Name what does not serve yet, and why."""
        if self.starting is not None:
            return {"node": self.starting}
        found: dict[str, str] = {}
        for name, runtime in self.runtimes.items():
            found |= {f"{name}: {task}": why for task, why in runtime.tasks.failures.items()}
            if not runtime.service.ready.is_set():
                found[name] = "catching up with the log"
        worker = await analytics.worker_missing(self.runtimes["analytics"])
        if worker is not None:
            found["analytics worker"] = worker
        return found

    async def measure(self) -> None:
        """Keep the gauges current, until cancelled."""
        gauges = Gauges()
        while True:
            await analytics.watch(self.runtimes["analytics"])
            await gauges.look(self.runtimes)
            await asyncio.sleep(MEASURE_EVERY_S)


def sections() -> dict[str, type[Section]]:
    """Return what every domain lets a company choose."""
    return {module.domain.name: type(module.domain.defaults) for module in MODULES}


def routers() -> list[APIRouter]:
    """Return the routes of all domains, the fixed paths before those with a stream in them."""
    bulk = [bulk_router(module.domain) for module in MODULES if module.domain.deciders]
    subscriptions = [changes.router, pulling.router]
    return [
        admin.router,
        diet.router,
        schemas.router,
        *subscriptions,
        *bulk,
        *(module.router for module in MODULES),
    ]


def limits_of(settings: Settings) -> Limits:
    """Return what this deployment lets one request, and one address, ask for."""
    return Limits(
        body_bytes=settings.http_body_bytes_max,
        body_s=settings.http_body_s,
        answer_s=settings.http_answer_s,
        at_once=settings.http_at_once_max,
        rate=settings.http_rate_max,
    )


def create_app(node: Node, failed: Callable[[], None] = lambda: None) -> FastAPI:
    """Return the app of the whole platform; it opens and closes the node.

    `failed` is called when the node cannot be opened; `node.failure` says why.
    """

    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Probes answer while the rest still starts.
        opening = asyncio.create_task(_open(node, failed), name="open")
        yield
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await node.close()

    app = build_app(
        "Sellers",
        node.runtimes,
        routers(),
        new_id=SystemClock().new_id,
        lifespan=lifespan,
        ready=node.missing,
        metrics=node.settings.metrics_port is None,
        limits=limits_of(node.settings),
    )
    describe(app)
    app.state.note_look = analytics.Looking(lambda: node.runtimes["analytics"]).note
    app.state.verifiers = [lambda: analytics.verify(node.runtimes["analytics"])]
    return app


async def _open(node: Node, failed: Callable[[], None]) -> None:
    """Open the node and keep its gauges; what stops it is in `/readyz` and in the log."""
    try:
        await node.open()
    except Exception as error:
        log.exception("node_failed_to_start")
        node.failure = node.starting = f"failed to start: {str(error) or repr(error)}"
        failed()
        raise
    node.runtimes["analytics"].tasks.start("measure", node.measure)


def serve(node: Node) -> None:
    """Serve until SIGTERM or SIGINT; running requests end, nothing acknowledged is lost.

    Raises:
        SystemExit: the node could not be opened; whoever runs it may start it again.

    """
    app = create_app(node, failed=lambda: setattr(server, "should_exit", True))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=node.settings.host,
            port=node.settings.port,
            loop="uvloop",
            http=Protocol,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=3,
        )
    )
    with suppress(KeyboardInterrupt):
        server.run()
    if node.failure is not None:
        sys.exit(f"node {' '.join(node.failure.split())}")
    if not server.started:
        sys.exit(1)


def main() -> None:
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"node: {error}")
    configure_logs(settings.log_level, settings.secrets)
    try:
        tracing.start("sellers-node")
    except tracing.TracesRefusedError as error:
        sys.exit(f"node: {error}")
    try:
        with serving_metrics(settings):
            serve(Node(settings))
    finally:
        tracing.stop()


if __name__ == "__main__":
    main()
