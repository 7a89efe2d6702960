"""The log as deliveries read it: asked once for all webhooks, however many are at its end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from shared.log import Log, LogUnavailableError, Partition, Record

POLL_S = 0.2
# What is read ahead, and kept for the other webhooks: of each partition so much at most.
CHUNK_RECORDS = 500
CHUNK_BYTES = 1_000_000
AWAY_S = 1.0

log = structlog.get_logger()


@dataclass(slots=True)
class Chunk:
    """Records that follow each other, from `start` up to `stop` exclusive."""

    start: int
    stop: int
    records: Sequence[Record]

    def after(self, offset: int) -> Chunk:
        return Chunk(offset, self.stop, [one for one in self.records if one.offset >= offset])


@dataclass(slots=True)
class Source:
    """Ends and records of the partitions that somebody delivers from."""

    log: Log
    _ends: dict[Partition, int] = field(default_factory=dict)
    _wanted: Counter[str] = field(default_factory=Counter)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _chunks: dict[Partition, Chunk] = field(default_factory=dict)
    _locks: dict[Partition, asyncio.Lock] = field(default_factory=dict)

    def want(self, topic: str) -> None:
        self._wanted[topic] += 1

    def unwant(self, topic: str) -> None:
        self._wanted[topic] -= 1
        if not self._wanted[topic]:
            del self._wanted[topic]
            for partition in [one for one in self._chunks if one.topic == topic]:
                del self._chunks[partition]

    async def run(self) -> None:
        """Keep the ends current, until cancelled."""
        while True:
            try:
                for found in await asyncio.gather(*map(self.log.ends, list(self._wanted))):
                    self._told(found)
            except LogUnavailableError as error:
                log.info("webhooks_wait_for_the_log", reason=str(error))
                await asyncio.sleep(AWAY_S)
            await asyncio.sleep(POLL_S)

    def _told(self, found: dict[Partition, int]) -> None:
        if all(self._ends.get(partition) == end for partition, end in found.items()):
            return
        self._ends |= found
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def beyond(self, partition: Partition, offset: int) -> int:
        """Return where the partition ends, as soon as that is not at `offset`.

        It may be before it: then this log is not the one that was delivered from.
        """
        while (end := self._ends.get(partition, offset)) == offset:
            await self._changed.wait()
        if end < offset:  # Known since before somebody else told us of more, perhaps.
            self._told(await self.log.ends(partition.topic))
        return self._ends[partition]

    def forget(self, partition: Partition) -> None:
        """Read again what was read of a log that is another one now."""
        self._chunks.pop(partition, None)

    async def read(self, partition: Partition, start: int, stop: int) -> Chunk:
        """Return the next records from `start` on, where `stop` is after it."""
        held = self._chunks.get(partition)
        if held is not None and start < held.start:
            # Who is far behind delays nobody, and takes from nobody what they are about to read.
            return await self._read(partition, start, stop)
        async with self._locks.setdefault(partition, asyncio.Lock()):
            held = self._chunks.get(partition)
            if held is not None and held.start <= start < held.stop:
                return held.after(start)
            read = await self._read(partition, start, stop)
            if held is None or start >= held.stop:
                self._chunks[partition] = read
            return read

    async def _read(self, partition: Partition, start: int, stop: int) -> Chunk:
        records: list[Record] = []
        size = 0
        async with aclosing(self.log.read(partition, start, stop)) as batches:
            async for batch in batches:
                for record in batch:
                    records.append(record)
                    size += len(record.value or b"")
                    if len(records) == CHUNK_RECORDS or size >= CHUNK_BYTES:
                        return Chunk(start, record.offset + 1, records)
        return Chunk(start, stop, records)
