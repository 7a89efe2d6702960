"""From the outbox to the log: what is stuck delays nothing else, and what was left is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from shared.clock import SystemClock
from shared.journal import Entry, Journal, Outgoing
from shared.kafka.clients import Clients
from shared.kafka.log import KafkaLog
from shared.log import LogUnavailableError, partition_of
from shared.memory import Landing, MemoryLog, MemoryStore
from shared.publisher import Publisher
from shared.service import Request
from shared.tests.tiny import PARTITIONS, assign, build, join, tiny_domain

STREAMS = [f"employee-{number}" for number in range(40)]
DEAD, ALIVE = (
    [stream for stream in STREAMS if partition_of(stream, 2) == number] for number in (0, 1)
)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 - the state lies in a log, which tells nobody.
            await asyncio.sleep(0.01)


@asynccontextmanager
async def publishing(publisher: Publisher) -> AsyncIterator[None]:
    """Run it alone."""
    task = asyncio.create_task(publisher.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def decided(
    store: MemoryStore, log: MemoryLog, *requests: Request, announce: Publisher | None = None
) -> list[Outgoing]:
    """Decide in some process; unless somebody is told, it dies before it publishes."""
    runtime = build(tiny_domain(), store, log)
    await runtime.journal.prepare()
    runtime.service.ready.set()
    found: list[Outgoing] = []
    runtime.service.announce = announce.announce if announce else found.append
    for request in requests:
        await runtime.service.handle(request)
    return found


def a_publisher(store: MemoryStore, log: MemoryLog, **options: float) -> Publisher:
    clock = SystemClock()
    return Publisher(
        Journal(store, clock), log, clock, relay_every_s=0.05, **({"relay_after_s": 0} | options)
    )


def keys(log: MemoryLog) -> list[str]:
    return [(record.key or b"").decode() for record in log.records("organization")]


def dead(_topic: str, key: str) -> Landing:
    return "slow" if key in DEAD else "acknowledged"


async def test_a_fact_left_behind_is_published_while_this_process_is_busy() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    await decided(store, log, join("employee-left"))
    publisher = a_publisher(store, log)
    async with publishing(publisher), asyncio.timeout(10):
        number = 0
        while "employee-left" not in keys(log):
            number += 1
            await decided(store, log, join(f"employee-{number}"), announce=publisher)


async def test_a_partition_that_does_not_answer_delays_no_other() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    publisher = a_publisher(store, log, relay_after_s=3600)
    log.land_by(dead)
    async with publishing(publisher):
        await decided(store, log, join(DEAD[0]), announce=publisher)
        await until(lambda: _under_way(log, 1))
        for stream in ALIVE:
            await decided(store, log, join(stream), announce=publisher)
        await until(lambda: _published(log, ALIVE))
        assert await publisher.journal.backlog() == 1


async def _under_way(log: MemoryLog, count: int) -> bool:
    return len(log.late) == count


async def _published(log: MemoryLog, streams: list[str]) -> bool:
    return set(streams) <= set(keys(log))


async def test_the_relay_gets_past_what_is_stuck() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    stuck = [join(f"{stream}-{n}") for stream in DEAD[:1] for n in range(200)]
    held_up = {request.stream for request in stuck}
    log.land_by(lambda _, key: "slow" if key in held_up else "acknowledged")
    await decided(store, log, *stuck)
    await decided(store, log, join("employee-last"))
    publisher = a_publisher(store, log, ack_timeout_s=0.2)
    publisher.held_max = 500
    async with publishing(publisher):
        await until(lambda: _published(log, ["employee-last"]))


async def test_what_is_held_in_memory_is_bounded_and_the_rest_comes_from_the_outbox() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    publisher = a_publisher(store, log, ack_timeout_s=0.2)
    publisher.held_max = 5
    log.land_by(lambda *_: "slow")
    async with publishing(publisher):
        await decided(store, log, *map(join, STREAMS), announce=publisher)
        await until(lambda: _under_way(log, 10))
        assert [lane.load for lane in publisher._lanes.values()] == [5, 5]
        log.land_by(lambda *_: "acknowledged")
        log.forget_late()
        await until(lambda: _empty(publisher))
    assert sorted(keys(log)) == sorted(STREAMS)


async def _empty(publisher: Publisher) -> bool:
    return await publisher.journal.backlog() == 0


async def test_a_later_fact_waits_for_the_acknowledgement_of_the_earlier_one() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    publisher = a_publisher(store, log, ack_timeout_s=0.05)
    log.land_by(lambda *_: "slow")
    async with publishing(publisher):
        await decided(store, log, join(DEAD[0]), assign(DEAD[0]), announce=publisher)
        await until(lambda: _under_way(log, 1))
        await asyncio.sleep(0.3)  # Long enough for the relay to have tried many times.
        assert len(log.late) == 1
        log.land_by(lambda *_: "acknowledged")
        log.forget_late()
        await until(lambda: _empty(publisher))
    assert keys(log) == [DEAD[0]] * 2


async def test_what_was_acknowledged_is_not_sent_again_with_the_rest_of_its_bulk() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    runtime = build(tiny_domain(), store, log)
    await runtime.journal.prepare()
    runtime.service.ready.set()
    runtime.service.announce = lambda _: None
    await runtime.service.handle_many([join(DEAD[0]), join(ALIVE[0])])
    log.land_by(lambda _, key: "lost" if key in DEAD else "acknowledged")
    publisher = a_publisher(store, log)
    async with publishing(publisher):
        await until(lambda: _published(log, ALIVE[:1]))
        await asyncio.sleep(0.2)  # Long enough for the relay to have come by again.
        log.land_by(lambda *_: "acknowledged")
        await until(lambda: _empty(publisher))
    assert sorted(keys(log)) == sorted([DEAD[0], ALIVE[0]])


async def test_what_was_forgotten_on_its_way_is_not_taken_for_acknowledged() -> None:
    """More decisions than are remembered while the broker is away: none leaves the outbox."""
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    runtime = build(tiny_domain(), store, log)
    await runtime.journal.prepare()
    runtime.service.ready.set()
    publisher = a_publisher(store, log, remembered=5)
    runtime.service.announce = publisher.announce
    log.land_by(lambda _topic, _key: "slow")
    async with publishing(publisher):
        await runtime.service.handle_many([join(DEAD[0]), join(ALIVE[0])])
        await until(lambda: _under_way(log, 2))
        for stream in ALIVE[1:12]:
            await runtime.service.handle(join(stream))
        await until(lambda: _held(publisher, 13))
        # One partition answers again, the other does not until its process is gone.
        log.land_by(dead)
        for record in [record for record in log.late if record.key not in DEAD]:
            log.land(record)
        await until(lambda: _published(log, ALIVE[:12]))
        await until(lambda: _left(publisher, 1))
    assert DEAD[0] not in keys(log)
    log.late.clear()
    log.land_by(lambda _topic, _key: "acknowledged")
    async with publishing(a_publisher(store, log)):
        await until(lambda: _published(log, [DEAD[0]]))


async def _held(publisher: Publisher, count: int) -> bool:
    return len(publisher._owner) == count


async def _left(publisher: Publisher, count: int) -> bool:
    return await publisher.journal.backlog() == count


async def test_a_shutdown_takes_up_what_was_being_sent() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    publisher = a_publisher(store, log)
    log.land_by(lambda *_: "slow")
    async with publishing(publisher):
        await decided(store, log, join(DEAD[0]), announce=publisher)
        await until(lambda: _under_way(log, 1))
    log.forget_late()
    await publisher.drain(5)
    assert await publisher.journal.backlog() == 0
    assert keys(log) == [DEAD[0]]


class DeafProducer:
    """A client whose broker is away: it takes everything and hears nothing."""

    def __init__(self) -> None:
        self.taken: list[asyncio.Future[object]] = []

    async def send(self, *_: object, **__: object) -> asyncio.Future[object]:
        self.taken.append(asyncio.get_running_loop().create_future())
        return self.taken[-1]


async def test_a_record_given_up_is_not_handed_to_the_client_again_while_it_may_land() -> None:
    log = KafkaLog(Clients("nowhere"), embedded=False, ack_timeout_s=0.02)
    log._partitions["organization"] = 1
    log._producer = producer = DeafProducer()
    publisher = Publisher(
        Journal(MemoryStore(), SystemClock()), log, SystemClock(), ack_timeout_s=0.1
    )
    entry = Entry("fact", "organization", DEAD[0], 1, b"{}")
    for _ in range(10):
        await publisher.publish([Outgoing("entry", (entry,))])
    with pytest.raises(LogUnavailableError):
        await log.append("organization", DEAD[0], b"another")
    assert len(producer.taken) == 2
    for acknowledged in producer.taken:
        acknowledged.cancel()


async def test_a_fact_that_the_log_cannot_take_delays_no_other_stream() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    large = Entry("large", "organization", DEAD[0], 1, b"x" * 2_000_000)
    behind = Entry("behind", "organization", DEAD[0], 2, b"{}")
    small = Entry("small", "organization", DEAD[1], 1, b"{}")
    publisher = a_publisher(store, log)
    await publisher.publish([Outgoing("one", (large, behind)), Outgoing("two", (small,))])
    assert keys(log) == [DEAD[1]]


async def test_what_its_own_process_may_still_be_sending_is_left_to_it_for_a_while() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    await decided(store, log, join(DEAD[0]))
    assert await a_publisher(store, log, relay_after_s=60)._left_behind() == []
    assert len(await a_publisher(store, log, relay_after_s=0)._left_behind()) == 1


async def test_what_is_on_its_way_from_here_is_not_fetched_again() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    log.land_by(lambda *_: "slow")
    publisher = a_publisher(store, log)
    publisher.relay_every_s = 60
    async with publishing(publisher):
        await decided(store, log, join(DEAD[0]), announce=publisher)
        await until(lambda: _under_way(log, 1))
        assert await publisher._left_behind() == []


async def test_what_is_announced_beyond_the_bound_is_left_to_the_relay() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    publisher = a_publisher(store, log)
    publisher.held_max = 5
    await decided(store, log, *map(join, STREAMS), announce=publisher)
    assert len(publisher._announced) == 5
    async with publishing(publisher):
        await until(lambda: _empty(publisher))
    assert sorted(keys(log)) == sorted(STREAMS)
