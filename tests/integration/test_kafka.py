"""What the log contract does not say: outages, lost records, idle readers, real groups."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from sellers.cli import app
from sellers.data_dir import DataDir
from sellers.engines import NoidaKafka
from sellers.processes import HOST, free_ports
from shared.kafka import KafkaLog
from shared.log import (
    Log,
    LogTruncatedError,
    LogUnavailableError,
    Partition,
    TopicMismatchError,
    TopicSpec,
)
from shared.testing import GroupContract, LogContract
from shared.testing.log_contract import PARTITIONS, at_the_beginning, fetched
from shared.topics import load_topics
from tests.conftest import running

pytestmark = pytest.mark.connected

IDLE_READERS = 10


@contextlib.asynccontextmanager
async def opened(address: str, **options: Any) -> AsyncIterator[KafkaLog]:
    log = await KafkaLog.open(address, **{"embedded": True, **options})
    try:
        yield log
    finally:
        await log.close()


@pytest.fixture
async def log(kafka_engine: Any) -> AsyncIterator[KafkaLog]:
    async with opened(kafka_engine.address) as log:
        yield log


@pytest.fixture
async def topic(log: KafkaLog, namespace: str) -> str:
    await log.create_topics([TopicSpec(namespace, PARTITIONS)])
    return namespace


@pytest.fixture
def broker(tmp_path: Path) -> Any:
    """A broker of this test's own, to be stopped and killed."""
    engine = NoidaKafka(tmp_path / "kafka")
    engine.start()
    yield engine
    engine.stop()


async def test_topics_are_created_once(log: KafkaLog, namespace: str) -> None:
    specs = [TopicSpec(namespace, 3), TopicSpec(f"{namespace}-views", 2, compacted=True)]
    assert await log.create_topics(specs) == [namespace, f"{namespace}-views"]
    assert await log.create_topics(specs) == []
    assert await log.partitions(namespace) == 3


async def test_a_topic_with_other_settings_is_named(log: KafkaLog, namespace: str) -> None:
    await log.create_topics([TopicSpec(namespace, 3)])
    with pytest.raises(TopicMismatchError, match=f"{namespace}: 3 partitions instead of 4"):
        await log.create_topics([TopicSpec(namespace, 4)])
    with pytest.raises(TopicMismatchError, match=r"cleanup.policy is delete instead of compact"):
        await log.create_topics([TopicSpec(namespace, 3, compacted=True)])


async def test_a_missing_topic_is_named(log: KafkaLog) -> None:
    with pytest.raises(LogUnavailableError, match="no topic 'never-made'"):
        await log.append("never-made", "key", b"x")


async def test_no_broker_is_one_clear_error_with_its_own_reason() -> None:
    servers = [f"{HOST}:{port}" for port in free_ports(2)]
    opening = (KafkaLog.open(server, embedded=True, wait_s=1) for server in servers)
    for server, error in zip(
        servers, await asyncio.gather(*opening, return_exceptions=True), strict=True
    ):
        assert isinstance(error, LogUnavailableError)
        told = f'no broker answers at {server} within 1 s: Unable connect to "{server}": '
        assert str(error).startswith(told)


async def test_idle_readers_cost_little(log: KafkaLog, topic: str) -> None:
    readers = [
        await log.subscribe([topic], f"{topic}-{n}", at_the_beginning) for n in range(IDLE_READERS)
    ]
    await asyncio.gather(*(reader.fetch(10, 0.5) for reader in readers))
    began, used = time.monotonic(), time.process_time()
    await asyncio.gather(*(reader.fetch(10, 2.0) for reader in readers))
    # Measured: 0.01 of a core. Asking the broker without pause takes most of one.
    assert (time.process_time() - used) / (time.monotonic() - began) < 0.2
    for reader in readers:
        await reader.close()


async def test_records_of_another_process_arrive(
    log: KafkaLog, topic: str, kafka_engine: Any
) -> None:
    reader = await log.subscribe([topic], f"{topic}-other", at_the_beginning)
    assert await reader.fetch(10, 0.5) == []
    async with opened(kafka_engine.address) as other:
        waiting = asyncio.ensure_future(reader.fetch(10, 5.0))
        await other.append(topic, "deal-1", b"from elsewhere")
        began = time.monotonic()
        assert [record.value for record in await waiting] == [b"from elsewhere"]
        assert time.monotonic() - began < 1.0
    await reader.close()


async def test_many_appends_at_once_lie_where_each_was_told(log: KafkaLog, topic: str) -> None:
    told = await asyncio.gather(*(log.append(topic, "deal-1", b"%d" % n) for n in range(500)))
    home = Partition(topic, told[0].partition)
    held = {r.position: r.value async for batch in log.read(home, 0, 500) for r in batch}
    assert held == {position: b"%d" % n for n, position in enumerate(told)}


async def test_a_replay_ends_where_offsets_have_holes(
    log: KafkaLog, topic: str, kafka_engine: Any
) -> None:
    """What a transaction took back, and its markers, are offsets without a record."""
    first = await log.append(topic, "deal-1", b"before")
    home = Partition(topic, first.partition)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_engine.address, transactional_id=topic)
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"taken back", partition=home.number)
    await producer.abort_transaction()
    await producer.stop()
    last = await log.append(topic, "deal-1", b"after")
    assert last.offset > first.offset + 1
    stop = (await log.ends(topic))[home]
    values = [r.value async for batch in log.read(home, 0, stop) for r in batch]
    assert values == [b"before", b"after"]


async def test_a_reader_beyond_the_end_is_told(log: KafkaLog, topic: str) -> None:
    async def beyond(partitions: Sequence[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(partitions, 500)

    await log.append(topic, "deal-1", b"x")
    reader = await log.subscribe([topic], f"{topic}-beyond", beyond)
    with pytest.raises(LogTruncatedError, match="before our offset 500"):
        async with asyncio.timeout(10):
            while True:
                await reader.fetch(10, 0.5)
    await reader.close()


async def test_a_reader_that_cannot_start_is_not_left_behind(log: KafkaLog, topic: str) -> None:
    async def refused(partitions: Sequence[Partition]) -> dict[Partition, int]:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await log.subscribe([topic], f"{topic}-refused", refused)


async def test_an_append_without_an_answer_may_still_land(broker: Any) -> None:
    async with opened(broker.address, ack_timeout_s=1.0) as log:
        await log.create_topics([TopicSpec("facts", 1)])
        await log.append("facts", "deal-1", b"one")
        broker.stop()
        began = time.monotonic()
        with pytest.raises(LogUnavailableError, match="not acknowledged within 1 s"):
            await log.append("facts", "deal-1", b"two")
        assert time.monotonic() - began < 3
        broker.start()
        reader = await log.subscribe(["facts"], "reader", at_the_beginning)
        assert [record.value for record in await fetched(reader, 2)] == [b"one", b"two"]
        await reader.close()


async def test_many_without_an_answer_may_still_land(broker: Any) -> None:
    async with opened(broker.address, ack_timeout_s=1.0) as log:
        await log.create_topics([TopicSpec("facts", 1)])
        await log.append_many("facts", [("deal-1", b"one")])
        broker.stop()
        with pytest.raises(LogUnavailableError, match="2 of 2 records not acknowledged within 1 s"):
            await log.append_many("facts", [("deal-1", b"two"), ("deal-2", b"three")])
        broker.start()
        reader = await log.subscribe(["facts"], "reader", at_the_beginning)
        found = [record.value for record in await fetched(reader, 3)]
        assert found == [b"one", b"two", b"three"]
        await log.append_many("facts", [("deal-3", b"four")])
        assert [record.value for record in await fetched(reader, 1)] == [b"four"]
        await reader.close()


async def test_a_log_that_lost_its_newest_records_is_noticed(broker: Any) -> None:
    """The embedded broker loses up to a second of acknowledged records when it is killed."""
    async with opened(broker.address, ack_timeout_s=2.0) as log:
        await log.create_topics([TopicSpec("facts", 1)])
        await log.append("facts", "deal-1", b"saved")
        broker.restart()
        await asyncio.gather(*(landing(log, b"%d" % n) for n in range(300)))
        reader = await log.subscribe(["facts"], "reader", at_the_beginning)
        assert len(await fetched(reader, 301)) == 301
        broker.kill()
        broker.start()
        async with asyncio.timeout(30):
            with pytest.raises(LogTruncatedError):
                while True:
                    await reader.fetch(10, 0.5)
            kept = await ends(log, "facts")
            assert kept < 301
            await reader.rewind({Partition("facts", 0): kept})
            # The producer's numbers no longer fit what the broker remembers: it is renewed.
            await landing(log, b"again")
            assert (await fetched(reader, 1))[-1].value == b"again"
        await reader.close()


async def test_closing_does_not_wait_for_a_broker_that_is_gone(broker: Any) -> None:
    log = await KafkaLog.open(broker.address, embedded=True, ack_timeout_s=0.5)
    await log.create_topics([TopicSpec("facts", 1)])
    reader = await log.subscribe(["facts"], "reader", at_the_beginning)
    broker.stop()
    with pytest.raises(LogUnavailableError):
        await log.append("facts", "deal-1", b"lost")
    began = time.monotonic()
    await reader.close()
    await log.close()
    assert time.monotonic() - began < 15


async def landing(log: KafkaLog, value: bytes) -> None:
    """Append until it is acknowledged, as the publisher does."""
    while True:
        try:
            await log.append("facts", "deal-1", value)
        except LogUnavailableError:
            await asyncio.sleep(0.05)
        else:
            return


async def ends(log: KafkaLog, topic: str) -> int:
    try:
        return sum((await log.ends(topic)).values())
    except LogUnavailableError:
        return 0  # It is coming up again.


@pytest.mark.kafka
@pytest.mark.timeout(400)  # Maven may have to fetch the jars first
class TestApacheKafkaLog(LogContract, GroupContract):
    """The same contract, and groups, on the real broker."""

    @pytest.fixture
    async def log(self, apache_kafka: Any) -> AsyncIterator[Log]:
        async with opened(apache_kafka.address, embedded=False) as log:
            yield log

    @pytest.fixture
    async def topic(self, log: KafkaLog, namespace: str) -> str:
        await log.create_topics([TopicSpec(namespace, PARTITIONS)])
        assert await log.create_topics([TopicSpec(namespace, PARTITIONS)]) == []
        return namespace

    async def test_other_settings_are_named(self, log: KafkaLog, topic: str) -> None:
        with pytest.raises(TopicMismatchError, match=r"delete\.retention\.ms"):
            await log.create_topics([TopicSpec(topic, PARTITIONS, compacted=True)])

    async def test_a_start_that_fails_is_heard_and_tried_again(
        self, log: KafkaLog, topic: str
    ) -> None:
        failures = [ConnectionRefusedError("the store is away")]

        async def start(partitions: Sequence[Partition]) -> dict[Partition, int]:
            if failures:
                raise failures.pop()
            return dict.fromkeys(partitions, 0)

        await log.append(topic, "deal-1", b"x")
        reader = await log.subscribe([topic], f"{topic}-failing", start)
        with pytest.raises(ConnectionRefusedError):
            await reader.fetch(10, 0.5)
        assert reader.assigned == frozenset()
        assert [record.value for record in await fetched(reader, 1)] == [b"x"]
        await reader.close()

    async def test_an_offset_that_is_not_there_is_told(self, log: KafkaLog, topic: str) -> None:
        async def beyond(partitions: Sequence[Partition]) -> dict[Partition, int]:
            return dict.fromkeys(partitions, 500)

        reader = await log.subscribe([topic], f"{topic}-beyond", beyond)
        with pytest.raises(LogTruncatedError):
            async with asyncio.timeout(10):
                while True:
                    await reader.fetch(10, 0.5)
        await reader.close()


def test_the_declared_topics_are_applied_by_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELLERS_ENGINE", "embedded")
    with running(NoidaKafka(tmp_path / "kafka")) as engine:
        monkeypatch.setenv("SELLERS_KAFKA", engine.address)
        first, second = (CliRunner().invoke(app, ["topics", "--apply"]) for _ in range(2))
    assert first.exit_code == 0, first.output
    where = f" in the log at {engine.address}\n"
    assert {spec.name for spec in load_topics()} == set(
        first.output.removesuffix(where).removeprefix("created: ").split(", ")
    )
    assert (second.exit_code, second.output) == (0, f"nothing is missing{where}")


def test_the_topics_are_applied_to_the_log_of_the_platform_that_runs_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = DataDir(tmp_path / ".data")
    with running(NoidaKafka(tmp_path / "kafka")) as engine, here.held():
        here.remembered.engine, here.remembered.log_port = "embedded", engine.port
        here.remember()
        applied = CliRunner().invoke(app, ["topics", "--apply"])
    assert applied.exit_code == 0, applied.output
    assert applied.output.endswith(f" in the log at {engine.address}\n")


def test_a_topic_that_is_not_as_declared_is_never_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_partition(address: str) -> None:
        async with opened(address) as log:
            await log.create_topics([TopicSpec("contacts", 1, compacted=False)])

    monkeypatch.setenv("SELLERS_ENGINE", "embedded")
    with running(NoidaKafka(tmp_path / "kafka")) as engine:
        monkeypatch.setenv("SELLERS_KAFKA", engine.address)
        asyncio.run(one_partition(engine.address))
        refused = CliRunner().invoke(app, ["topics", "--apply"])
    assert refused.exit_code == 1
    assert "contacts: 1 partitions instead of" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
