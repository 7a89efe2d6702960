"""The end of one topic, read once for all who listen to it in this process.

Rule: nobody waits for a listener. One that does not keep up is cut off and comes back by its place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import structlog

from shared.log import Log, LogUnavailableError, Record

POLL_S = 0.25
# What may wait for one listener: what a quick one never has, and a thousand slow ones may have.
WAITING_BYTES_MAX = 4_000_000
# Of a record besides its value, with its key and headers.
OVERHEAD_BYTES = 500

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Listener:
    """What one listener has not taken yet; `since` says from which offsets on it hears."""

    since: dict[int, int]
    # Why it hears nothing more after what still waits.
    ended: str | None = None
    _waiting: deque[Record] = field(default_factory=deque)
    _bytes: int = 0
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, record: Record) -> bool:
        """Whether there was room for it."""
        size = len(record.value or b"") + OVERHEAD_BYTES
        if self._bytes + size > WAITING_BYTES_MAX:
            self.end("too slow: more has changed than is kept for a client")
            return False
        self._bytes += size
        self._waiting.append(record)
        self._bell.set()
        return True

    def end(self, reason: str) -> None:
        self.ended = reason
        self._bell.set()

    async def take(self, until: float) -> list[Record]:
        """Return what waits; nothing, when nothing came until then or ever will."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._bell.wait()
        taken = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        if self.ended is None:
            self._bell.clear()
        return taken


@dataclass(slots=True)
class Tail:
    """One reader of a topic, for as long as somebody listens."""

    log: Log
    topic: str
    _next: dict[int, int] = field(default_factory=dict)
    _listeners: set[Listener] = field(default_factory=set)
    _reading: asyncio.Task[None] | None = None
    _joining: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def join(self) -> Listener:
        """Listen to every record from here on."""
        async with self._joining:
            if self._reading is None:
                ends = await self.log.ends(self.topic)
                self._next = {partition.number: end for partition, end in ends.items()}
                self._reading = asyncio.create_task(self._read(), name=f"tail {self.topic}")
            listener = Listener(dict(self._next))
            self._listeners.add(listener)
            return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        if not self._listeners and self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _read(self) -> None:
        try:
            while await self._read_on():  # noqa: ASYNC110 - the log tells nobody what has come.
                await asyncio.sleep(POLL_S)
        except LogUnavailableError as error:
            self._end(str(error))
        except Exception:
            log.exception("tail_failed", topic=self.topic)
            self._end("our fault; it has been logged")
        else:
            self._end("the log has become shorter")

    async def _read_on(self) -> bool:
        """Hand out what has come; False where the log no longer reaches as far as it did."""
        for partition, end in (await self.log.ends(self.topic)).items():
            start = self._next[partition.number]
            if end < start:
                return False
            async with aclosing(self.log.read(partition, start, end)) as batches:
                async for records in batches:
                    for record in records:
                        self._hand_out(record)
            self._next[partition.number] = end
        return True

    def _hand_out(self, record: Record) -> None:
        self._next[record.partition] = record.offset + 1
        self._listeners -= {one for one in self._listeners if not one.offer(record)}

    def _end(self, reason: str) -> None:
        """Let go of everybody: they come back, and whoever comes first begins anew."""
        if self._reading is asyncio.current_task():
            self._reading = None
            for listener in self._listeners:
                listener.end(reason)
            self._listeners.clear()
