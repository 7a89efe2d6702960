"""What is measured by looking: lag, backlog, parked streams. The rest counts where it happens."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from shared.log import LogUnavailableError, Partition
from shared.observability import (
    LAG_RECORDS,
    LAG_SECONDS,
    OUTBOX_AGE_SECONDS,
    OUTBOX_PENDING,
    PARKED_FACTS,
    PARKED_STREAMS,
    PUBLISHER_HELD,
    TASKS_DOWN,
    TIMER_LAG_SECONDS,
    TIMER_OVERDUE,
    VIEWS_TOO_LARGE,
    VIEWS_WAITING,
)
from shared.projector import Collections
from shared.runtime import Runtime

# At one look every five seconds: an hour. Whoever is further behind is shown at that.
LOOKS_MAX = 720
log = structlog.get_logger()

OF_COLLECTIONS = (LAG_RECORDS, LAG_SECONDS, PARKED_FACTS, PARKED_STREAMS)


@dataclass(slots=True)
class Reached:
    """When the log was first seen to reach how far. A log says no age of what is not read yet."""

    _seen: dict[Partition, deque[tuple[float, int]]] = field(default_factory=dict)

    def note(self, now: float, ends: Mapping[Partition, int]) -> None:
        for partition, end in ends.items():
            seen = self._seen.setdefault(partition, deque(maxlen=LOOKS_MAX))
            if seen and seen[-1][1] > end:
                seen.clear()  # The log is another one, or was cut off.
            if not seen or seen[-1][1] < end:
                seen.append((now, end))

    def behind_s(self, now: float, cursors: Mapping[Partition, int]) -> float:
        """Say for how long the oldest record beyond one of these cursors has been there."""
        since = (
            next((at for at, end in seen if end > cursors[partition]), now)
            for partition, seen in self._seen.items()
            if partition in cursors
        )
        return now - min(since, default=now)


@dataclass(slots=True)
class Gauges:
    """Keeps the gauges of some domains current."""

    reached: Reached = field(default_factory=Reached)
    _shown: set[tuple[str, str]] = field(default_factory=set)

    async def look(self, runtimes: Mapping[str, Runtime]) -> None:
        shown: set[tuple[str, str]] = set()
        for name, runtime in runtimes.items():
            await _writing(name, runtime)
            await _publishing(runtime)
            for timer in runtime.timers.values():
                status = await timer.status()
                TIMER_OVERDUE.labels(status.timer).set(status.overdue)
                TIMER_LAG_SECONDS.labels(status.timer).set(timer.lag_s(status))
            try:
                shown |= await self._folding(name, runtime)
            except LogUnavailableError as error:
                # The outbox is told of all the same: it is what grows meanwhile.
                log.info("lag_not_measured", domain=name, reason=str(error))
                shown |= {one for one in self._shown if one[0] == name}
        for gone in self._shown - shown:
            for gauge in OF_COLLECTIONS:
                gauge.remove(*gone)
        self._shown = shown

    async def _folding(self, name: str, runtime: Runtime) -> set[tuple[str, str]]:
        shown = set()
        now = asyncio.get_running_loop().time()
        for progress in await runtime.lag():
            self.reached.note(now, progress.ends)
            LAG_RECORDS.labels(name, progress.collection).set(progress.lag)
            behind = self.reached.behind_s(now, progress.cursors)
            LAG_SECONDS.labels(name, progress.collection).set(behind)
            shown.add((name, progress.collection))
        for collection, (facts, streams) in (await _parked(runtime)).items():
            PARKED_FACTS.labels(name, collection).set(facts)
            PARKED_STREAMS.labels(name, collection).set(streams)
            shown.add((name, collection))
        return shown


async def _parked(runtime: Runtime) -> dict[str, tuple[int, int]]:
    """Say of everything that is folded here how many facts of how many streams are set aside."""
    found = {}
    for collection, facts in (await runtime.parked_counts()).items():
        held: list[dict[str, Any]] = []
        if facts:
            held = await runtime.store.find(Collections(collection).parked, {}, fields=("stream",))
        found[collection] = (facts, len({document["stream"] for document in held}))
    return found


async def _writing(name: str, runtime: Runtime) -> None:
    TASKS_DOWN.labels(name).set(len(runtime.tasks.failures))
    PUBLISHER_HELD.labels(name).set(runtime.publisher.held)
    if runtime.decides or runtime.domain.intake:
        OUTBOX_PENDING.labels(name).set(await runtime.journal.backlog())
        oldest = await runtime.journal.outbox(1)
        age = 0.0
        if oldest:
            committed = datetime.fromisoformat(oldest[0]["at"])
            age = max(0.0, (runtime.clock.now() - committed).total_seconds())
        OUTBOX_AGE_SECONDS.labels(name).set(age)


async def _publishing(runtime: Runtime) -> None:
    lacking = await runtime.unpublished()
    for name, runner in runtime.runners.items():
        if runner.projection.published:
            dirty = Collections(await runner.collection()).dirty
            VIEWS_WAITING.labels(name).set(await runtime.store.count(dirty, {}))
            VIEWS_TOO_LARGE.labels(name).set(lacking.get(name, 0))
