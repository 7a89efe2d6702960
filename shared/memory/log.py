"""The log in memory: partitions as lists, consumer groups that rebalance, appends that go wrong.

Nothing polls: whoever waits for records is woken by the append that brings them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from shared.events import Position
from shared.log import (
    LogTruncatedError,
    LogUnavailableError,
    Partition,
    Record,
    RecordTooLargeError,
    StartFrom,
    partition_of,
)
from shared.memory.step import Step, one_turn

RECORD_BYTES_MAX = 1_000_000
READ_BATCH = 500

# What becomes of an append. "slow" is acknowledged once somebody calls `land`. The others raise
# LogUnavailableError: the record is there without an acknowledgement, or comes later, or never.
Landing = Literal["acknowledged", "slow", "unacknowledged", "late", "lost"]
# Which of the members who read this partition's topic gets it, as an index.
Share = Callable[[Partition, int], int]
Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, eq=False)
class LateRecord:
    """A record on its way. `sender` still waits for it, or has given up."""

    topic: str
    key: str
    value: bytes | None
    headers: Headers
    sender: asyncio.Future[Position] | None = None


def acknowledged(_topic: str, _key: str) -> Landing:
    return "acknowledged"


def by_turns(partition: Partition, members: int) -> int:
    return partition.number % members


@dataclass(eq=False)
class _Group:
    members: list[MemorySubscription] = field(default_factory=list)
    generation: int = 0
    owners: dict[Partition, MemorySubscription] = field(default_factory=dict)


@dataclass(eq=False)
class _Broker:
    counts: int | Mapping[str, int]
    topics: dict[str, list[list[Record | None]]] = field(default_factory=dict)
    groups: dict[str, _Group] = field(default_factory=dict)
    late: list[LateRecord] = field(default_factory=list)
    # What was deleted before an offset, of partitions of which anything was.
    starts: dict[Partition, int] = field(default_factory=dict)
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    landing: Callable[[str, str], Landing] = acknowledged
    share: Share = by_turns
    down: bool = False

    def topic(self, name: str) -> list[list[Record | None]]:
        if name not in self.topics:
            count = self.counts if isinstance(self.counts, int) else self.counts[name]
            self.topics[name] = [[] for _ in range(count)]
        return self.topics[name]

    def land(self, record: LateRecord) -> Position:
        partitions = self.topic(record.topic)
        number = partition_of(record.key, len(partitions))
        offset = len(partitions[number])
        key = record.key.encode()
        landed = Record(record.topic, number, offset, key, record.value, record.headers)
        partitions[number].append(landed)
        self.ring()
        return landed.position

    def check(self, partition: Partition, start: int) -> None:
        if start < (first := self.starts.get(partition, 0)):
            raise LogTruncatedError(f"{partition} begins at {first}, after {start}")

    def ring(self) -> None:
        """Wake everybody who waits for something to happen here."""
        bell, self.bell = self.bell, asyncio.Event()
        bell.set()

    def rebalance(self, group: _Group) -> None:
        group.generation += 1
        group.owners = {}
        for name in sorted({topic for member in group.members for topic in member.topics}):
            readers = [member for member in group.members if name in member.topics]
            for number in range(len(self.topic(name))):
                partition = Partition(name, number)
                group.owners[partition] = readers[self.share(partition, len(readers))]
        self.ring()


class MemorySubscription:
    """A member of a group. It learns of a rebalance at its next fetch, as real consumers do."""

    def __init__(
        self, broker: _Broker, step: Step, topics: Sequence[str], group: str, start: StartFrom
    ) -> None:
        self.topics = tuple(topics)
        self._broker = broker
        self._step = step
        self._group = broker.groups.setdefault(group, _Group())
        self._start = start
        self._known: int | None = None
        self._positions: dict[Partition, int] = {}
        self.join()

    @property
    def assigned(self) -> frozenset[Partition]:
        return frozenset(self._positions)

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        await self._step("log.fetch")
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            bell = self._broker.bell
            if not self._broker.down:
                await self._follow()
                if records := self._take(limit):
                    return records
            try:
                async with asyncio.timeout_at(deadline):
                    await bell.wait()
            except TimeoutError:
                return []

    async def rewind(self, offsets: dict[Partition, int]) -> None:
        await self._step("log.rewind")
        # A partition that a rebalance took meanwhile is its new owner's business.
        self._positions |= {p: at for p, at in offsets.items() if p in self._positions}
        self._broker.ring()

    async def close(self) -> None:
        await self._step("log.close")
        self.leave()

    def join(self) -> None:
        self._group.members.append(self)
        self._broker.rebalance(self._group)

    def leave(self) -> None:
        """Leave the group, or be evicted from it for not having been heard of."""
        if self in self._group.members:
            self._group.members.remove(self)
            self._broker.rebalance(self._group)

    async def _follow(self) -> None:
        if self not in self._group.members:
            self.join()
        while self._known != (generation := self._group.generation):
            mine = sorted(p for p, owner in self._group.owners.items() if owner is self)
            starts = await self._start(mine) if mine else {}
            self._positions = {partition: starts[partition] for partition in mine}
            self._known = generation

    def _take(self, limit: int) -> list[Record]:
        taken: list[Record] = []
        for partition in list(self._positions):
            if len(taken) >= limit:
                break
            at = self._positions[partition]
            self._broker.check(partition, at)
            del self._positions[partition]
            held = self._broker.topic(partition.topic)[partition.number]
            stop = min(len(held), at + limit - len(taken))
            taken += [record for record in held[at:stop] if record is not None]
            # Put back last: the next fetch begins with another partition, so none starves.
            self._positions[partition] = max(at, stop)
        return taken


class MemoryLog:
    """One broker. `seen_by` gives a process its own connection to it, with its own faults.

    `partitions` is a number for every topic, or a number by topic's name.
    """

    def __init__(self, partitions: int | Mapping[str, int] = 3, *, step: Step = one_turn) -> None:
        self._broker = _Broker(partitions)
        self._step = step
        self._mine: list[MemorySubscription] = []

    def seen_by(self, step: Step) -> MemoryLog:
        handle = MemoryLog(step=step)
        handle._broker = self._broker
        return handle

    async def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Position:
        await self._step("log.append")
        if value is not None and len(value) > RECORD_BYTES_MAX:
            raise RecordTooLargeError(f"{topic}: a record of {len(value)} bytes")
        position = await self._landed(LateRecord(topic, key, value, tuple(headers)))
        await self._step("log.append.done")
        if position is None:
            raise LogUnavailableError(f"{topic}: no acknowledgement")
        return position

    async def append_many(
        self,
        topic: str,
        records: Sequence[tuple[str, bytes]],
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        if large := [len(value) for _, value in records if len(value) > RECORD_BYTES_MAX]:
            raise RecordTooLargeError(f"{topic}: a record of {large[0]} bytes")
        sent = (self.append(topic, key, value, headers) for key, value in records)
        found = await asyncio.gather(*sent, return_exceptions=True)
        for error in found:
            if isinstance(error, BaseException):
                raise error

    async def partitions(self, topic: str) -> int:
        await self._reached("log.partitions")
        return len(self._broker.topic(topic))

    async def ends(self, topic: str) -> dict[Partition, int]:
        await self._reached("log.ends")
        partitions = self._broker.topic(topic)
        return {Partition(topic, number): len(held) for number, held in enumerate(partitions)}

    async def starts(self, topic: str) -> dict[Partition, int]:
        await self._reached("log.starts")
        numbers = range(len(self._broker.topic(topic)))
        parts = (Partition(topic, number) for number in numbers)
        return {partition: self._broker.starts.get(partition, 0) for partition in parts}

    async def delete_before(self, offsets: Mapping[Partition, int]) -> None:
        await self._reached("log.delete")
        for partition, offset in offsets.items():
            held = self._broker.topic(partition.topic)[partition.number]
            first = self._broker.starts.get(partition, 0)
            if offset > len(held):
                raise LogTruncatedError(f"{partition} ends at {len(held)}, before {offset}")
            held[first:offset] = [None] * (offset - first)
            self._broker.starts[partition] = max(first, offset)

    async def read(
        self, partition: Partition, start: int, stop: int
    ) -> AsyncGenerator[list[Record], None]:
        while True:
            await self._reached("log.read")
            held = self._broker.topic(partition.topic)[partition.number]
            end = min(start + READ_BATCH, stop, len(held))
            if start >= end:
                return
            self._broker.check(partition, start)
            records = [record for record in held[start:end] if record is not None]
            start = end
            if records:
                yield records

    async def subscribe(
        self, topics: Sequence[str], group: str, start: StartFrom
    ) -> MemorySubscription:
        await self._reached("log.subscribe")
        subscription = MemorySubscription(self._broker, self._step, topics, group, start)
        self._mine.append(subscription)
        return subscription

    def abandon(self) -> None:
        """The group's coordinator has not heard of this process for too long."""
        for subscription in self._mine:
            subscription.leave()

    def go(self, *, down: bool) -> None:
        """Down: appends are late or lost as `land_by` says, everything else fails or waits."""
        self._broker.down = down
        self._broker.ring()

    def land_by(self, landing: Callable[[str, str], Landing]) -> None:
        """Let this decide the fate of every append from now on."""
        self._broker.landing = landing

    @property
    def is_down(self) -> bool:
        return self._broker.down

    def share_by(self, share: Share) -> None:
        self._broker.share = share

    def rebalance(self) -> None:
        for group in self._broker.groups.values():
            self._broker.rebalance(group)

    @property
    def late(self) -> list[LateRecord]:
        """Records that will land when `land` says so."""
        return self._broker.late

    def land(self, record: LateRecord) -> Position:
        self._broker.late.remove(record)
        position = self._broker.land(record)
        if record.sender is not None:
            record.sender.set_result(position)
        return position

    def forget_late(self, which: Callable[[LateRecord], bool] = lambda _record: True) -> None:
        """Of these under way, what nobody waits for never arrives, and the rest does now."""
        for record in list(filter(which, self.late)):
            if record.sender is not None:
                self.land(record)
            else:
                self.late.remove(record)

    def sizes(self, topic: str) -> list[int]:
        return [len(held) for held in self._broker.topic(topic)]

    def records(self, topic: str) -> list[Record]:
        """Everything a topic holds, partition by partition."""
        return [record for held in self._broker.topic(topic) for record in held if record]

    def truncate(self, topic: str, number: int, end: int) -> None:
        """Lose the last records of a partition, as a broker does that is killed before it wrote."""
        del self._broker.topic(topic)[number][end:]

    def compact(self, topic: str) -> None:
        """Keep the newest record of each key, as a compacted topic does sooner or later."""
        for held in self._broker.topic(topic):
            newest = {record.key: record.offset for record in held if record}
            for record in list(held):
                if record and newest[record.key] != record.offset:
                    held[record.offset] = None

    async def _landed(self, record: LateRecord) -> Position | None:
        landing = self._broker.landing(record.topic, record.key)
        if self._broker.down and landing in ("acknowledged", "unacknowledged"):
            landing = "late"
        if landing == "slow":
            record = replace(record, sender=asyncio.get_running_loop().create_future())
        if landing in ("slow", "late"):
            self._broker.late.append(record)
        if record.sender is not None:
            return await asyncio.shield(record.sender)
        if landing not in ("acknowledged", "unacknowledged"):
            return None
        position = self._broker.land(record)
        return position if landing == "acknowledged" else None

    async def _reached(self, operation: str) -> None:
        await self._step(operation)
        if self._broker.down:
            raise LogUnavailableError(f"{operation}: the broker does not answer")
