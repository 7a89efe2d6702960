"""Readers of some topics: all partitions (embedded broker), or this member's share of a group.

Rule: they commit nothing and choose no offset; where to read is what `start` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition

from shared.kafka.clients import RETRY_S, in_our_words, record_of, stopped
from shared.kafka.reach import Reach
from shared.log import LogTruncatedError, Partition, Record, StartFrom


class WholeSubscription:
    """All partitions by manual assignment, each paused unless it is known to hold more."""

    def __init__(self, consumer: Any, partitions: Sequence[Partition], reach: Reach) -> None:
        self._consumer = consumer
        self._partitions = {partition: TopicPartition(*partition) for partition in partitions}
        self._next: dict[Partition, int] = {}
        self._reach = reach
        self._awake: set[Partition] = set(partitions)
        reach.want(partitions)

    @property
    def assigned(self) -> frozenset[Partition]:
        return frozenset(self._next)

    async def begin(self, offsets: dict[Partition, int]) -> None:
        self._consumer.assign(list(self._partitions.values()))
        for partition in self._partitions:
            self._pause(partition)
        await self.rewind({partition: offsets[partition] for partition in self._partitions})

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            behind = [p for p in self._partitions if self._next[p] < self._end(p)]
            left = max(0.0, deadline - loop.time())
            if behind:
                if records := await self._fetched(behind, limit, left):
                    return records
            else:
                await self._reach.wait_for_change(left)
            if loop.time() >= deadline:
                return []

    async def rewind(self, offsets: dict[Partition, int]) -> None:
        for partition, offset in offsets.items():
            self._consumer.seek(self._partitions[partition], offset)
            self._next[partition] = offset

    async def close(self) -> None:
        self._reach.unwant(list(self._partitions))
        await stopped(self._consumer)

    def _end(self, partition: Partition) -> int:
        end = self._reach.end(partition)
        at = self._next[partition]
        if end is not None and end < at:
            raise LogTruncatedError(
                f"{partition.topic}/{partition.number} ends at {end}, before our offset {at}"
            )
        return at if end is None else end

    async def _fetched(self, behind: list[Partition], limit: int, wait_s: float) -> list[Record]:
        for partition in behind:
            if partition not in self._awake:
                self._awake.add(partition)
                self._consumer.resume(self._partitions[partition])
        with in_our_words():
            found = await self._consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=limit)
        for partition in list(self._awake):
            # No await that could let the client's own task run: a partition that is paused
            # before it runs again is not asked for what is not there.
            position = await self._consumer.position(self._partitions[partition])
            self._next[partition] = position
            self._reach.reached(partition, position)
            if position >= (self._reach.end(partition) or 0):
                self._pause(partition)
        return [record_of(record) for records in found.values() for record in records]

    def _pause(self, partition: Partition) -> None:
        self._awake.discard(partition)
        self._consumer.pause(self._partitions[partition])


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # it ships no types
    """What the group gave us. Placing the reader waits until `fetch`, where errors are heard."""

    def __init__(self) -> None:
        self.unplaced: set[Any] = set()
        self.placed: set[Any] = set()
        self.generation = 0
        self._consumer: Any = None

    def join(self, consumer: Any) -> None:
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        self.generation += 1
        self.placed, self.unplaced = set(), set()

    def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        self.generation += 1
        self.placed, self.unplaced = set(), set(assigned)
        for tp in assigned:
            # Held still at a valid position: without one the client would raise for itself.
            self._consumer.pause(tp)
            self._consumer.seek(tp, 0)


class GroupSubscription:
    """The partitions that the group gives this member, each read from where `start` says."""

    def __init__(self, consumer: Any, members: Membership, start: StartFrom) -> None:
        self._consumer = consumer
        self._members = members
        self._start = start

    @property
    def assigned(self) -> frozenset[Partition]:
        return frozenset(Partition(tp.topic, tp.partition) for tp in self._members.placed)

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        while self._members.unplaced:
            await self._place()
        try:
            # The client's own limit does not count the wait for a rebalance to end.
            with in_our_words(quiet=True):
                async with asyncio.timeout(wait_s + RETRY_S):
                    found = await self._consumer.getmany(
                        timeout_ms=int(wait_s * 1000), max_records=limit
                    )
        except TimeoutError:
            return []
        return [record_of(record) for records in found.values() for record in records]

    async def _place(self) -> None:
        generation, tps = self._members.generation, sorted(self._members.unplaced)
        offsets = await self._start([Partition(tp.topic, tp.partition) for tp in tps])
        if generation != self._members.generation:
            return  # Another rebalance came meanwhile; what it gave us is asked for anew.
        for tp in tps:
            self._consumer.seek(tp, offsets[Partition(tp.topic, tp.partition)])
            self._consumer.resume(tp)
        self._members.placed.update(tps)
        self._members.unplaced.difference_update(tps)

    async def rewind(self, offsets: dict[Partition, int]) -> None:
        for partition, offset in offsets.items():
            tp = TopicPartition(*partition)
            if tp in self._members.placed:  # Otherwise it is somebody else's by now.
                self._consumer.seek(tp, offset)

    async def close(self) -> None:
        await stopped(self._consumer)
