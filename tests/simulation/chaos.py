"""What goes wrong, and when: crashes, zombies, a broker and a store that fail. All by chance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from zlib import crc32

from shared.memory import Landing, MemoryLog
from shared.store import TransientStoreError
from tests.simulation.process import Process

# Between these and the caller's next breath lie the dangerous moments.
DONE = ("store.commit.done", "log.append.done", "store.commit")
WRITES = (
    "store.insert_many",
    "store.put_many",
    "store.add_many",
    "store.delete_many",
    "store.commit",
)


class Chaos:
    """The fates of one world. While `raging`, everything can fail; then nothing does."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.raging = False
        self.spent = False
        # What is sent of the views lands late more often than not.
        self.late_views = False
        # Nothing that is late lands before all is calm.
        self.holding = False
        self.over = False
        self.operations = 0
        self.digest = 0
        self.crashes = 0
        self.story: list[str] = []
        # Harder on some seeds than on others: many faults hide what few would show.
        self.harshness = random.choice((0.3, 1.0, 1.0, 2.0))

    def tell(self, what: str) -> None:
        """Add a line to the history of this seed."""
        now = asyncio.get_running_loop().time()
        self.story.append(f"{now:8.3f}  {what}")

    def delay_s(self) -> float:
        chance = self.random.random()
        if not self.raging:
            return 0.001 + 0.004 * chance
        if chance < 0.05:
            return 0.5 * self.random.random()
        return 0.002 + 0.03 * chance

    def befall(self, process: Process, operation: str) -> None:
        self.operations += 1
        self.digest = crc32(f"{process.name} {operation}".encode(), self.digest)
        if not self.raging or process.dead:
            return
        chance = self.random.random() / self.harshness
        if operation in DONE:
            if chance < 0.006:
                self.crashes += 1
                self.tell(f"{process.name} is killed at {operation}")
                process.kill()
                return
            if chance < 0.010:
                self.tell(f"{process.name} falls asleep at {operation}")
                process.pause()
                return
        if operation.startswith("store.") and chance < 0.002:
            raise TransientStoreError(f"the store did not answer to {operation}")
        if operation == "store.commit.done" and chance < 0.02:
            raise TransientStoreError("the outcome of the commit is unknown")
        if operation.endswith("_many.done") and chance < 0.01:
            raise TransientStoreError(f"the answer to {operation} was lost")

    def landing(self, topic: str, *, down: bool) -> Landing:
        chance = self.random.random()
        if not self.raging:
            return "acknowledged"
        if down:
            return "slow" if chance < 0.4 else "late" if chance < 0.7 else "lost"
        if self.late_views and topic.startswith("views."):
            return self.random.choice(("late", "slow", "acknowledged"))
        # What views become is sent without an order, so there it matters most what lands late.
        chance /= self.harshness * (2 if topic.startswith("views.") else 1)
        for landing, below in (("unacknowledged", 0.04), ("late", 0.08), ("lost", 0.11)):
            if chance < below:
                return landing  # type: ignore[return-value]
        return "slow" if chance < 0.14 else "acknowledged"

    def land_some(self, log: MemoryLog, share: float) -> None:
        """Let records that are under way arrive, in any order."""
        late = [] if self.holding else list(log.late)
        self.random.shuffle(late)
        for record in late:
            if self.random.random() < share:
                log.land(record)

    async def every(self, mean_s: float, happens: Callable[[], Awaitable[None] | None]) -> None:
        """Let something happen again and again, at random moments, while chaos rages."""
        while not self.spent:
            await asyncio.sleep(self.random.expovariate(1 / mean_s))
            happening = happens() if self.raging else None
            if happening is not None:
                await happening
