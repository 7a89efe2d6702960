"""The Faust worker without Faust: a deliverer that acknowledges whatever became of a batch.

It starts from an offset of its own, which lies before or beyond the worker's cursor, as Kafka's
committed offset does after a kill or a failed batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from zoneinfo import ZoneInfo

from services.analytics.kept_cells import Mirrors
from services.analytics.measures import TOPICS
from services.analytics.sink import MEASURES, MeasuresSink
from services.analytics.tables import Tables
from services.analytics.worker import Measuring
from shared import builds
from shared.clock import Clock
from shared.log import Partition, Record, Subscription
from shared.memory import MemoryLog, MemoryStore
from shared.projector import Projector
from shared.published import Build
from shared.store import TransientStoreError
from tests.simulation.chaos import Chaos
from tests.simulation.process import Process

ZONE = ZoneInfo("Asia/Seoul")


@dataclass(slots=True)
class Deliverer:
    """What Faust's group remembers, in the broker, for all workers."""

    random: Random
    committed: dict[Partition, int] = field(default_factory=dict)

    async def start_at(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return {partition: self.committed.get(partition, 0) for partition in partitions}

    def commit(self, records: Sequence[Record]) -> None:
        """Some time after a batch was taken, or never: then it will be delivered again."""
        if self.random.random() < 0.7:
            for record in records:
                partition = Partition(record.topic, record.partition)
                self.committed[partition] = record.offset + 1

    async def deliver(self, process: Process, measuring: Measuring) -> None:
        """Hand batches to a worker until it fails; it ends with the process."""
        await measuring.start()
        subscription = await process.log.subscribe(TOPICS, "measures", self.start_at)
        working = (
            measuring.keep_folding(),
            measuring.keep_mending(lambda: subscription.assigned),
            self._fetch(subscription, measuring),
        )
        tasks = {asyncio.ensure_future(work) for work in working}
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()

    async def _fetch(self, subscription: Subscription, measuring: Measuring) -> None:
        while True:
            records = await subscription.fetch(self.random.randint(1, 6), 0.5)
            if records:
                await measuring.take(records)
                self.commit(records)


def measuring_of(process: Process, clock: Clock, *, embedded: bool) -> Measuring:
    store, log = process.store, process.log

    def projector(build: Build) -> Projector:
        sink = MeasuresSink(build.collection, ZONE)
        return Projector(
            sink,
            store,
            log,
            clock,
            batch_max=6,
            parked_max=10_000,
            refold_on_mismatch=embedded,
            dropped=partial(builds.is_dropped, MEASURES, build),
        )

    # What an hour does to a company is done to a few facts, again and again.
    return Measuring(
        projector, store, log, clock, process.name, embedded, tidy_s=1.0, together_min=2
    )


@dataclass(slots=True)
class Leader:
    """Who looks at the figures all the time, from a process that keeps what it has read.

    It follows what is added to the cells while others put older additions together.
    """

    chaos: Chaos
    store: MemoryStore
    log: MemoryLog
    process: Process | None = None
    mirrors: Mirrors = field(default_factory=Mirrors)
    generation: int = 0
    looks: int = 0
    seen: Tables = field(default_factory=Tables)

    async def keep_looking(self) -> None:
        while not self.chaos.spent:
            await self.look()
            await asyncio.sleep(self.chaos.random.random())

    async def look(self) -> None:
        """Follow the figures of the active build, unless the store does not answer."""
        process = self._process()
        process.wake()
        try:
            async with asyncio.timeout(5.0), process.store.transaction() as tx:
                active = (await builds.read(tx, MEASURES)).active
                self.seen = await self.mirrors.read(tx, active.collection)
        except (TransientStoreError, TimeoutError):
            return
        self.looks += 1

    def _process(self) -> Process:
        if self.process is None or self.process.gone.is_set():
            self.generation += 1
            self.process = Process(f"leader.{self.generation}", self.chaos)
            self.process.connect(self.store, self.log)
            self.mirrors = Mirrors()  # Whoever was killed forgets.
        return self.process
