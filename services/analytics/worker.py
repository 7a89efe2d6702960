"""Keeps the measures folded, whoever delivers the facts and whatever they leave out.

Every batch covers exactly what lies between the cursor and its end: what was folded before is
dropped, a hole is read from the log first, and so is what nobody delivers, every quiet second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

import structlog

from services.analytics.measures import TOPICS
from services.analytics.sink import MEASURES, entities_of
from shared import builds
from shared.clock import Clock
from shared.errors import SellersError
from shared.events import timestamp
from shared.log import Log, LogUnavailableError, Partition, Record
from shared.projector import Collections, CursorMovedError, Projector, cursor_id
from shared.published import Build
from shared.store import DuplicateKeyError, Reads, Store, TransientStoreError

WORKERS = "measures.workers"
QUIET_S = 1.0
SIGN_OF_LIFE_S = 5.0
SILENT_S_MAX = 20.0
RETRY_S_MAX = 5.0
PASSING = (TransientStoreError, DuplicateKeyError, CursorMovedError, LogUnavailableError)

# Says which partitions are this worker's at the moment.
Mine = Callable[[], Collection[Partition]]

log = structlog.get_logger()


class OlderReleaseError(SellersError):
    """A newer release has taken the measures over; this one must not fold them."""


@dataclass(slots=True)
class Measuring:
    """One worker. `take` is given batches; `mend` finds what was not in them."""

    projector_of: Callable[[Build], Projector]
    store: Store
    log: Log
    clock: Clock
    name: str
    failed: asyncio.Future[None] = field(default_factory=asyncio.Future)
    _projector: Projector = field(init=False)
    _reached: dict[Partition, int] = field(default_factory=dict)
    _mended: dict[Partition, int] = field(default_factory=dict)
    _folding: asyncio.Lock = field(default_factory=asyncio.Lock)
    _took_at: float = float("-inf")
    _doubts_log: bool = True

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
        for field_name in ("owners", "product", "company"):
            await self.store.ensure_index(entities_of(build.collection), (field_name,))

    async def _replace(self, build: Build) -> None:
        """Build beside what reports read, then let them switch: plain reading, without Faust."""
        await self._prepare(build)
        projector = self.projector_of(build)
        await self._catch_up_with(projector)
        async with self._folding:
            await self._catch_up_with(projector)
            old, self._projector = self._projector, projector
            self._forget()
            await builds.switch(self.store, MEASURES, build)
        log.info("measures_switched", old=old.sink.collection, new=build.collection)

    async def _catch_up_with(self, projector: Projector) -> None:
        for partition, end in (await self._all_ends()).items():
            await self._catch_up(projector, partition, end)

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
                self._forget()
        if stands.coming is not None and stands.coming.version == MEASURES.version:
            await self._replace(stands.coming)
        for old in stands.leaving:
            await asyncio.sleep(builds.GRACE_S)
            for name in await self.store.collections():
                if name.startswith(f"{old.collection}."):
                    await self.store.drop(name)
            await builds.drop(self.store, MEASURES, old)

    async def take(self, records: Sequence[Record]) -> None:
        """Fold a batch as Faust hands it over: in order by partition, from anywhere."""
        async with self._folding, self._telling():
            ordered = sorted(records, key=_place)
            for partition, held in groupby(ordered, key=_partition):
                first = next(held).offset
                if self._reached.get(partition) != first:
                    await self._catch_up(self._projector, partition, first)
            await self._absorb(self._projector, ordered)
            self._reached |= {_partition(record): record.offset + 1 for record in ordered}
            self._took_at = asyncio.get_running_loop().time()

    async def mend(self, mine: Collection[Partition]) -> None:
        """Fold what lies in my partitions and nobody delivered, unless batches are coming in."""
        if asyncio.get_running_loop().time() - self._took_at < QUIET_S:
            return
        async with self._folding, self._telling():
            try:
                ends = {p: end for p, end in (await self._ends()).items() if p in mine}
                cursors = await self._cursors(self._projector, list(ends))
                if self._doubts_log or any(cursors[p] > end for p, end in ends.items()):
                    await self._trust(ends)
                    cursors = await self._cursors(self._projector, list(ends))
                for partition, end in ends.items():
                    # Transaction markers are no records: an end seen once need not be reached.
                    if cursors[partition] < end and self._mended.get(partition) != end:
                        await self._catch_up(self._projector, partition, end)
                        self._mended[partition] = end
            except PASSING as error:
                # A log that was away may have come back without its newest records.
                self._doubts_log = True
                log.warning("measures_not_mended", reason=str(error))

    async def keep_mending(self, mine: Mine) -> None:
        """Mend every second, and show a sign of life, until cancelled."""
        shown_at = float("-inf")
        while True:
            await self.mend(mine())
            now = asyncio.get_running_loop().time()
            if now - shown_at >= SIGN_OF_LIFE_S:
                shown_at = now
                try:
                    await self._show("")
                    await self.follow_builds()
                except PASSING as error:
                    log.warning("builds_not_followed", reason=str(error))
            await asyncio.sleep(QUIET_S)

    async def stop(self) -> None:
        """Say why we end, if it is not on purpose."""
        if self.failed.done() and (error := self.failed.exception()):
            await self._show(str(error))
        else:
            await self.store.delete_many(WORKERS, [self.name])

    async def _show(self, failure: str) -> None:
        sign = {"_id": self.name, "at": timestamp(self.clock.now()), "failure": failure}
        await self.store.put_many(WORKERS, [sign])

    @asynccontextmanager
    async def _telling(self) -> AsyncIterator[None]:
        """Faust acknowledges what it delivered in any case, so a failure has to end us."""
        try:
            yield
        except Exception as error:
            log.exception("measures_failed")
            if not self.failed.done():
                self.failed.set_exception(error)
            raise

    async def _absorb(self, projector: Projector, records: Sequence[Record]) -> None:
        pause = 0.05
        while True:
            try:
                await projector.absorb(records)
            except PASSING as error:
                log.info(
                    "batch_taken_again", projection=projector.sink.collection, reason=str(error)
                )
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_S_MAX)
            else:
                return

    async def _catch_up(self, projector: Projector, partition: Partition, stop: int) -> None:
        start = (await self._cursors(projector, [partition]))[partition]
        if start >= stop:
            return
        log.info("measures_catch_up", partition=cursor_id(partition), start=start, stop=stop)
        async for records in self.log.read(partition, start, stop):
            await self._absorb(projector, records)

    async def _trust(self, partitions: Collection[Partition]) -> None:
        """Make sure that the log still holds what we folded last.

        Raises:
            LogMismatchError: it does not, and is not the kind that forgets.

        """
        await self._projector.positions(sorted(partitions))
        self._forget()
        self._doubts_log = False

    def _forget(self) -> None:
        self._reached.clear()
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

    async def _all_ends(self) -> dict[Partition, int]:
        while True:
            try:
                return await self._ends()
            except LogUnavailableError as error:
                log.info("waiting_for_the_log", reason=str(error))
                await asyncio.sleep(QUIET_S)


def _partition(record: Record) -> Partition:
    return Partition(record.topic, record.partition)


def _place(record: Record) -> tuple[str, int, int]:
    return record.position


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
