"""How fast the worker keeps up with a backlog, beside a Faust agent that only counts it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.analytics.sink import MEASURES
from shared import builds
from shared.log import Log
from shared.projector import Collections
from shared.store import Store
from tests.bench.replay import fill

POLL_S = 0.02
STARTS_S = 60.0
# Far below what it does; a run that comes to this has stopped folding.
FACTS_A_SECOND_MIN = 200.0


@dataclass(frozen=True, slots=True)
class Live:
    """Messages a second of the agent that counts, and facts a second of the worker.

    `held` is how many MB the worker held while it caught up: after a tenth, and most after that.
    """

    counting: float
    measuring: float
    held: tuple[float, float]

    @property
    def ratio(self) -> float:
        return self.measuring / self.counting


@dataclass(frozen=True, slots=True)
class Child:
    """A process of ours, and the file in which it says what it does."""

    process: subprocess.Popen[bytes]
    said: Path

    def holds_mb(self) -> float:
        return memory_mb(self.process.pid, "VmRSS")

    def check(self) -> None:
        """Make sure that it goes on.

        Raises:
            RuntimeError: it has ended; the message ends with its last words.

        """
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.said.stem} has ended: {self.said.read_text()[-2_000:]}")


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the log and the store answer, and where files of children may lie."""

    log: str
    mongo: str
    folder: Path
    prefix: str
    embedded: bool

    @contextmanager
    def child(self, name: str, words: Sequence[str], **told: str) -> Iterator[Child]:
        """Start a process of ours (`python -m ...`) on these servers; end it in good order."""
        environment = {
            **os.environ,
            "SELLERS_KAFKA": self.log,
            "SELLERS_MONGO": self.mongo,
            "SELLERS_DATABASE_PREFIX": self.prefix,
            "SELLERS_ENGINE": "embedded" if self.embedded else "kafka",
            "SELLERS_DATA_DIR": str(self.folder),
            **told,
        }
        said = self.folder / f"{name}.log"
        with said.open("ab") as output:
            command = (sys.executable, "-m", *words)
            child = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
            try:
                yield Child(child, said)
            finally:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()

    def worker(self) -> AbstractContextManager[Child]:
        return self.child("worker", ("services.analytics.stream",))


async def live(log: Log, store: Store, servers: Servers, facts: int) -> Live:
    """Let a worker begin with an empty log, fill it while nobody looks, and let it catch up."""
    with servers.worker():
        await until(lambda: _is_active(store), STARTS_S)
    told = await fill(log, facts)
    held: list[float] = []
    with servers.worker() as child:
        first = await until(lambda: _folded(store), STARTS_S)
        began = time.perf_counter()
        ends_s = STARTS_S + told / FACTS_A_SECOND_MIN
        while (folded := await _folded(store)) < told:
            if time.perf_counter() - began > ends_s:
                raise TimeoutError(f"{folded} of {told} folded")
            if folded > told // 10:
                held.append(child.holds_mb())
            await asyncio.sleep(POLL_S)
        measuring = (told - first) / (time.perf_counter() - began)
        held.append(child.holds_mb())
    return Live(await _counted(servers, told), measuring, (held[0], max(held)))


def memory_mb(pid: int, which: Literal["VmRSS", "VmHWM"]) -> float:
    """Return how much memory a process holds, or has held at most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (held,) = (line.split()[1] for line in lines if line.startswith(f"{which}:"))
    return int(held) / 1024


async def _counted(servers: Servers, told: int) -> float:
    folder = servers.folder / "counter"
    words = ("-m", "tests.bench.counter", servers.log, str(told), str(folder))
    child = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    if child.returncode != 0:
        raise RuntimeError(f"the agent that counts ended with {child.returncode}")
    return float(said)


async def _is_active(store: Store) -> int:
    # Its heads and cursors are there once it looks at the log.
    found = await store.find("measures.workers", {})
    return len(found)


async def _folded(store: Store) -> int:
    build = (await builds.read(store, MEASURES)).active.collection
    return sum(cursor["offset"] for cursor in await store.find(Collections(build).cursors, {}))


async def until(holds: Callable[[], Awaitable[int]], within_s: float) -> int:
    deadline = time.perf_counter() + within_s
    while not (found := await holds()):
        if time.perf_counter() > deadline:
            raise TimeoutError(f"nothing within {within_s} s")
        await asyncio.sleep(POLL_S)
    return found
