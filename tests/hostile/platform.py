"""The whole platform in memory, served over HTTP: every domain, and the worker of the figures.

`python -m tests.hostile.platform` serves it on a free port and prints the address. It is the app
that `sellers.node` serves; only the log and the stores are those of the unit tests.
"""

from __future__ import annotations

import socket
import sys

import uvicorn

from sellers.node import MODULES, Node, create_app, sections
from services.analytics.sink import MeasuresSink
from services.analytics.worker import Measuring
from shared.clock import SystemClock
from shared.defaults import read as read_defaults
from shared.log import Partition
from shared.memory import MemoryLog, MemoryStore
from shared.observability import configure_logs
from shared.projector import Projector
from shared.published import Build
from shared.runtime import Runtime
from shared.settings import Settings
from shared.topics import load_topics
from shared.web.protocol import Protocol

PARTITIONS = 2


class MemoryNode(Node):
    """A node whose log and stores are in memory."""

    async def open(self) -> None:
        settings, clock, log = self.settings, SystemClock(), MemoryLog(PARTITIONS)
        defaults = read_defaults(settings.defaults_file, sections())
        opened = {}
        for module in MODULES:
            name = module.domain.name
            domain = module.domain.configured(defaults[name])
            opened[name] = Runtime(domain, MemoryStore(), log, clock, settings)
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


def main() -> None:
    configure_logs("warning")
    app = create_app(MemoryNode(Settings(read_wait_s=0.5)))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(
            app, loop="uvloop", http=Protocol, access_log=False, log_config=None
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
