"""The memory ports keep the same contracts as MongoDB and Kafka, and lie when told to."""

from __future__ import annotations

import asyncio

import pytest

from shared.log import Log, LogUnavailableError, Partition
from shared.memory import MemoryLog, MemoryStore
from shared.store import Store, TransientStoreError, WriteConflictError
from shared.testing import GroupContract, LogContract, StoreContract
from shared.testing.log_contract import PARTITIONS, at_the_beginning


class TestMemoryStore(StoreContract):
    @pytest.fixture
    async def store(self) -> Store:
        return MemoryStore()


class TestMemoryLog(LogContract, GroupContract):
    @pytest.fixture
    async def log(self) -> Log:
        return MemoryLog(PARTITIONS)

    @pytest.fixture
    async def topic(self) -> str:
        return "deals"


async def never(_operation: str) -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_document_of_an_open_transaction_is_locked() -> None:
    store = MemoryStore()
    with pytest.raises(WriteConflictError):
        async with store.transaction() as first:
            await first.put_many("views", [{"_id": "a", "by": "first"}])
            async with store.transaction() as second:
                await second.put_many("views", [{"_id": "a", "by": "second"}])
    assert await store.count("views", {}) == 0


async def test_a_single_write_waits_for_the_transaction() -> None:
    store = MemoryStore()
    async with store.transaction() as tx:
        await tx.put_many("views", [{"_id": "a", "by": "transaction"}])
        single = asyncio.ensure_future(store.put_many("views", [{"_id": "a", "by": "single"}]))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not single.done()
    await single
    assert await store.get("views", "a") == {"_id": "a", "by": "single"}


async def test_a_successor_ends_what_its_predecessor_left_open() -> None:
    store = MemoryStore()
    dead = store.seen_by(store._step)
    async with store.transaction() as tx:
        await tx.put_many("views", [{"_id": "b"}])
    with pytest.raises(TransientStoreError):
        async with dead.transaction() as left_open:
            await left_open.put_many("views", [{"_id": "a", "by": "dead"}])
            dead.abandon()
            await store.put_many("views", [{"_id": "a", "by": "successor"}])
    assert await store.get("views", "a") == {"_id": "a", "by": "successor"}


async def test_an_old_backup_comes_back_with_its_indexes() -> None:
    store = MemoryStore()
    await store.ensure_index("people", ("email",), unique=True)
    await store.insert_many("people", [{"_id": "1", "email": "a"}])
    backup = store.point()
    await store.insert_many("people", [{"_id": "2", "email": "b"}])
    await store.delete_many("people", ["1"])
    store.restore(backup)
    assert await store.find("people", {}) == [{"_id": "1", "email": "a"}]
    await store.insert_many("people", [{"_id": "3", "email": "b"}])


async def test_a_dead_process_never_hears_back() -> None:
    store, log = MemoryStore(), MemoryLog()
    dead_store, dead_log = store.seen_by(never), log.seen_by(never)
    for operation in (dead_store.get("views", "a"), dead_log.append("deals", "k", b"x")):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(operation, 0.01)
    assert log.records("deals") == []


async def test_an_append_goes_wrong_in_every_way() -> None:
    log = MemoryLog(1)
    fates = iter(["unacknowledged", "late", "lost", "acknowledged"])
    log.land_by(lambda _topic, _key: next(fates))
    for value in (b"unacknowledged", b"late", b"lost"):
        with pytest.raises(LogUnavailableError):
            await log.append("deals", "k", value)
    await log.append("deals", "k", b"acknowledged")
    log.land(log.late[0])
    landed = [record.value for record in log.records("deals")]
    assert landed == [b"unacknowledged", b"acknowledged", b"late"]


async def test_a_slow_append_is_acknowledged_once_it_landed() -> None:
    log = MemoryLog(1)
    log.land_by(lambda _topic, _key: "slow")
    sending = asyncio.ensure_future(log.append("deals", "k", b"slow"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert log.records("deals") == []
    landed = log.land(log.late[0])
    assert await sending == landed


async def test_while_the_log_is_down_only_time_passes() -> None:
    log = MemoryLog(1)
    await log.append("deals", "k", b"before")
    subscription = await log.subscribe(["deals"], "group", at_the_beginning)
    log.go(down=True)
    assert await subscription.fetch(10, 0.01) == []
    with pytest.raises(LogUnavailableError):
        await log.ends("deals")
    with pytest.raises(LogUnavailableError):
        await log.append("deals", "k", b"during")
    log.go(down=False)
    assert [record.value for record in await subscription.fetch(10, 1)] == [b"before"]


async def test_an_evicted_member_joins_again() -> None:
    log = MemoryLog(1)
    zombie = await log.subscribe(["deals"], "group", at_the_beginning)
    assert await zombie.fetch(1, 0) == []
    assert zombie.assigned == {Partition("deals", 0)}
    log.abandon()
    heir = await log.subscribe(["deals"], "group", at_the_beginning)
    await log.append("deals", "k", b"x")
    assert [record.value for record in await heir.fetch(1, 0)] == [b"x"]
    assert await zombie.fetch(1, 0) == []
    assert zombie.assigned == frozenset()


async def test_compaction_keeps_the_newest_of_each_key() -> None:
    log = MemoryLog(1)
    for value in (b"1", b"2", None):
        await log.append("views", "k", value)
    log.compact("views")
    assert [(r.offset, r.value) for r in log.records("views")] == [(2, None)]
    batches = [batch async for batch in log.read(Partition("views", 0), 0, 3)]
    assert [record.offset for batch in batches for record in batch] == [2]
