"""The servers start, keep what they acknowledged through kill -9, and leave no process behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from sellers.engines import PROGRAMS, ApacheCluster, ApacheKafka, NoidaKafka, SecantusMongo
from sellers.processes import Engine, EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.connected

RECORDS = 200
# noida-db writes its file about once a second; what is older than this must be in it.
SAVED_SECONDS = 2.0
ALIVE = """
import sys, time
from pathlib import Path
from sellers.engines import NoidaKafka, SecantusMongo
for kind in (NoidaKafka, SecantusMongo):
    engine = kind(Path(sys.argv[1]) / kind.name)
    engine.start()
    print(engine.pid, flush=True)
time.sleep(60)
"""
# For the store's own Python: how large each table's pages may be, and whether anything is in it.
TABLES = """
import re, sys, wiredtiger
connection = wiredtiger.wiredtiger_open(sys.argv[1], "log=(enabled=true)")
session = connection.open_session()
for uri, settings in session.open_cursor("metadata:"):
    if uri.startswith("file:secantus_"):
        table = uri.removeprefix("file:secantus_").removesuffix(".wt")
        page = re.search(r"memory_page_max=(\\w+)", settings).group(1)
        filled = session.open_cursor(f"table:secantus_{table}").next() == 0
        print(table, page, "filled" if filled else "empty")
"""


@pytest.fixture
def stopping() -> Iterator[Callable[[Engine], Engine]]:
    """Whatever a test starts is gone afterwards, also when the test fails."""
    started: list[Engine] = []

    def remember(engine: Engine) -> Engine:
        started.append(engine)
        return engine

    yield remember
    for engine in started:
        engine.kill()


def exists(pid: int) -> bool:
    """A zombie has ended: only nobody has asked how yet."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  (a path would be no clearer)
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def produce(address: str, topic: str, copies: int = 1) -> None:
    """Create the topic, and return when every record is acknowledged."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, copies)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        for number in range(RECORDS):
            await producer.send_and_wait(topic, b"%d" % number, partition=0)


async def consume(address: str, topic: str) -> list[int]:
    async with AIOKafkaConsumer(bootstrap_servers=address) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        (end,) = (await consumer.end_offsets([partition])).values()
        # Not seek_to_beginning: it loses against the reset to the end that assign() has begun.
        consumer.seek(partition, 0)
        values: list[int] = []
        async with asyncio.timeout(30):
            while len(values) < end:
                values.append(int((await consumer.getone()).value))
        return values


def motor_client(address: str) -> AsyncIOMotorClient:
    """Motor says goodbye when it is closed, and waits this long for a server that is dead."""
    return AsyncIOMotorClient(address, retryWrites=False, serverSelectionTimeoutMS=500)


async def test_noida_keeps_what_it_saved_through_a_kill(
    tmp_path: Path, stopping: Callable[[Engine], Engine]
) -> None:
    engine = stopping(NoidaKafka(tmp_path / "kafka"))
    engine.start()
    address = engine.address
    await produce(address, "facts")
    await asyncio.sleep(SAVED_SECONDS)  # time itself is what is tested here
    engine.kill()
    assert engine.pid is None
    engine.start()
    assert engine.address == address
    assert await consume(address, "facts") == list(range(RECORDS))


async def test_noida_saves_everything_when_it_is_stopped(
    tmp_path: Path, stopping: Callable[[Engine], Engine]
) -> None:
    engine = stopping(NoidaKafka(tmp_path / "kafka"))
    engine.start()
    await produce(engine.address, "facts")
    engine.restart()
    assert await consume(engine.address, "facts") == list(range(RECORDS))


async def test_secantus_keeps_every_acknowledged_transaction_through_a_kill(
    tmp_path: Path, stopping: Callable[[Engine], Engine]
) -> None:
    """The kill comes amid the writing: without --sync-on-commit the last 30 ms are lost."""
    engine = stopping(SecantusMongo(tmp_path / "mongo"))
    engine.start()
    durable = WriteConcern(w="majority", j=True)
    acknowledged: list[int] = []
    enough = asyncio.Event()
    with contextlib.closing(motor_client(engine.address)) as client:
        facts = client.engines.facts
        await facts.insert_one({"_id": -1})

        async def write() -> None:
            async with await client.start_session() as session:
                for number in range(1_000_000):
                    async with session.start_transaction(write_concern=durable):
                        await facts.insert_one({"_id": number}, session=session)
                    acknowledged.append(number)
                    if number == RECORDS:
                        enough.set()

        writing = asyncio.create_task(write())
        async with asyncio.timeout(20):
            await enough.wait()
        engine.kill()
        with pytest.raises(PyMongoError):
            await writing
    engine.start()
    with contextlib.closing(motor_client(engine.address)) as client:
        kept = {fact["_id"] async for fact in client.engines.facts.find()}
    assert set(acknowledged) - kept == set()


async def test_secantus_goes_on_with_the_tables_that_we_made(
    tmp_path: Path, stopping: Callable[[Engine], Engine]
) -> None:
    """Had it made its own, under other names, ours would be empty and its pages small."""
    engine = stopping(SecantusMongo(tmp_path / "mongo"))
    engine.start()
    with contextlib.closing(motor_client(engine.address)) as client:
        for kind in range(64):
            await client.engines[f"kind-{kind}"].insert_one({"_id": 1, "by": kind})
        await client.engines["kind-1"].create_index("by")
    engine.stop()
    listed = await asyncio.to_thread(
        subprocess.check_output,
        [PROGRAMS / "bin/python", "-c", TABLES, engine.data_dir / "data"],
        text=True,
    )
    found = {table: (page, state) for table, page, state in map(str.split, listed.splitlines())}
    large = {"natural_seq", "index_entries", "oplog", *(f"documents_sh{n}" for n in range(16))}
    assert {table: found.get(table) for table in large} == dict.fromkeys(large, ("128MB", "filled"))


@pytest.mark.parametrize("kind", [NoidaKafka, SecantusMongo])
def test_stopping_leaves_no_process(
    kind: type[Engine], tmp_path: Path, stopping: Callable[[Engine], Engine]
) -> None:
    engine = stopping(kind(tmp_path / "data"))
    engine.start()
    pid = engine.pid
    assert pid is not None
    engine.stop()
    assert not exists(pid)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", engine.port), timeout=1)


def test_killing_one_leaves_the_other_alone(
    tmp_path: Path, stopping: Callable[[Engine], Engine]
) -> None:
    log, documents = stopping(NoidaKafka(tmp_path / "k")), stopping(SecantusMongo(tmp_path / "m"))
    log.launch()
    documents.launch()
    log.wait_ready()
    documents.wait_ready()
    log.kill()
    documents.wait_ready()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word for it is Linux's")
def test_servers_die_with_whoever_started_them(tmp_path: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", ALIVE, tmp_path], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    with starter.stdout as lines:
        pids = [int(lines.readline()) for _ in range(2)]
        assert all(exists(pid) for pid in pids)
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    deadline = time.monotonic() + 10
    while any(exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [pid for pid in pids if exists(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


@pytest.mark.parametrize("kind", [NoidaKafka, SecantusMongo])
def test_a_given_port_that_is_taken_is_said(kind: type[Engine], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        engine = kind(tmp_path / "data", port=taken.getsockname()[1])
        with pytest.raises(EngineError, match="is taken"):
            engine.start()
    assert engine.pid is None


@pytest.mark.parametrize("kind", [NoidaKafka, SecantusMongo])
def test_a_lost_race_for_a_free_port_is_run_again(
    kind: type[Engine], tmp_path: Path, stopping: Callable[[Engine], Engine]
) -> None:
    engine = stopping(kind(tmp_path / "data"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        engine.port = taken.getsockname()[1]
        engine.start()
        assert engine.port != taken.getsockname()[1]
        assert engine.pid is not None


@pytest.mark.kafka
@pytest.mark.timeout(400)  # Maven may have to fetch the jars first
async def test_apache_kafka_keeps_its_records_through_a_kill(
    tmp_path: Path, stopping: Callable[[Engine], Engine]
) -> None:
    engine = stopping(ApacheKafka(tmp_path / "kafka"))
    engine.start()
    await produce(engine.address, "facts")
    engine.kill()
    engine.start()
    assert await consume(engine.address, "facts") == list(range(RECORDS))


@pytest.mark.kafka
@pytest.mark.timeout(400)
async def test_a_cluster_survives_the_loss_of_a_node(tmp_path: Path) -> None:
    cluster = ApacheCluster(tmp_path / "cluster")
    try:
        cluster.start()
        await produce(cluster.address, "facts", copies=3)
        cluster.nodes[0].kill()
        assert await consume(cluster.address, "facts") == list(range(RECORDS))
    finally:
        cluster.stop()
