"""Keeps the measures folded, whoever delivers the facts and whatever they leave out.

Every batch covers exactly what lies between the cursor and its end: what was folded before is
dropped, a hole is read from the log first, and so is what nobody delivers, every quiet second.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

import structlog

from services.analytics.kept_cells import TOGETHER_MIN, Tidying
from services.analytics.measures import TOPICS
from services.analytics.sink import MEASURES, entities_of
from shared import builds
from shared.clock import Clock
from shared.correlation import correlations_of
from shared.errors import SellersError
from shared.events import timestamp
from shared.gauges import Reached
from shared.log import Log, LogUnavailableError, Partition, Record
from shared.observability import (
    OF_WORKERS,
    WORKER_LAG_RECORDS,
    WORKER_LAG_SECONDS,
    WORKER_PARTITIONS,
    WORKER_PENDING,
)
from shared.projector import Collections, CursorMovedError, Projector, cursor_id
from shared.published import Build
from shared.store import DuplicateKeyError, Reads, Store, TransientStoreError

T = TypeVar("T")

WORKERS = "measures.workers"
QUIET_S = 1.0
SIGN_OF_LIFE_S = 5.0
TIDY_S = 60.0
SILENT_S_MAX = 20.0
RETRY_S_MAX = 5.0
# Longer than any of its steps takes, whoever is away.
STUCK_S = 120.0
PENDING_MAX = 8_000
# Who has so many batches before them reads them without waiting for deliveries.
FAR_BATCHES = 2
# So many partitions are read beside each other: while one waits for the store, the other is folded.
AT_ONCE = 2
AGAIN_MAX = 3
PASSING = (TransientStoreError, DuplicateKeyError, CursorMovedError, LogUnavailableError)

# Says which partitions are this worker's at the moment.
Mine = Callable[[], Collection[Partition]]


class Deliveries:
    """Whoever delivers records. This one takes no notice: what was folded before is dropped."""

    async def hold(self, partitions: Collection[Partition]) -> None:
        """Deliver nothing of these for a while: it is being read from the log."""

    async def go_on(self, held: Collection[Partition], places: Mapping[Partition, int]) -> None:
        """Deliver what was held, from these places if they are given."""


AS_THEY_COME = Deliveries()


log = structlog.get_logger()


class OlderReleaseError(SellersError):
    """A newer release has taken the measures over; this one must not fold them."""


@dataclass(slots=True)
class Measuring:
    """One worker. `take` is given records; `mend` finds what was not among them."""

    projector_of: Callable[[Build], Projector]
    store: Store
    log: Log
    clock: Clock
    name: str
    embedded: bool
    tidy_s: float = TIDY_S
    together_min: int = TOGETHER_MIN
    _projector: Projector = field(init=False)
    _mended: dict[Partition, tuple[int, int]] = field(default_factory=dict)
    _pending: list[Record] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _folded: asyncio.Event = field(default_factory=asyncio.Event)
    _folding: asyncio.Lock = field(default_factory=asyncio.Lock)
    _took_at: float = float("-inf")
    _shown_at: float = float("-inf")
    _tidied_at: float = float("-inf")
    _tidying: Tidying = field(default_factory=Tidying)
    _reached: Reached = field(default_factory=Reached)
    # When it got on last, and when its sign of life was last written.
    _turned_at: float = float("-inf")
    _written_at: float = float("-inf")
    # Partitions of which we know that the log still holds what was folded last.
    _trusted: set[Partition] = field(default_factory=set)

    async def start(self) -> None:
        """Wait for the topics; fold the whole history first where this version never ran.

        Raises:
            OlderReleaseError: a newer release is folding them already.

        """
        await self._all_ends()
        stands = await builds.register(self.store, MEASURES)
        if stands.active.version > MEASURES.version:
            raise OlderReleaseError(f"{stands.active.collection} is active")
        await self._prepare(stands.active)
        self._projector = self.projector_of(stands.active)
        if stands.coming is not None and stands.active.version < MEASURES.version:
            await self._replace(stands.coming)

    async def _prepare(self, build: Build) -> None:
        await self.store.ensure_index(Collections(build.collection).parked, ("stream",))
        # The embedded store reads some thousands of entities faster than it keeps an index of them.
        for name in () if self.embedded else ("owners", "product", "company"):
            await self.store.ensure_index(entities_of(build.collection), (name,))

    async def _replace(self, build: Build) -> None:
        """Build beside what reports read, then let them switch: plain reading, without Faust."""
        await self._prepare(build)
        projector = self.projector_of(build)
        await self._catch_up_with(projector)
        async with self._folding:
            await self._catch_up_with(projector)
            stands = await builds.switch(self.store, MEASURES, build)
            if stands.active != build:
                return  # It was begun anew meanwhile: the next look finds what comes instead.
            old, self._projector = self._projector, projector
            self._doubt()
        log.info("measures_switched", old=old.sink.collection, new=build.collection)

    async def _catch_up_with(self, projector: Projector) -> None:
        await self._catch_up_all(projector, await self._all_ends())

    async def follow_builds(self) -> None:
        """Do what an operator asked for: a fresh build; drop what nobody reads any more.

        Raises:
            OlderReleaseError: a newer release has taken over.

        """
        stands = await builds.read(self.store, MEASURES)
        if stands.active.version > MEASURES.version:
            raise OlderReleaseError(f"{stands.active.collection} is active")
        if stands.active.collection != self._projector.sink.collection:
            async with self._folding:  # Another worker has replaced the build that we folded.
                self._projector = self.projector_of(stands.active)
                self._doubt()
        if stands.coming is not None and stands.coming.version == MEASURES.version:
            await self._replace(stands.coming)
        for old in stands.leaving:
            await asyncio.sleep(builds.GRACE_S)
            for name in await self.store.collections():
                if name.startswith(f"{old.collection}."):
                    await self.store.drop(name)
            await builds.drop(self.store, MEASURES, old)

    async def take(self, records: Sequence[Record]) -> None:
        """Take what Faust hands over. It is folded in larger batches than it comes in."""
        self._pending.extend(records)
        self._arrived.set()
        while len(self._pending) >= PENDING_MAX:
            self._folded.clear()
            await self._folded.wait()

    async def keep_folding(self) -> None:
        """Fold what was taken until cancelled; what comes meanwhile is the next batch."""
        while True:
            await self._arrived.wait()
            batch_max = self._projector.batch_max
            batch, self._pending = self._pending[:batch_max], self._pending[batch_max:]
            if not self._pending:
                self._arrived.clear()
            await self._fold_at_last(batch)
            self._folded.set()

    async def _fold_at_last(self, batch: Sequence[Record]) -> None:
        pause = 0.05
        while True:
            try:
                # Let go between two tries: what fails may be a build that was replaced meanwhile.
                async with self._folding:
                    return await self._fold(batch)
            except PASSING as error:
                self._doubt_if_away(error)
                named = correlations_of(batch)
                log.info("batch_taken_again", reason=str(error), correlation_ids=named)
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_S_MAX)

    async def _fold(self, batch: Sequence[Record]) -> None:
        """Fold what was taken, or what the log holds up to there where that is not all of it."""
        by_place = {record.position: record for record in batch}  # Some are delivered twice.
        ordered = [by_place[place] for place in sorted(by_place)]
        taken = {partition: list(held) for partition, held in groupby(ordered, key=_partition)}
        # First: what lies now where the log has forgotten something would pass for folded.
        await self._trust(taken)
        cursors = await self._cursors(self._projector, list(taken))
        whole: list[Record] = []
        for partition, held in taken.items():
            first, stop = held[0].offset, held[-1].offset + 1
            # A small hole before them is read with them; a log's length is read in pieces.
            near = cursors[partition] >= first - self._projector.batch_max
            if near and stop - first == len(held):
                whole += held
            else:
                await self._catch_up(self._projector, partition, stop)
        await self._projector.absorb(whole)
        self._took_at = asyncio.get_running_loop().time()

    async def hurry(
        self, mine: Collection[Partition], deliveries: Deliveries = AS_THEY_COME
    ) -> None:
        """Read what is far behind straight from the log: Faust takes longer to deliver it."""
        behind: dict[Partition, int] = {}
        reached: Mapping[Partition, int] = {}
        try:
            async with self._folding:
                ends = await self._ends_of(mine)
                cursors = await self._cursors(self._projector, list(ends))
                late = self._unread(ends, cursors)
                lag = sum(end - cursors[p] for p, end in late.items())
                if lag <= FAR_BATCHES * self._projector.batch_max:
                    return
                behind = late
                await deliveries.hold(behind)
                await self._trust(behind)
                await self._catch_up_all(self._projector, behind)
                reached = await self._note(behind)
        except PASSING as error:
            self._doubt_if_away(error)
            log.info("not_hurried", reason=str(error))
        finally:
            if behind:
                await deliveries.go_on(behind, reached)

    async def mend(self, mine: Collection[Partition]) -> None:
        """Fold what lies in my partitions and nobody delivered, unless batches are coming in."""
        async with self._folding:
            if self._pending or asyncio.get_running_loop().time() - self._took_at < QUIET_S:
                return
            try:
                ends = await self._ends_of(mine)
                cursors = await self._cursors(self._projector, list(ends))
                self._trusted -= {p for p, end in ends.items() if cursors[p] > end}
                if await self._trust(ends):
                    cursors = await self._cursors(self._projector, list(ends))
                for partition, end in self._unread(ends, cursors).items():
                    await self._catch_up(self._projector, partition, end)
                    await self._note({partition: end})
            except PASSING as error:
                self._doubt_if_away(error)
                log.warning("measures_not_mended", reason=str(error))

    def _unread(
        self, ends: Mapping[Partition, int], cursors: Mapping[Partition, int]
    ) -> dict[Partition, int]:
        """Return where the log ends of partitions that hold more than was folded.

        Markers of transactions are no records: where reading on brought nothing, nothing is there.
        """
        return {
            partition: end
            for partition, end in ends.items()
            if cursors[partition] < end and self._mended.get(partition) != (cursors[partition], end)
        }

    async def _note(self, ends: Mapping[Partition, int]) -> Mapping[Partition, int]:
        """Remember, and return, how far reading up to these ends has brought us."""
        reached = await self._cursors(self._projector, list(ends))
        self._mended |= {partition: (reached[partition], end) for partition, end in ends.items()}
        return reached

    async def keep_mending(self, mine: Mine, deliveries: Deliveries = AS_THEY_COME) -> None:
        """Mend every second, and show a sign of life, until cancelled."""
        looked_at = float("-inf")
        while True:
            self._turned_at = asyncio.get_running_loop().time()
            held = mine()
            await self.hurry(held, deliveries)
            # What was assigned meanwhile is hurried first; what was taken from us is not ours.
            await self.mend(set(held).intersection(mine()))
            now = asyncio.get_running_loop().time()
            try:
                await self._live()
                if now - looked_at >= SIGN_OF_LIFE_S:
                    looked_at = now
                    await self.follow_builds()
                if now - self._tidied_at >= self.tidy_s:
                    self._tidied_at = now
                    await self._tidy(mine())
            except PASSING as error:
                log.warning("builds_not_followed", reason=str(error))
            await asyncio.sleep(QUIET_S)

    async def _tidy(self, mine: Collection[Partition]) -> None:
        collection = self._projector.sink.collection
        if self._tidying.collection != collection:
            self._tidying = Tidying(collection, self.together_min)
        await self._tidying.tidy(self.store, {cursor_id(partition) for partition in mine})

    async def keep_gauging(self, mine: Mine) -> None:
        """Say how far behind it is, also while it reads a long history, until cancelled."""
        while True:
            try:
                await self.gauge(mine())
            except PASSING as error:
                log.info("lag_not_measured", reason=str(error))
            await asyncio.sleep(SIGN_OF_LIFE_S)

    async def gauge(self, mine: Collection[Partition]) -> None:
        """Say how far this worker is behind in what is its own."""
        now = asyncio.get_running_loop().time()
        ends = await self._ends_of(mine)
        cursors = await self._cursors(self._projector, list(ends))
        self._reached.note(now, ends)
        for each in OF_WORKERS:
            each.clear()  # Of a build that was replaced nothing is said any more.
        name = self._projector.sink.collection
        WORKER_PENDING.labels(name).set(len(self._pending))
        WORKER_PARTITIONS.labels(name).set(len(ends))
        behind = sum(max(0, end - cursors[at]) for at, end in ends.items())
        WORKER_LAG_RECORDS.labels(name).set(behind)
        WORKER_LAG_SECONDS.labels(name).set(self._reached.behind_s(now, cursors))

    async def _live(self) -> None:
        """Show a sign of life now and then; reading a long history shows one for each batch."""
        now = self._turned_at = asyncio.get_running_loop().time()
        if now - self._shown_at >= SIGN_OF_LIFE_S:
            self._shown_at = now
            await self._show("")
            self._written_at = now

    async def stuck(self) -> dict[str, str]:
        """Say that nothing has gone on for long although it was to: only a new start helps then."""
        still_s = asyncio.get_running_loop().time() - self._turned_at
        if self._turned_at == float("-inf") or still_s < STUCK_S:
            return {}
        return {"measures": f"nothing has gone on for {still_s:.0f} s"}

    async def missing(self) -> dict[str, str]:
        """Say why what we show must not be relied on: nobody has heard of us for a while."""
        if asyncio.get_running_loop().time() - self._written_at < SILENT_S_MAX:
            return {}
        return {"measures": "no sign of life has reached the store lately"}

    async def leave(self, failure: Exception | None) -> None:
        """Say why we end, if it is not on purpose: Faust cannot, it acknowledges in any case."""
        if failure is not None:
            await self._show(str(failure))
        else:
            await self.store.delete_many(WORKERS, [self.name])

    async def _show(self, failure: str) -> None:
        sign = {"_id": self.name, "at": timestamp(self.clock.now()), "failure": failure}
        await self.store.put_many(WORKERS, [sign])

    async def _catch_up_all(self, projector: Projector, ends: Mapping[Partition, int]) -> None:
        """Read some partitions beside each other: no two of them write the same document."""
        left = iter(ends.items())

        async def one_after_the_other() -> None:
            for partition, end in left:
                await self._catch_up_beside(projector, partition, end)

        await together(*(one_after_the_other() for _ in range(AT_ONCE)))

    async def _catch_up_beside(self, projector: Projector, partition: Partition, end: int) -> None:
        """Catch up; what the store did not take is tried again: two may begin a collection."""
        for _ in range(AGAIN_MAX):
            try:
                return await self._catch_up(projector, partition, end)
            except TransientStoreError as error:
                log.info("batch_taken_again", reason=str(error))
            await asyncio.sleep(QUIET_S / 20)
        return await self._catch_up(projector, partition, end)

    async def _catch_up(self, projector: Projector, partition: Partition, stop: int) -> None:
        start = (await self._cursors(projector, [partition]))[partition]
        if start >= stop:
            return
        log.info("measures_catch_up", partition=cursor_id(partition), start=start, stop=stop)
        async with aclosing(ahead(self.log.read(partition, start, stop))) as batches:
            async for records in batches:
                await projector.absorb(records)
                await self._live()

    async def _trust(self, partitions: Collection[Partition]) -> bool:
        """Make sure that the log still holds what we folded last; say if that was in doubt.

        Raises:
            LogMismatchError: it does not, and is not the kind that forgets.

        """
        doubted = sorted(set(partitions) - self._trusted)
        await self._projector.positions(doubted)
        for partition in doubted:
            self._mended.pop(partition, None)
        self._trusted.update(doubted)
        return bool(doubted)

    def _doubt_if_away(self, error: Exception) -> None:
        if isinstance(error, LogUnavailableError):
            self._doubt()  # It may come back without its newest records.

    def _doubt(self) -> None:
        self._trusted.clear()
        self._mended.clear()

    async def _cursors(
        self, projector: Projector, partitions: Sequence[Partition]
    ) -> Mapping[Partition, int]:
        keys = {partition: cursor_id(partition) for partition in partitions}
        held = await self.store.get_many(projector.names.cursors, list(keys.values()))
        return {p: held[key]["offset"] if key in held else 0 for p, key in keys.items()}

    async def _ends(self) -> dict[Partition, int]:
        return {
            partition: end
            for topic in TOPICS
            for partition, end in (await self.log.ends(topic)).items()
        }

    async def _ends_of(self, mine: Collection[Partition]) -> dict[Partition, int]:
        return {place: end for place, end in (await self._ends()).items() if place in mine}

    async def _all_ends(self) -> dict[Partition, int]:
        while True:
            try:
                return await self._ends()
            except LogUnavailableError as error:
                log.info("waiting_for_the_log", reason=str(error))
                await asyncio.sleep(QUIET_S)


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Do all of it beside each other; what fails first ends the others and is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ahead(batches: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Yield what the other one yields, and let it fetch the next while this one is worked on."""

    async def following() -> T | None:
        return await anext(batches, None)

    async with aclosing(batches):
        coming = asyncio.ensure_future(following())
        try:
            while (batch := await coming) is not None:
                coming = asyncio.ensure_future(following())
                yield batch
        finally:
            coming.cancel()
            await asyncio.wait({coming})


def _partition(record: Record) -> Partition:
    return Partition(record.topic, record.partition)


async def silence(reads: Reads, now: datetime) -> str | None:
    """Return why no worker keeps the measures folded, None while one does."""
    signs = await reads.find(WORKERS, {}, sort=(("at", -1),))
    if not signs:
        return "no worker has started"
    newest = signs[0]
    if newest["failure"]:
        return str(newest["failure"])
    if (now - datetime.fromisoformat(newest["at"])).total_seconds() > SILENT_S_MAX:
        return f"no sign of life since {newest['at']}"
    return None
