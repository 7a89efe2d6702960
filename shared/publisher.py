"""From the outbox to the log: per stream in version order, n+1 only after n is acknowledged.

One task a partition: what is not acknowledged in one delays no other. What does not fit into memory
waits in the outbox.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from shared.clock import Clock
from shared.correlation import correlation_of
from shared.events import CONTENT_TYPE, Position, timestamp
from shared.journal import Entry, Journal, Outgoing
from shared.log import Log, LogUnavailableError, Partition, RecordTooLargeError, partition_of
from shared.store import StoreError

HEADERS = (("content-type", CONTENT_TYPE.encode()),)
# So much of the outbox is read at once, and so many times before the next second.
BATCH = 64
PAGES = 8

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]

log = structlog.get_logger()


@dataclass(slots=True)
class Lane:
    """What is on its way to one partition."""

    # By id: what comes next, what is being sent, and what was waited for in vain and may still
    # land.
    waiting: dict[str, Entry] = field(default_factory=dict)
    taken: dict[str, Entry] = field(default_factory=dict)
    overdue: dict[str, Entry] = field(default_factory=dict)
    working: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        return self.working is not None and not self.working.done()

    @property
    def load(self) -> int:
        return len(self.waiting) + len(self.taken) + len(self.overdue)


@dataclass(slots=True)
class Publisher:
    """Publishes what this process committed at once, and what any process left behind later.

    Sending a fact twice is harmless (`heads` drop it); sending a later fact of a stream before an
    earlier one is acknowledged is not.
    """

    journal: Journal
    log: Log
    clock: Clock
    # Shorter than a log's own limit: so it is always we who go on, and know what may still land.
    ack_timeout_s: float = 5.0
    relay_every_s: float = 1.0
    relay_after_s: float = 2.0
    remembered: int = 50_000
    # Facts held in memory, announced and for each partition, besides what is unpublished before
    # them in their own streams; beyond them the relay comes for them.
    held_max: int = 2_000
    _announced: list[Outgoing] = field(default_factory=list)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _lanes: dict[Partition, Lane] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    # One unfinished send per fact: a broker that is away for an hour must not find queued copies.
    _sending: dict[str, asyncio.Task[Position]] = field(default_factory=dict)
    _acked: OrderedDict[str, int] = field(default_factory=OrderedDict)
    # Of each outbox entry the facts that no acknowledgement has come for yet, and its fact's entry.
    _open: OrderedDict[str, dict[str, None]] = field(default_factory=OrderedDict)
    _owner: dict[str, str] = field(default_factory=dict)
    # Outbox entries that this process has seen wholly acknowledged.
    _done: OrderedDict[str, None] = field(default_factory=OrderedDict)
    # Where the relay goes on: past what is stuck.
    _relayed: str = ""

    def announce(self, outgoing: Outgoing) -> None:
        """These facts are in the journal: send them soon."""
        if sum(len(each.entries) for each in self._announced) < self.held_max:
            self._announced.append(outgoing)
            self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled. Whatever fails stays in the outbox and is tried again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_relaying(group.create_task))
            self._go_on(group.create_task)
            while True:
                await self._wake.wait()
                self._wake.clear()
                batch, self._announced = self._announced, []
                try:
                    await self._hand_over(batch, group.create_task, self.held_max)
                except (StoreError, LogUnavailableError) as error:
                    log.warning("publishing_postponed", reason=str(error))

    async def drain(self, wait_s: float) -> None:
        """Before a shutdown: give what was announced a last chance; the rest stays pending."""
        batch, self._announced = self._announced, []
        try:
            async with asyncio.timeout(wait_s):
                await self.publish(batch)
        except (TimeoutError, StoreError, LogUnavailableError) as error:
            log.warning("left_in_the_outbox", entries=len(batch), reason=str(error))

    async def publish(self, batch: Sequence[Outgoing]) -> None:
        """Send these, and what waits; return when all of it is acknowledged or given up for now."""
        self._go_on(asyncio.ensure_future)
        await self._hand_over(batch, asyncio.ensure_future)
        await asyncio.gather(
            *(lane.working for lane in self._lanes.values() if lane.working and lane.busy)
        )

    async def publish_again(self, entries: Collection[Entry]) -> None:
        """Send what left the outbox long ago; a stream stops at its first failure, and it is said.

        What is missing before a fact is known to whoever asks for this, not to the outbox.
        """
        for entry in entries:
            await self._lane(entry)
        await self._in_waves(_in_order(entries))

    def _go_on(self, spawn: Spawn) -> None:
        """Take up what was being sent when somebody ended it."""
        for lane in self._lanes.values():
            if not lane.busy:
                lane.waiting, lane.taken = lane.taken | lane.waiting, {}
                self._start(lane, spawn)

    async def _hand_over(
        self, batch: Sequence[Outgoing], spawn: Spawn, held_max: float = float("inf")
    ) -> None:
        """Put what is not acknowledged yet into its partition's lane, where there is room."""
        finished = []
        for outgoing in batch:
            # A slow commit is seen by the relay before it is announced here: once is enough.
            if outgoing.id in self._done:
                continue
            unacked = self._opened(outgoing)
            for entry in outgoing.entries:
                lane = await self._lane(entry)
                if entry.id in unacked and entry.id not in self._owner and lane.load < held_max:
                    self._owner[entry.id] = outgoing.id
                    lane.waiting[entry.id] = entry
                    self._start(lane, spawn)
            if not unacked:
                finished.append(outgoing.id)
        await self._finish(finished)

    def _opened(self, outgoing: Outgoing) -> dict[str, None]:
        unacked = self._open.setdefault(
            outgoing.id, dict.fromkeys(entry.id for entry in outgoing.entries)
        )
        self._open.move_to_end(outgoing.id)
        while len(self._open) > self.remembered:
            self._open.popitem(last=False)
        return unacked

    async def _lane(self, entry: Entry) -> Lane:
        if entry.topic not in self._counts:
            self._counts[entry.topic] = await self.log.partitions(entry.topic)
        return self._lanes.setdefault(self._partition(entry), Lane())

    def _partition(self, entry: Entry) -> Partition:
        return Partition(entry.topic, partition_of(entry.stream, self._counts[entry.topic]))

    def _start(self, lane: Lane, spawn: Spawn) -> None:
        if lane.waiting and not lane.busy:
            lane.working = spawn(self._work(lane))

    async def _work(self, lane: Lane) -> None:
        """Send what waits for one partition, and what comes meanwhile after it."""
        while lane.waiting:
            lane.taken, lane.waiting = lane.waiting, {}
            try:
                await self._send_all(lane)
            except StoreError as error:
                log.warning("publishing_postponed", reason=str(error))
            # Whatever was not sent is in the outbox: the relay brings it back.
            for left in lane.taken.keys() - lane.overdue.keys():
                self._owner.pop(left, None)
            lane.taken = {}

    async def _send_all(self, lane: Lane) -> None:
        work = await self._with_earlier(lane)
        acked = await self._in_waves(_in_order(work))
        await self._finish([o for e in work if e.id in acked and (o := self._close(e))])

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
        lane, task = self._lanes[self._partition(entry)], self._sending.get(entry.id)
        if task is None:
            task = asyncio.ensure_future(
                self.log.append(entry.topic, entry.stream, entry.value, HEADERS)
            )
            self._sending[entry.id] = task
        elif entry.id in lane.overdue:
            return False  # It was waited for once; nobody has to wait behind it again.
        # Waiting ends, the send does not: it may land late, and late is harmless.
        await asyncio.wait({task}, timeout=self.ack_timeout_s)
        if not task.done():
            lane.overdue[entry.id] = entry
            task.add_done_callback(lambda _: self._landed(lane, entry))
            return False
        return self._sent(entry)

    def _landed(self, lane: Lane, entry: Entry) -> None:
        """What was waited for in vain has ended after all."""
        lane.overdue.pop(entry.id, None)
        if entry.id in self._sending and self._sent(entry):
            self._remember((entry,))
            self._close(entry)  # Its outbox entry goes when the relay comes by.
        self._owner.pop(entry.id, None)

    def _sent(self, entry: Entry) -> bool:
        task = self._sending.pop(entry.id)
        try:
            task.result()
        except (LogUnavailableError, RecordTooLargeError) as error:
            # Too large cannot happen, it was checked before it was journaled; if it does, the
            # stream waits in the outbox, which /metrics shows, instead of losing its order.
            log.warning(
                "fact_not_acknowledged",
                stream=entry.stream,
                reason=str(error),
                **correlation_of(entry.value),
            )
            return False
        return True

    def _close(self, entry: Entry) -> str | None:
        """Note an acknowledgement; return the outbox entry that was the last one missing of."""
        outgoing = self._owner.pop(entry.id, None) or ""
        unacked = self._open.get(outgoing)
        if unacked is None:
            return None  # Forgotten, not acknowledged: the relay reads again what belongs to it.
        unacked.pop(entry.id, None)
        return None if unacked else outgoing

    async def _finish(self, outgoing: Collection[str]) -> None:
        if outgoing:
            await self.journal.published(outgoing)
            self._finished(outgoing)

    async def _with_earlier(self, lane: Lane) -> list[Entry]:
        """Add what others left unpublished, until no stream has a hole that we cannot explain."""
        work = dict(lane.taken)
        while doubtful := self._doubtful(work.values()):
            before = len(work)
            for outgoing in await self.journal.pending_of(doubtful):
                unacked = self._opened(outgoing)
                for entry in outgoing.entries:
                    if entry.id in unacked and await self._lane(entry) is lane:
                        self._owner.setdefault(entry.id, outgoing.id)
                        work.setdefault(entry.id, entry)
            if len(work) == before:
                break  # Whatever is missing has left the outbox: the log has it.
        lane.taken = work
        return list(work.values())

    def _doubtful(self, work: Iterable[Entry]) -> list[str]:
        """Return the streams on which a fact follows one that we neither hold nor have sent."""
        places = {(entry.stream, entry.version) for entry in work}
        return sorted(
            {
                stream
                for stream, version in places
                if version > 1
                and (stream, version - 1) not in places
                and self._acked.get(stream, 0) < version - 1
            }
        )

    async def _keep_relaying(self, spawn: Spawn) -> None:
        """Look, on a clock of its own, for what anybody left behind, until cancelled."""
        while True:
            await asyncio.sleep(self.relay_every_s)
            try:
                for _ in range(PAGES):
                    await self._hand_over(await self._left_behind(), spawn, self.held_max)
                    if not self._relayed or self._full:
                        break  # The end of the outbox, or of what we may hold.
            except (StoreError, LogUnavailableError) as error:
                log.warning("relaying_postponed", reason=str(error))

    @property
    def held(self) -> int:
        """How many facts are in memory on their way to the log."""
        announced = sum(len(outgoing.entries) for outgoing in self._announced)
        return announced + sum(lane.load for lane in self._lanes.values())

    @property
    def _full(self) -> bool:
        lanes = self._lanes.values()
        return bool(lanes) and all(lane.load >= self.held_max for lane in lanes)

    async def _left_behind(self) -> list[Outgoing]:
        """Return the next page of the outbox, without what is on its way from here already."""
        before = timestamp(self.clock.now() - timedelta(seconds=self.relay_after_s))
        page = await self.journal.outbox(BATCH, before=before, after=self._relayed)
        self._relayed = page[-1]["_id"] if len(page) == BATCH else ""
        return await self.journal.outgoing([e for e in page if not self._on_its_way(e["_id"])])

    def _on_its_way(self, outgoing: str) -> bool:
        unacked = self._open.get(outgoing, {})
        return bool(unacked) and all(entry in self._owner for entry in unacked)

    def _finished(self, ids: Iterable[str]) -> None:
        self._done |= dict.fromkeys(ids)
        for outgoing in ids:
            self._open.pop(outgoing, None)
        while len(self._done) > self.remembered:
            self._done.popitem(last=False)

    def _remember(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._acked[entry.stream] = entry.version
            self._acked.move_to_end(entry.stream)
        while len(self._acked) > self.remembered:
            self._acked.popitem(last=False)


def _in_order(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return the facts of each stream in the order of their versions."""
    streams: dict[str, dict[int, Entry]] = defaultdict(dict)
    for entry in entries:
        streams[entry.stream][entry.version] = entry
    return [[facts[version] for version in sorted(facts)] for facts in streams.values()]
