"""A process that may die between any two operations, or fall asleep and wake up as a zombie."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from shared.events import Position
from shared.memory import MemoryLog, MemoryStore
from shared.runtime import Runtime

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Fates(Protocol):
    """Who decides how long an operation takes and how it ends."""

    over: bool

    def delay_s(self) -> float: ...

    def befall(self, process: Process, operation: str) -> None:
        """Perhaps kill the process, or raise what its store would."""
        ...


@dataclass(eq=False)
class Process:
    """What one operating-system process can do to the world goes through `step`."""

    name: str
    fates: Fates
    store: MemoryStore = field(init=False)
    log: MemoryLog = field(init=False)
    dead: bool = False
    heard_of_at: float = 0.0
    # Set when it is dead, has left, or has been given up although it only sleeps.
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    # How many sends of one record were unfinished at once, at most.
    sends: int = 0
    _sending: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    _awake: asyncio.Event = field(default_factory=asyncio.Event)

    def connect(self, database: MemoryStore, broker: MemoryLog) -> None:
        """Give it its own connections, and count what it sends."""
        self._awake.set()
        self.store, self.log = database.seen_by(self.step), broker.seen_by(self.step)
        append = self.log.append

        async def counted(
            topic: str,
            key: str,
            value: bytes | None,
            headers: Sequence[tuple[str, bytes]] = (),
        ) -> Position:
            place = (key, value or b"")
            self._sending[place] += 1
            if not topic.startswith(("views.", "touches")):
                self.sends = max(self.sends, self._sending[place])
            try:
                return await append(topic, key, value, headers)
            finally:
                self._sending[place] -= 1

        self.log.append = counted  # type: ignore[method-assign]

    async def step(self, operation: str) -> None:
        await asyncio.sleep(self.fates.delay_s())
        await self._present()
        self.fates.befall(self, operation)
        await self._present()

    async def _present(self) -> None:
        if self.fates.over:
            raise asyncio.CancelledError
        while not self._awake.is_set():
            await self._awake.wait()
        if self.dead:
            await asyncio.get_running_loop().create_future()

    @property
    def asleep(self) -> bool:
        return not self._awake.is_set()

    def kill(self) -> None:
        self.heard_of_at = asyncio.get_running_loop().time()
        self.dead = True
        self.gone.set()

    def pause(self) -> None:
        self.heard_of_at = asyncio.get_running_loop().time()
        self._awake.clear()

    def wake(self) -> None:
        self._awake.set()


@dataclass(slots=True)
class SimulatedClock:
    """Virtual time, wrong by as much as this machine's clock is, and ids that never meet."""

    loop: asyncio.AbstractEventLoop
    name: str
    skew_s: float
    count: int = 0

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.loop.time() + self.skew_s)

    def new_id(self) -> str:
        self.count += 1
        milliseconds = int((self.loop.time() + self.skew_s + 3600) * 1000)
        return f"{milliseconds:09d}-{self.name}-{self.count}"


@dataclass(eq=False)
class Slot:
    """A place for one process of a deployment; when one is gone, the next one starts."""

    name: str
    kind: str
    database: MemoryStore
    generation: int = 0
    process: Process | None = None
    runtime: Runtime | None = None

    @property
    def up(self) -> bool:
        return self.process is not None and not self.process.gone.is_set()
