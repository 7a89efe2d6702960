"""All domains in one process, or one part of them: APIs, projectors, policies and publishers.

`python -m sellers.node` runs all, `python -m sellers.node api contacts` one part (`parts.py`),
configured by `SELLERS_...`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from sellers import admission, diet
from sellers.description import describe
from sellers.parts import WHOLE, Part, part_of
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
from shared.access import platform, self_api
from shared.access.rules import Rules, joined
from shared.bulk import bulk_router
from shared.clock import SystemClock
from shared.defaults import Section
from shared.defaults import read as read_defaults
from shared.elsewhere import Watch
from shared.folding import Foldings
from shared.gauges import Gauges
from shared.kafka import KafkaLog, log_of
from shared.kept import keep_for_good
from shared.log import Log, LogUnavailableError
from shared.master import open_keys, rewrap
from shared.mongo import MongoStore
from shared.observability import configure_logs, serving_metrics
from shared.repair import publish_views_again, repair_log
from shared.runtime import Runtime
from shared.seals import Seals
from shared.settings import Settings, SettingsError, load
from shared.topics import load_topics
from shared.web import Limits, build_app
from shared.web.protocol import Protocol
from shared.web.router import Router

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
# So many transactions of projectors keep the embedded store, which is one process, fully busy; more
# of them only wait for each other, and all of them end late.
FOLDS_AT_ONCE = 3
# Domains besides analytics that show what colleagues did or have in hand: looks are noted there.
SHOW_COLLEAGUES = frozenset({"alerts", "calendar", "issues", "opportunities", "organization"})
CLEAN = "stopped-cleanly"
# How long a part waits for the topics, which somebody else may have to create.
TOPICS_S, TOPICS_AGAIN_S = 120.0, 2.0

log = structlog.get_logger()


@dataclass(slots=True)
class Node:
    """The parts of the process, from opening the connections to closing them."""

    settings: Settings
    # Empty until everything runs: half a platform would answer that nothing lags.
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    part: Part = WHOLE
    # Analytics, beside a domain that shows what colleagues have in hand: looks are kept there.
    noting: Runtime | None = None
    # What is read to know who may do what: those of this part, and organization beside them.
    known: dict[str, Runtime] = field(default_factory=dict)
    watches: list[Watch] = field(default_factory=list)
    # What seals and opens words about people; empty until the keys are open.
    seals: Seals = field(default_factory=Seals)
    foldings: Foldings = field(default_factory=Foldings)
    starting: str | None = "starting"
    failure: str | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def modules(self) -> list[Any]:
        return [module for module in MODULES if self.part.has(module.domain.name)]

    async def open(self) -> None:
        """Connect, apply the topics, repair what a killed broker forgot, start folding."""
        if self.settings.embedded:
            self.foldings = Foldings(FOLDS_AT_ONCE)
        facts = await log_of(self.settings)
        self._stack.push_async_callback(facts.close)
        await self._apply_topics(facts)
        self.seals, keys = await open_keys(self.settings, SystemClock())
        self._stack.push_async_callback(keys.close)
        opened = {m.domain.name: await self._runtime(m, facts) for m in self.modules}
        if self.settings.embedded and self.part == WHOLE:
            await self._repair(list(opened.values()))
        for runtime in opened.values():
            await self._start(runtime)
        if self.part.kind == "api" and self.part.domain in SHOW_COLLEAGUES:
            self.noting = await self._runtime(analytics, facts)
            self._stack.push_async_callback(self.noting.stop)
            await self.noting.start(folds=False)
        if "analytics" in opened:
            await analytics.watch(opened["analytics"])
        ring, before = self.seals.ring, self.settings.previous_master_key
        if ring is not None and before is not None and "contacts" in opened and self.part.folds:
            opened["contacts"].tasks.start("wrap keys again", partial(rewrap, ring))
        self.known |= opened
        # Read, never started: who leads whom, which keys there are, and whose a thing is.
        for module in self._asked():
            if module.domain.name not in opened:
                self.known[module.domain.name] = await self._runtime(module, facts)
        self.runtimes |= opened
        self.starting = None

    def _asked(self) -> list[Any]:
        """Return the domains that are asked who may see what this part answers."""
        if not self.settings.signs_in:
            return []
        names = {"organization"}
        if self.part.answers_for_domains:
            names = names.union(*(admission.asked_by(module.RULES) for module in self.modules))
        return [module for module in MODULES if module.domain.name in names]

    async def _runtime(self, module: Any, facts: Log) -> Runtime:
        settings, name = self.settings, module.domain.name
        domain = module.domain.configured(read_defaults(settings.defaults_file, sections())[name])
        database, instance = f"{settings.database_prefix}{name}", f"{settings.instance}-{name}"
        store = await MongoStore.open(settings.mongo, database, instance, empties=settings.embedded)
        self._stack.push_async_callback(store.close)
        return Runtime(
            domain, store, facts, SystemClock(), settings, seals=self.seals, foldings=self.foldings
        )

    async def _start(self, runtime: Runtime) -> None:
        self._stack.push_async_callback(runtime.stop)
        if self.part.writes or self.part.folds:
            await runtime.start(writes=self.part.writes, folds=self.part.folds)
            return
        watch = Watch(runtime)
        await watch.look()
        self.watches.append(watch)

    async def _apply_topics(self, facts: KafkaLog) -> None:
        """Create what is missing. A part may not be allowed to, and waits for whoever is."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (0 if self.part == WHOLE else TOPICS_S)
        while True:
            try:
                await facts.create_topics(load_topics())
            except LogUnavailableError as error:
                if loop.time() >= deadline:
                    raise
                self.starting = f"waiting for the topics: {error}"
                log.info("waiting_for_the_topics", reason=str(error))
            else:
                self.starting = "starting"
                return
            await asyncio.sleep(TOPICS_AGAIN_S)

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
            decides = self.part.writes or (self.part.folds and runtime.reacts)
            if decides and not runtime.service.ready.is_set():
                found[name] = "catching up with the log"
        if self.noting is not None and not self.noting.service.ready.is_set():
            found["analytics"] = "catching up with the log"
        # Reports of an API are as old as the worker's last word, and say so: no reason to refuse.
        if self.part.answers_for_all:
            worker = await analytics.worker_missing(self.runtimes["analytics"])
            if worker is not None:
                found["analytics worker"] = worker
        return found

    async def measure(self) -> None:
        """Keep the gauges current, until cancelled."""
        gauges = Gauges()
        while True:
            for watch in self.watches:
                await watch.look()
            if "analytics" in self.runtimes:
                await analytics.watch(self.runtimes["analytics"])
            await gauges.look(self.runtimes)
            await asyncio.sleep(MEASURE_EVERY_S)


def sections() -> dict[str, type[Section]]:
    """Return what every domain lets a company choose."""
    return {module.domain.name: type(module.domain.defaults) for module in MODULES}


def rules() -> Rules:
    """Return who may use which route: of every route of all domains."""
    return joined(platform.RULES, *(module.RULES for module in MODULES))


def routers(part: Part = WHOLE) -> list[Router]:
    """Return a part's routes, the fixed paths before those with a stream in them."""
    modules = [module for module in MODULES if part.has(module.domain.name)]
    bulk = [bulk_router(module.domain) for module in modules if module.domain.deciders]
    subscriptions = [changes.router, pulling.router]
    about_all = [admin.router, self_api.router, diet.router, schemas.router, *subscriptions]
    of_domains = [*bulk, *(module.router for module in modules)]
    return (about_all if part.answers_for_all else []) + (
        of_domains if part.answers_for_domains else []
    )


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

    served, guard, ruled = routers(node.part), None, rules()
    if node.settings.signs_in:
        if node.settings.oidc_issuer:
            tokens = admission.tokens(node.settings)
        else:
            tokens, issuer, its = admission.development(node.settings, node.known)
            served, ruled = [*served, issuer], joined(ruled, its)
        guard = admission.guard(ruled, tokens, node.known, node.settings)
    app = build_app(
        "Sellers" if node.part == WHOLE else f"Sellers: {node.part.name}",
        node.runtimes,
        served,
        new_id=SystemClock().new_id,
        lifespan=lifespan,
        ready=node.missing,
        metrics=node.settings.metrics_port is None,
        limits=limits_of(node.settings),
    )
    app.hsts_s = node.settings.http_hsts_s
    app.rules = ruled
    if guard is not None:
        app.guard_by(guard)
    describe(app)
    if node.part.kind == "platform":
        # People read there what every service answers.
        app.openapi = create_app(Node(node.settings)).openapi  # type: ignore[method-assign]
    app.state.note_look = analytics.Looking(lambda: node.noting or node.runtimes["analytics"]).note
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
    if node.part.answers_for_domains and "analytics" in node.runtimes:
        reporting = node.runtimes["analytics"]
        reporting.tasks.start("read cells ahead", partial(analytics.read_ahead, reporting))
    if node.part.kind != "api":  # Its projector says the same of the same store.
        next(iter(node.runtimes.values())).tasks.start("measure", node.measure)


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
            server_header=False,
            timeout_graceful_shutdown=3,
        )
    )
    keep_for_good()
    with suppress(KeyboardInterrupt):
        server.run()
    if node.failure is not None:
        sys.exit(f"node {' '.join(node.failure.split())}")
    if not server.started:
        sys.exit(1)


def main() -> None:
    part = part_of(sys.argv[1:], sections())
    try:
        settings = load()
        _somebody_decided(settings)
    except SettingsError as error:
        sys.exit(f"node: {error}")
    if settings.embedded and part != WHOLE:
        sys.exit("node: SELLERS_ENGINE=embedded is for one process, which repairs what it forgets")
    configure_logs(settings.log_level, settings.secrets)
    try:
        tracing.start(f"sellers-{part.name.replace(' ', '-')}" if part != WHOLE else "sellers-node")
    except tracing.TracesRefusedError as error:
        sys.exit(f"node: {error}")
    try:
        with serving_metrics(settings):
            serve(Node(settings, part=part))
    finally:
        tracing.stop()


def _somebody_decided(settings: Settings) -> None:
    """Refuse to serve everybody by accident: that is said, or an issuer is named.

    Raises:
        SettingsError: neither.

    """
    if settings.access is None and not settings.oidc_issuer and not settings.embedded:
        raise SettingsError(
            "SELLERS_OIDC_ISSUER says who signs people in; SELLERS_ACCESS=open serves whoever "
            "can reach it, under any name (docs/access.md)"
        )


if __name__ == "__main__":
    main()
