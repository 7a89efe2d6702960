"""What every log does, said once: inherit it and provide the fixtures `log` and `topic`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from shared.events import Position
from shared.log import (
    Log,
    LogTruncatedError,
    Partition,
    Record,
    RecordTooLargeError,
    Subscription,
    partition_of,
)

PARTITIONS = 3
KEYS = [f"deal-{n}" for n in range(12)]


async def at_the_beginning(partitions: Sequence[Partition]) -> dict[Partition, int]:
    return dict.fromkeys(partitions, 0)


async def fetched(subscription: Subscription, count: int) -> list[Record]:
    """Fetch until `count` records are there; a fetch may return fewer than there are."""
    records: list[Record] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            records += await subscription.fetch(count - len(records), 0.2)
    return records


class LogContract:
    """Appends, reads, and one reader that starts where it is told."""

    @pytest.fixture
    async def log(self) -> Log:
        """Return a log that answers; the suite's heir says which."""
        raise NotImplementedError

    @pytest.fixture
    async def topic(self) -> str:
        """Return the name of a fresh topic of three partitions."""
        raise NotImplementedError

    async def test_a_record_lies_where_the_log_said(self, log: Log, topic: str) -> None:
        position = await log.append(topic, "deal-1", b"first", [("content-type", b"text")])
        assert position == Position(topic, partition_of("deal-1", PARTITIONS), 0)
        partition = Partition(topic, position.partition)
        (records,) = [batch async for batch in log.read(partition, 0, 1)]
        expected = Record(
            topic, position.partition, 0, b"deal-1", b"first", (("content-type", b"text"),)
        )
        assert records == [expected]
        assert records[0].position == position

    async def test_keys_choose_their_partition(self, log: Log, topic: str) -> None:
        assert await log.partitions(topic) == PARTITIONS
        for key in KEYS:
            position = await log.append(topic, key, b"x")
            assert position.partition == partition_of(key, PARTITIONS)

    async def test_one_key_keeps_its_order(self, log: Log, topic: str) -> None:
        positions = [await log.append(topic, "deal-1", b"%d" % n) for n in range(20)]
        assert [position.offset for position in positions] == list(range(20))
        partition = Partition(topic, positions[0].partition)
        records = [r async for batch in log.read(partition, 0, 20) for r in batch]
        assert [record.value for record in records] == [b"%d" % n for n in range(20)]

    async def test_a_tombstone_has_no_value(self, log: Log, topic: str) -> None:
        position = await log.append(topic, "deal-1", None)
        partition = Partition(topic, position.partition)
        (records,) = [batch async for batch in log.read(partition, 0, 1)]
        assert records[0].value is None

    async def test_ends_lie_after_the_last_record(self, log: Log, topic: str) -> None:
        assert await log.ends(topic) == {Partition(topic, n): 0 for n in range(PARTITIONS)}
        counts = Counter([(await log.append(topic, key, b"x")).partition for key in KEYS])
        assert await log.ends(topic) == {Partition(topic, n): counts[n] for n in range(PARTITIONS)}

    async def test_a_piece_is_read(self, log: Log, topic: str) -> None:
        for n in range(10):
            await log.append(topic, "deal-1", b"%d" % n)
        partition = Partition(topic, partition_of("deal-1", PARTITIONS))
        records = [r async for batch in log.read(partition, 3, 7) for r in batch]
        assert [record.offset for record in records] == [3, 4, 5, 6]
        assert [batch async for batch in log.read(partition, 4, 4)] == []

    async def test_what_was_deleted_is_read_by_nobody(self, log: Log, topic: str) -> None:
        for n in range(6):
            await log.append(topic, "deal-1", b"%d" % n)
        home = Partition(topic, partition_of("deal-1", PARTITIONS))
        assert set((await log.starts(topic)).values()) == {0}
        for before in (4, 4, 2):  # What is gone already may be deleted once more.
            await log.delete_before({home: before})
            assert (await log.starts(topic))[home] == 4
        assert (await log.ends(topic))[home] == 6
        records = [r async for batch in log.read(home, 4, 6) for r in batch]
        assert [record.value for record in records] == [b"4", b"5"]
        with pytest.raises(LogTruncatedError):
            assert [batch async for batch in log.read(home, 3, 6)]
        subscription = await log.subscribe([topic], f"{topic}-deleted", at_the_beginning)
        with pytest.raises(LogTruncatedError):
            await fetched(subscription, 6)
        await subscription.close()
        await log.append(topic, "deal-1", b"6")
        assert (await log.ends(topic))[home] == 7

    async def test_more_than_there_is_cannot_be_deleted(self, log: Log, topic: str) -> None:
        await log.append(topic, "deal-1", b"x")
        home = Partition(topic, partition_of("deal-1", PARTITIONS))
        with pytest.raises(LogTruncatedError):
            await log.delete_before({home: 2})
        assert (await log.starts(topic))[home] == 0

    async def test_a_reader_starts_where_it_is_told(self, log: Log, topic: str) -> None:
        for n in range(5):
            await log.append(topic, "deal-1", b"%d" % n)
        home = Partition(topic, partition_of("deal-1", PARTITIONS))
        asked: list[Partition] = []

        async def start(partitions: Sequence[Partition]) -> dict[Partition, int]:
            asked.extend(partitions)
            return {partition: 2 if partition == home else 0 for partition in partitions}

        subscription = await log.subscribe([topic], f"{topic}-told", start)
        records = await fetched(subscription, 3)
        assert [record.offset for record in records] == [2, 3, 4]
        assert subscription.assigned == {Partition(topic, n) for n in range(PARTITIONS)}
        assert set(asked) == subscription.assigned
        await subscription.close()

    async def test_every_record_of_every_partition_arrives_in_order(
        self, log: Log, topic: str
    ) -> None:
        for n in range(36):
            await log.append(topic, KEYS[n % len(KEYS)], b"%d" % n)
        subscription = await log.subscribe([topic], f"{topic}-all", at_the_beginning)
        records = await fetched(subscription, 36)
        await subscription.close()
        offsets: dict[int, list[int]] = {}
        for record in records:
            offsets.setdefault(record.partition, []).append(record.offset)
        assert all(seen == list(range(len(seen))) for seen in offsets.values())
        assert sorted(int(record.value or b"") for record in records) == list(range(36))

    async def test_a_limit_is_kept(self, log: Log, topic: str) -> None:
        for key in KEYS:
            await log.append(topic, key, b"x")
        subscription = await log.subscribe([topic], f"{topic}-limit", at_the_beginning)
        records = await fetched(subscription, 1)
        assert len(records) == 1
        rest = await fetched(subscription, len(KEYS) - 1)
        assert len({record.position for record in records + rest}) == len(KEYS)
        await subscription.close()

    async def test_a_fetch_gives_up(self, log: Log, topic: str) -> None:
        subscription = await log.subscribe([topic], f"{topic}-empty", at_the_beginning)
        assert await subscription.fetch(10, 0.2) == []
        await subscription.close()

    async def test_a_fetch_waits_for_the_next_record(self, log: Log, topic: str) -> None:
        subscription = await log.subscribe([topic], f"{topic}-wait", at_the_beginning)
        assert await subscription.fetch(10, 0.1) == []
        waiting = asyncio.ensure_future(fetched(subscription, 1))
        await log.append(topic, "deal-1", b"here")
        (record,) = await waiting
        assert record.value == b"here"
        await subscription.close()

    async def test_a_reader_goes_back(self, log: Log, topic: str) -> None:
        for n in range(4):
            await log.append(topic, "deal-1", b"%d" % n)
        home = Partition(topic, partition_of("deal-1", PARTITIONS))
        subscription = await log.subscribe([topic], f"{topic}-back", at_the_beginning)
        await fetched(subscription, 4)
        await subscription.rewind({home: 1})
        assert [record.offset for record in await fetched(subscription, 3)] == [1, 2, 3]
        await subscription.close()

    async def test_two_topics_are_read_together(self, log: Log, topic: str) -> None:
        one = await log.subscribe([topic], f"{topic}-one", at_the_beginning)
        two = await log.subscribe([topic], f"{topic}-two", at_the_beginning)
        await log.append(topic, "deal-1", b"x")
        # Groups are strangers: each of them gets everything.
        assert [r.value for r in await fetched(one, 1)] == [b"x"]
        assert [r.value for r in await fetched(two, 1)] == [b"x"]
        await one.close()
        await two.close()

    async def test_many_are_appended_together(self, log: Log, topic: str) -> None:
        """More than one batch of each partition, beside a single append."""
        headers = [("content-type", b"text")]
        sent = [(f"deal-{n}", b"%d" % n + b" " * 2_000) for n in range(600)]
        await asyncio.gather(
            log.append_many(topic, sent, headers),
            log.append(topic, "deal-x", b"beside", headers),
            log.append_many(topic, []),
        )
        ends = await log.ends(topic)
        read = [
            r for at, end in ends.items() async for batch in log.read(at, 0, end) for r in batch
        ]
        found = {((r.key or b"").decode(), r.value) for r in read}
        assert found == {*sent, ("deal-x", b"beside")}
        assert len(read) == len(sent) + 1
        for record in read:
            assert record.headers == tuple(headers)
            assert record.partition == partition_of((record.key or b"").decode(), PARTITIONS)

    async def test_many_requests_at_once_wait_for_no_turn(self, log: Log, topic: str) -> None:
        async with asyncio.timeout(20):
            sent = [("deal-1", b"%d" % n) for n in range(500)]
            await asyncio.gather(*(log.append_many(topic, [record]) for record in sent))
        assert sum((await log.ends(topic)).values()) == len(sent)

    async def test_of_many_none_is_sent_where_one_is_too_large(self, log: Log, topic: str) -> None:
        sent = [("deal-1", b"x"), ("deal-2", b"x" * 2_000_000)]
        with pytest.raises(RecordTooLargeError):
            await log.append_many(topic, sent)
        assert sum((await log.ends(topic)).values()) == 0

    async def test_a_record_too_large_is_refused(self, log: Log, topic: str) -> None:
        with pytest.raises(RecordTooLargeError):
            await log.append(topic, "deal-1", b"x" * 2_000_000)
        assert sum((await log.ends(topic)).values()) == 0


class GroupContract:
    """Members of one group share its partitions (not on the embedded broker)."""

    async def test_members_share_the_partitions(self, log: Log, topic: str) -> None:
        first = await log.subscribe([topic], f"{topic}-group", at_the_beginning)
        second = await log.subscribe([topic], f"{topic}-group", at_the_beginning)
        everything = {Partition(topic, n) for n in range(PARTITIONS)}
        async with asyncio.timeout(45):
            while not (first.assigned and second.assigned) or first.assigned & second.assigned:
                await asyncio.gather(first.fetch(1, 0.1), second.fetch(1, 0.1))
        assert first.assigned | second.assigned == everything
        await second.close()
        await first.close()

    async def test_who_stays_goes_on_from_where_it_is_told(self, log: Log, topic: str) -> None:
        for key in KEYS:
            await log.append(topic, key, b"x")
        starts: list[Partition] = []

        async def from_the_first(partitions: Sequence[Partition]) -> dict[Partition, int]:
            starts.extend(partitions)
            return dict.fromkeys(partitions, 0)

        leaver = await log.subscribe([topic], f"{topic}-leave", at_the_beginning)
        await fetched(leaver, 1)
        stayer = await log.subscribe([topic], f"{topic}-leave", from_the_first)
        await leaver.close()
        async with asyncio.timeout(45):
            while len(stayer.assigned) < PARTITIONS:
                await stayer.fetch(1, 0.1)
        assert set(starts) == stayer.assigned
        await stayer.close()
