"""From the outbox to the log: per stream in version order, n+1 only after n is acknowledged."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from shared.clock import Clock
from shared.events import CONTENT_TYPE, Position, timestamp
from shared.journal import Entry, Journal, Outgoing
from shared.log import Log, LogUnavailableError, RecordTooLargeError
from shared.store import StoreError

HEADERS = (("content-type", CONTENT_TYPE.encode()),)
BATCH = 64

log = structlog.get_logger()


@dataclass(slots=True)
class Publisher:
    """Publishes what this process committed at once, and what any process left behind later.

    Sending a fact twice is harmless (`heads` drop it); sending a later fact of a stream before an
    earlier one is acknowledged is not.
    """

    journal: Journal
    log: Log
    clock: Clock
    ack_timeout_s: float = 10.0
    relay_every_s: float = 1.0
    relay_after_s: float = 2.0
    remembered: int = 50_000
    _announced: list[Outgoing] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    # One unfinished send per fact: a broker that is away for an hour must not find queued copies.
    _sending: dict[str, asyncio.Task[Position]] = field(default_factory=dict)
    _acked: OrderedDict[str, int] = field(default_factory=OrderedDict)
    # Outbox entries that this process has seen wholly acknowledged.
    _done: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def announce(self, outgoing: Outgoing) -> None:
        """These facts are in the journal: send them soon."""
        self._announced.append(outgoing)
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled. Whatever fails stays in the outbox and is tried again."""
        while True:
            await self._wait_for_work()
            batch, self._announced = self._announced[:BATCH], self._announced[BATCH:]
            try:
                await self.publish(batch or await self._left_behind())
            except StoreError as error:
                log.warning("publishing_postponed", reason=str(error))
                await asyncio.sleep(self.relay_every_s)

    async def drain(self, wait_s: float) -> None:
        """Before a shutdown: give what was announced a last chance; the rest stays pending."""
        batch, self._announced = self._announced, []
        try:
            async with asyncio.timeout(wait_s):
                await self.publish(batch)
        except (TimeoutError, StoreError) as error:
            log.warning("left_in_the_outbox", entries=len(batch), reason=str(error))

    async def publish(self, batch: Sequence[Outgoing]) -> None:
        """Send all facts of these outbox entries; take those out that are wholly acknowledged."""
        # A slow commit is seen by the relay before it is announced here: once is enough.
        fresh = [outgoing for outgoing in batch if outgoing.id not in self._done]
        if not fresh:
            return
        work = await self._with_earlier(fresh)
        streams: dict[str, dict[int, Entry]] = defaultdict(dict)
        for outgoing in work.values():
            for entry in outgoing.entries:
                streams[entry.stream][entry.version] = entry
        queues = [[facts[version] for version in sorted(facts)] for facts in streams.values()]
        acked = await self._in_waves(queues)
        done = [o.id for o in work.values() if all(entry.id in acked for entry in o.entries)]
        if done:
            await self.journal.published(done)
            self._finished(done)

    async def _in_waves(self, queues: Sequence[Sequence[Entry]]) -> set[str]:
        """Send the first fact of every stream, then the second...; a stream stops at a failure."""
        acked: set[str] = set()
        place = 0
        while queues:
            heads = [queue[place] for queue in queues]
            results = await asyncio.gather(*map(self._send, heads))
            acked |= {entry.id for entry, sent in zip(heads, results, strict=True) if sent}
            self._remember(entry for entry, sent in zip(heads, results, strict=True) if sent)
            place += 1
            queues = [
                queue
                for queue, sent in zip(queues, results, strict=True)
                if sent and len(queue) > place
            ]
        return acked

    async def _send(self, entry: Entry) -> bool:
        task = self._sending.get(entry.id)
        if task is None:
            task = asyncio.ensure_future(
                self.log.append(entry.topic, entry.stream, entry.value, HEADERS)
            )
            self._sending[entry.id] = task
        # Waiting ends, the send does not: it may land late, and late is harmless.
        await asyncio.wait({task}, timeout=self.ack_timeout_s)
        if not task.done():
            return False
        self._sending.pop(entry.id, None)
        try:
            task.result()
        except (LogUnavailableError, RecordTooLargeError) as error:
            # Too large cannot happen, it was checked before it was journaled; if it does, the
            # stream waits in the outbox, which /metrics shows, instead of losing its order.
            log.warning("fact_not_acknowledged", stream=entry.stream, reason=str(error))
            return False
        return True

    async def _with_earlier(self, batch: Sequence[Outgoing]) -> dict[str, Outgoing]:
        """Add what others left unpublished, until no stream has a hole that we cannot explain."""
        work = {outgoing.id: outgoing for outgoing in batch}
        while doubtful := self._doubtful(work.values()):
            pending = await self.journal.pending_of(doubtful)
            found = {outgoing.id: outgoing for outgoing in pending if outgoing.id not in work}
            if not found:
                break  # Whatever is missing has left the outbox: the log has it.
            work |= found
        return work

    def _doubtful(self, work: Iterable[Outgoing]) -> list[str]:
        """Return the streams on which a fact follows one that we neither hold nor have sent."""
        places = {(entry.stream, entry.version) for outgoing in work for entry in outgoing.entries}
        return sorted(
            {
                stream
                for stream, version in places
                if version > 1
                and (stream, version - 1) not in places
                and self._acked.get(stream, 0) < version - 1
            }
        )

    async def _left_behind(self) -> list[Outgoing]:
        before = self.clock.now() - timedelta(seconds=self.relay_after_s)
        return await self.journal.pending(BATCH, before=timestamp(before))

    async def _wait_for_work(self) -> None:
        if self._announced:
            return
        self._wake.clear()
        try:
            async with asyncio.timeout(self.relay_every_s):
                await self._wake.wait()
        except TimeoutError:
            return  # Time to look for what another process left behind.

    def _finished(self, ids: Iterable[str]) -> None:
        self._done |= dict.fromkeys(ids)
        while len(self._done) > self.remembered:
            self._done.popitem(last=False)

    def _remember(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._acked[entry.stream] = entry.version
            self._acked.move_to_end(entry.stream)
        while len(self._acked) > self.remembered:
            self._acked.popitem(last=False)
