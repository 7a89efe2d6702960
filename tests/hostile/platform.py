"""The whole platform in memory, served over HTTP: every domain, and the worker of the figures.

`python -m tests.hostile.platform` serves it on a free port and prints the address. It is the app
that `sellers.node` serves, with the gate around it; only the log and the stores are those of the
unit tests, and there is one token, which opens everything: what is behind the gate is attacked.
"""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware

from sellers.node import MODULES, Node, create_app, rules, sections
from services.analytics.sink import MeasuresSink
from services.analytics.worker import Measuring
from shared.access.gate import Gate, Guarded
from shared.access.principal import Principal, UnauthenticatedError
from shared.access.roles import COMPANY, ROLES, Scope
from shared.access.whose import NobodyReach, ViewOwners
from shared.clock import SystemClock
from shared.defaults import read as read_defaults
from shared.log import Partition
from shared.memory import MemoryLog, MemoryStore
from shared.observability import configure_logs
from shared.projector import Projector
from shared.published import Build
from shared.runtime import Runtime
from shared.settings import Settings
from shared.testing.serving import memory_seals
from shared.topics import load_topics
from shared.web.protocol import Protocol

PARTITIONS = 2
TOKEN = "opens-everything"  # noqa: S105 - it opens what is in memory here
STOP_S = 3


@dataclass(frozen=True, slots=True)
class Whoever(Principal):
    """Reaches the whole company in every matter, which no role does."""

    def reach(self, permission: str) -> Scope:
        return COMPANY


class OneToken:
    """Knows one token; whatever else is shown proves nothing."""

    async def principal(self, token: str) -> Principal:
        if token != TOKEN:
            raise UnauthenticatedError("it is not the token")
        return Whoever("whoever", ROLES)


class MemoryNode(Node):
    """A node whose log and stores are in memory."""

    async def open(self) -> None:
        settings, clock, log = self.settings, SystemClock(), MemoryLog(PARTITIONS)
        defaults = read_defaults(settings.defaults_file, sections())
        opened = {}
        self.seals = memory_seals()
        for module in MODULES:
            name = module.domain.name
            domain = module.domain.configured(defaults[name])
            opened[name] = Runtime(domain, MemoryStore(), log, clock, settings, seals=self.seals)
        for runtime in opened.values():
            self._stack.push_async_callback(runtime.stop)
            await runtime.start()
        await self._measure_figures(opened["analytics"], log)
        self.runtimes |= opened
        self.starting = None

    async def _measure_figures(self, runtime: Runtime, log: MemoryLog) -> None:
        """What `services.analytics.stream` does beside the node, without Faust."""
        store, clock, zone = runtime.store, runtime.clock, runtime.settings.zone

        def projector(build: Build) -> Projector:
            return Projector(MeasuresSink(build.collection, zone), store, log, clock)

        measuring = Measuring(projector, store, log, clock, "memory", embedded=True)
        await measuring.start()
        every = [
            Partition(topic.name, number) for topic in load_topics() for number in range(PARTITIONS)
        ]
        runtime.tasks.start("measures", lambda: measuring.keep_mending(lambda: every))


def guarded(node: Node) -> FastAPI:
    """Return the app of a node, with the gate that asks for the token."""
    app = create_app(node)
    gate = Gate(rules(), OneToken(), ViewOwners(node.runtimes, {}), NobodyReach())
    app.user_middleware.append(Middleware(Guarded, gate=gate))
    return app


def main() -> None:
    configure_logs("warning")
    app = guarded(MemoryNode(Settings(read_wait_s=0.5)))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=Protocol,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=STOP_S,
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
