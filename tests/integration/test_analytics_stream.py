"""The Faust worker against real servers: exact figures, also when it is killed while it folds."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from sellers.engines import NoidaKafka, SecantusMongo
from services.analytics.cells import Cell
from services.analytics.entities import Entity
from services.analytics.measures import STREAMS, TOPICS, recompute
from services.analytics.sink import MEASURES, entities_of, entity_from
from services.analytics.tests.drawn import told
from services.analytics.tests.kept import stored_cells
from services.analytics.worker import silence
from shared import builds
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.kafka import KafkaLog
from shared.log import Log, Partition
from shared.mongo import MongoStore
from shared.projector import Collections
from shared.store import Store
from shared.topics import load_topics
from shared.verify import facts_until
from tests.conftest import running

pytestmark = [pytest.mark.connected, pytest.mark.timeout(300)]

ZONE = ZoneInfo("Asia/Seoul")
EXACT_S = 90.0
Figures = tuple[dict[str, Entity], dict[Cell, int]]


@dataclass
class World:
    """Servers of this module's own: the topics' names are fixed, and one test kills a broker."""

    kafka: Any
    mongo: Any
    data_dir: Path
    log: Log
    store: Store

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        environment = {
            **os.environ,
            "SELLERS_KAFKA": self.kafka.address,
            "SELLERS_MONGO": self.mongo.address,
            "SELLERS_ENGINE": "embedded",
            "SELLERS_ZONE": "Asia/Seoul",
            "SELLERS_DATA_DIR": str(self.data_dir),
            "SELLERS_BATCH_MAX": "200",
        }
        with (self.data_dir / "worker.log").open("ab") as output:
            command = (sys.executable, "-m", "services.analytics.stream")
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    async def folded(self) -> int:
        cursors = Collections((await self.active()).collection).cursors
        return sum(cursor["offset"] for cursor in await self.store.find(cursors, {}))

    async def active(self) -> builds.Build:
        return (await builds.read(self.store, MEASURES)).active

    async def written(self) -> int:
        return sum([end for topic in TOPICS for end in (await self.log.ends(topic)).values()])

    async def figures(self) -> Figures:
        """What is stored once everything is folded."""
        await until(self.all_folded)
        _, figures = await self.stored()
        return figures

    async def stored(self) -> tuple[dict[str, int], Figures]:
        """What is stored at one moment: up to where the log was read, and what came of that."""
        collection = (await self.active()).collection
        async with self.store.transaction() as tx:
            cursors = await tx.find(Collections(collection).cursors, {})
            found = await tx.find(entities_of(collection), {})
            cells = await stored_cells(tx, collection)
        entities = {document["_id"]: entity_from(document) for document in found}
        return {cursor["_id"]: cursor["offset"] for cursor in cursors}, (entities, cells)

    async def all_folded(self) -> bool:
        return await self.folded() >= await self.written()

    async def append(self, facts: Sequence[Envelope]) -> None:
        """Many at once, but a stream's next fact only after the one before."""
        together: dict[str, Envelope] = {}
        for fact in (*facts, None):
            if fact is None or fact.stream in together or len(together) == 200:
                sending = together.values()
                await asyncio.gather(
                    *(self.log.append(f.data.topic, f.stream, encode(f)) for f in sending)
                )
                together = {}
            if fact is not None:
                together[fact.stream] = fact


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    data_dir = tmp_path_factory.mktemp("analytics")
    with (
        running(NoidaKafka(data_dir / "kafka")) as kafka,
        running(SecantusMongo(data_dir / "mongo")) as mongo,
    ):
        log = await KafkaLog.open(kafka.address, embedded=True)
        await log.create_topics(load_topics())
        store = await MongoStore.open(mongo.address, "sellers_analytics", "test")
        yield World(kafka, mongo, data_dir, log, store)
        await store.close()
        await log.close()


def streams(seed: int, count: int) -> list[Envelope]:
    """Some hundred streams of every kind as they happen, side by side."""
    return told(Random(seed), f"{seed}", count)


HISTORY: list[Envelope] = []


async def folded_more(world: World, count: int) -> bool:
    return await world.folded() >= count


async def is_active(world: World, build: builds.Build) -> bool:
    return await world.active() == build


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """What another process does is only seen by asking again."""
    async with asyncio.timeout(EXACT_S):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def assert_exact(world: World) -> None:
    assert await world.figures() == recompute(HISTORY, ZONE)


async def test_facts_become_figures_and_a_worker_that_is_told_to_ends(world: World) -> None:
    await tell(world, streams(1, 60))
    with world.worker() as worker:
        await assert_exact(world)
        await tell(world, streams(2, 60))
        await assert_exact(world)
        assert await silence(world.store, SystemClock().now()) is None
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await asyncio.to_thread(worker.wait) == 0
    assert await silence(world.store, SystemClock().now()) == "no worker has started"


async def test_a_killed_worker_goes_on_where_it_was(world: World) -> None:
    """Killed anywhere, it leaves what the facts read by then come to, whatever they are about."""
    random, backlogs = Random(20_261_130), []
    for number in range(4):
        await tell(world, streams(300 + number, 250))
        with world.worker():
            folded = await world.folded()
            await until(partial(folded_more, world, folded + random.randint(1, 400)))
        cursors, figures = await world.stored()
        read = [fact async for fact in facts_until(world.log, TOPICS, cursors)]
        assert figures == recompute(read, ZONE)
        backlogs.append(await world.written() - sum(cursors.values()))
    assert all(backlogs), "the worker was idle when it was killed: that proves nothing"
    with world.worker():
        await assert_exact(world)
    assert {fact.stream.partition("-")[0] for fact in HISTORY} == STREAMS


async def test_faust_acknowledges_what_follows_what_was_read_without_it(world: World) -> None:
    """Else it would keep every offset that follows, and deliver all of it again after a restart."""
    with world.worker():
        await tell(world, streams(30, 60))
        await until(partial(acknowledged, world))
    await tell(world, streams(31, 100))
    with world.worker():
        await until(world.all_folded)
        before = await world.log.ends("opportunities")
        await tell(world, streams(32, 60))
        ends = await world.log.ends("opportunities")
        assert all(ends[partition] > before[partition] for partition in ends)
        await until(partial(acknowledged, world))


async def tell(world: World, facts: list[Envelope]) -> None:
    HISTORY.extend(facts)
    await world.append(facts)


async def acknowledged(world: World) -> bool:
    return await committed(world) == await world.log.ends("opportunities")


async def committed(world: World) -> dict[Partition, int]:
    """Return from where Faust would go on after a restart."""
    admin = AIOKafkaAdminClient(bootstrap_servers=world.kafka.address)
    await admin.start()
    try:
        group = f"sellers_analytics-measures-v{MEASURES.version}"
        held = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return {
        Partition(place.topic, place.partition): told.offset
        for place, told in held.items()
        if place.topic == "opportunities" and told.offset >= 0
    }


async def test_what_faust_skipped_is_found(world: World) -> None:
    """Faust acknowledges what was never folded: the cursor goes back, Kafka's offset does not."""
    names = Collections((await world.active()).collection)
    for name in await world.store.collections():
        if name.startswith(f"{names.views}."):
            await world.store.drop(name)
    with world.worker():
        await assert_exact(world)


async def test_a_fresh_build_replaces_the_old_one(world: World) -> None:
    with world.worker():
        await assert_exact(world)
        build = await builds.begin(world.store, MEASURES)
        await until(partial(is_active, world, build))
        await assert_exact(world)
        await tell(world, streams(4, 20))
        await assert_exact(world)
