"""Several consumers of one group, on Apache Kafka: whoever folds what, everything counts once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from services.analytics.measures import TOPICS as MEASURED
from services.analytics.measures import recompute
from services.analytics.sink import MEASURES, entities_of, entity_from
from services.analytics.tests.drawn import told
from services.analytics.tests.kept import stored_cells
from services.contacts.projections import person_card
from shared import builds
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.events.contacts import PersonAffiliated, PersonRegistered
from shared.events.touches import TouchRecorded
from shared.kafka import KafkaLog
from shared.mongo import MongoStore
from shared.projector import Collections, Projector, cursor_id
from shared.sinks import ViewFolding, ViewSink
from shared.store import Transaction
from shared.testing import interleaved, recorded
from shared.topics import load_topics
from shared.verify import facts_until
from tests.integration.conftest import until

pytestmark = [pytest.mark.connected, pytest.mark.kafka, pytest.mark.timeout(300)]

PERSONS, TOUCHES = 40, 4_000
ZONE = ZoneInfo("Asia/Seoul")
# A member that says nothing is put out of its group after ten seconds.
EVICTED_S = 60.0


class PausingSink(ViewSink[Any]):
    """A sink whose batch can be held up inside its transaction: a process that sleeps there."""

    def __init__(self, collection: str) -> None:
        super().__init__(person_card, collection)
        self.asleep, self.awake = asyncio.Event(), asyncio.Event()
        self.pausing = False

    def begin(self) -> ViewFolding[Any]:
        return _PausingFolding(self)


class _PausingFolding(ViewFolding[Any]):
    async def load(self, tx: Transaction, facts: Sequence[Envelope]) -> None:
        await super().load(tx, facts)
        sink = self._sink
        assert isinstance(sink, PausingSink)
        if sink.pausing:
            sink.asleep.set()
            await sink.awake.wait()


@dataclass
class Crowd:
    """Projectors of one projection in one group: each with connections of its own."""

    kafka: str
    mongo: str
    database: str
    group: str
    store: MongoStore
    log: KafkaLog
    history: list[Envelope] = field(default_factory=list)

    @asynccontextmanager
    async def member(
        self, name: str, sink: ViewSink[Any] | None = None
    ) -> AsyncIterator[asyncio.Task[None]]:
        """A member that folds until the block is left."""
        async with AsyncExitStack() as stack:
            log = await KafkaLog.open(self.kafka, embedded=False)
            stack.push_async_callback(log.close)
            store = await MongoStore.open(self.mongo, self.database, name)
            stack.push_async_callback(store.close)
            sink = sink or ViewSink(person_card, "person_card_v1")
            projector = Projector(sink, store, log, SystemClock(), batch_max=100)
            folding = asyncio.create_task(projector.run(self.group))
            try:
                yield folding
            finally:
                folding.cancel()
                ended = await asyncio.gather(folding, return_exceptions=True)
            assert isinstance(ended[0], asyncio.CancelledError), ended

    async def append(self, facts: Sequence[Envelope]) -> None:
        """Many at once, but a stream's next fact only after the one before."""
        self.history += facts
        together: dict[str, Envelope] = {}
        for fact in (*facts, None):
            if fact is None or fact.stream in together or len(together) == 50:
                sending = list(together.values())
                await asyncio.gather(
                    *(self.log.append(f.data.topic, f.stream, encode(f)) for f in sending)
                )
                together = {}
            if fact is not None:
                together[fact.stream] = fact

    async def cursors(self, collection: str = "person_card_v1") -> dict[str, int]:
        held = await self.store.find(Collections(collection).cursors, {})
        return {cursor["_id"]: cursor["offset"] for cursor in held}

    async def folded(self) -> int:
        return sum((await self.cursors()).values())

    async def ends(self, topics: Sequence[str]) -> dict[str, int]:
        found = [await self.log.ends(topic) for topic in topics]
        return {cursor_id(p): end for ends in found for p, end in ends.items() if end}

    async def is_folded(self) -> bool:
        return await self.cursors() == await self.ends(person_card.topics)

    async def progressed(self, records: int) -> None:
        """Wait until so many more records are folded."""
        goal = await self.folded() + records

        async def far_enough() -> bool:
            return await self.folded() >= goal

        await until(far_enough, EVICTED_S)

    async def assert_counted_once(self) -> None:
        """Views equal the fold of the log, and the counts those that were sent."""
        await until(self.is_folded, EVICTED_S)
        stored = await self.store.find("person_card_v1", {})
        views = {view["_id"]: view["view"] for view in stored}
        expected = person_card.replay(self.history)
        assert views == {key: person_card.to_document(view) for key, view in expected.items()}
        sent = sum(isinstance(fact.data, TouchRecorded) for fact in self.history)
        assert sum(view["touch_count"] for view in views.values()) == sent
        assert await self.store.count(Collections("person_card_v1").parked, {}) == 0


@pytest.fixture
async def crowd(apache_kafka: Any, mongo_engine: Any, namespace: str) -> AsyncIterator[Crowd]:
    log = await KafkaLog.open(apache_kafka.address, embedded=False)
    await log.create_topics(load_topics())
    store = await MongoStore.open(mongo_engine.address, namespace, "test")
    crowd = Crowd(apache_kafka.address, mongo_engine.address, namespace, namespace, store, log)
    # The topics' names are fixed: what earlier tests left in them belongs to the history too.
    crowd.history += [fact async for fact in already_there(log, person_card.topics)]
    yield crowd
    await store.close()
    await log.close()


async def already_there(log: KafkaLog, topics: Sequence[str]) -> AsyncIterator[Envelope]:
    for topic in topics:
        ends = {cursor_id(p): end for p, end in (await log.ends(topic)).items()}
        async for fact in facts_until(log, (topic,), ends):
            yield fact


def touches_of(persons: int, touches: int, random: Random) -> list[Envelope]:
    """People and what happens with them: two topics, and many streams for each view."""
    run = uuid4().hex[:6]
    people = [f"person-{run}-{n}" for n in range(persons)]
    histories = [
        recorded(
            PersonRegistered(name=person),
            *(PersonAffiliated(company=f"company-{random.randint(1, 9)}") for _ in range(4)),
            stream=person,
        )
        for person in people
    ]
    histories += [
        recorded(
            TouchRecorded(
                publisher="t",
                publisher_id=f"{run}-{n}",
                person=random.choice(people),
                channel="call",
            ),
            stream=f"touch-{run}-{n}",
        )
        for n in range(touches)
    ]
    return interleaved(histories, random)


async def test_members_come_and_go_while_they_fold(crowd: Crowd) -> None:
    """Every change of the group happens amid the folding, with records left to fold."""
    appending = asyncio.create_task(crowd.append(touches_of(PERSONS, TOUCHES, Random(1))))
    backlogs: list[int] = []

    async def amid() -> None:
        await crowd.progressed(150)
        backlogs.append(sum((await crowd.ends(person_card.topics)).values()) - await crowd.folded())

    async with AsyncExitStack() as first, AsyncExitStack() as second, AsyncExitStack() as third:
        await first.enter_async_context(crowd.member("one"))
        await amid()
        await second.enter_async_context(crowd.member("two"))
        await amid()
        await third.enter_async_context(crowd.member("three"))
        await amid()
        await first.aclose()
        await amid()
        await first.enter_async_context(crowd.member("one"))
        await amid()
        await second.aclose()
        await third.aclose()
        await appending
        await crowd.assert_counted_once()
    assert all(backlogs), f"a group that had nothing to do proves nothing: {backlogs}"


async def test_a_zombie_after_a_rebalance_is_refused(crowd: Crowd) -> None:
    """It slept inside its transaction while another member folded the same records."""
    sink = PausingSink("person_card_v1")
    await crowd.append(touches_of(PERSONS, 400, Random(2)))
    async with crowd.member("sleeper", sink) as sleeper:
        await until(crowd.is_folded, EVICTED_S)
        sink.pausing = True
        more = touches_of(PERSONS, 400, Random(3))
        await crowd.append(more)
        async with asyncio.timeout(EVICTED_S):
            await sink.asleep.wait()
        before = await crowd.cursors()
        async with crowd.member("heir"):
            # The group gives a share of the sleeper's partitions to the newcomer, who folds them.
            await crowd.progressed(100)
            taken = {key for key, at in (await crowd.cursors()).items() if at != before[key]}
            assert taken
            # The sleeper wakes, and commits late.
            sink.pausing = False
            sink.awake.set()
            await crowd.assert_counted_once()
            assert not sleeper.done()


# Folds in a process of its own, so that it can be stopped as a whole, its heartbeats included.
MEMBER = """
import asyncio, sys
from services.contacts.projections import person_card
from shared.clock import SystemClock
from shared.kafka import KafkaLog
from shared.mongo import MongoStore
from shared.projector import Projector
from shared.sinks import ViewSink

async def main(kafka, mongo, database, name, group):
    log = await KafkaLog.open(kafka, embedded=False)
    store = await MongoStore.open(mongo, database, name)
    sink = ViewSink(person_card, "person_card_v1")
    await Projector(sink, store, log, SystemClock(), batch_max=50).run(group)

asyncio.run(main(*sys.argv[1:]))
"""


@contextmanager
def process(command: Sequence[str], log_file: Path, **more: str) -> Iterator[Any]:
    with log_file.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, *command], env={**os.environ, **more}, stdout=output, stderr=output
        )
        try:
            yield child
        finally:
            child.kill()
            child.wait()


async def test_a_stopped_process_wakes_after_its_eviction(crowd: Crowd, tmp_path: Path) -> None:
    """Stopped as a whole, it is put out of the group; awake again, it believes it is a member."""
    appending = asyncio.create_task(crowd.append(touches_of(PERSONS, TOUCHES, Random(4))))
    told = (crowd.kafka, crowd.mongo, crowd.database, "frozen", crowd.group)
    with process(("-c", MEMBER, *told), tmp_path / "member.log") as frozen:
        await crowd.progressed(300)
        frozen.send_signal(signal.SIGSTOP)
        backlog = sum((await crowd.ends(person_card.topics)).values()) - await crowd.folded()
        async with crowd.member("heir"):
            await appending
            # All of them are the heir's only once the stopped member is out.
            await until(crowd.is_folded, 2 * EVICTED_S)
            frozen.send_signal(signal.SIGCONT)
            await crowd.append(touches_of(PERSONS, 500, Random(5)))
            await crowd.assert_counted_once()
        assert frozen.poll() is None, (tmp_path / "member.log").read_text()
        await crowd.append(touches_of(PERSONS, 200, Random(6)))
        await crowd.assert_counted_once()  # The one that had slept is back among the living.
    assert backlog


@dataclass
class Workers:
    """Faust workers of one group, over what the crowd appends."""

    crowd: Crowd
    data_dir: Path

    @contextmanager
    def one(self, name: str) -> Iterator[Any]:
        told = {
            "SELLERS_KAFKA": self.crowd.kafka,
            "SELLERS_MONGO": self.crowd.mongo,
            "SELLERS_ENGINE": "kafka",
            "SELLERS_ZONE": str(ZONE),
            "SELLERS_INSTANCE": name,
            "SELLERS_DATABASE_PREFIX": self.crowd.database,
            "SELLERS_DATA_DIR": str(self.data_dir / name),
            "SELLERS_BATCH_MAX": "200",
        }
        command = ("-m", "services.analytics.stream")
        with process(command, self.data_dir / f"{name}.log", **told) as child:
            yield child


async def assert_figures(crowd: Crowd, store: MongoStore) -> None:
    """Once all is folded, what is stored is what the whole log comes to: entities and cells."""
    collection = (await builds.read(store, MEASURES)).active.collection
    ends = sum((await crowd.ends(MEASURED)).values())

    async def all_folded() -> bool:
        held = await store.find(Collections(collection).cursors, {})
        return sum(cursor["offset"] for cursor in held) >= ends

    await until(all_folded, 2 * EVICTED_S)
    found = await store.find(entities_of(collection), {})
    entities = {document["_id"]: entity_from(document) for document in found}
    assert (entities, await stored_cells(store, collection)) == recompute(crowd.history, ZONE)


async def test_two_faust_workers_share_the_figures(
    crowd: Crowd, apache_kafka: Any, mongo_engine: Any, tmp_path: Path
) -> None:
    """One joins amid the folding, one is killed amid it and comes back: no figure moves."""
    others = sorted(set(MEASURED) - set(person_card.topics))
    crowd.history += [fact async for fact in already_there(crowd.log, others)]
    store = await MongoStore.open(mongo_engine.address, f"{crowd.database}analytics", "test")
    workers = Workers(crowd, tmp_path)
    backlogs = []

    async def folded() -> int:
        build = (await builds.read(store, MEASURES)).active
        held = await store.find(Collections(build.collection).cursors, {})
        return sum(cursor["offset"] for cursor in held)

    async def progressed(records: int) -> None:
        goal = await folded() + records

        async def far_enough() -> bool:
            return await folded() >= goal

        await until(far_enough, 2 * EVICTED_S)
        backlogs.append(sum((await crowd.ends(MEASURED)).values()) - await folded())

    run = uuid4().hex[:6]
    told_first, told_then = (told(Random(seed), f"{run}-{seed}", 700) for seed in (7, 8))
    appending = asyncio.create_task(crowd.append(told_first))
    with ExitStack() as stack:
        stack.enter_context(workers.one("one"))
        await progressed(300)
        stack.enter_context(workers.one("two"))
        await progressed(300)
        with workers.one("three"):
            await progressed(300)
        # Killed: its partitions stay without a reader until it is put out, or comes back.
        stack.enter_context(workers.one("three"))
        await appending

        await assert_figures(crowd, store)
        appending = asyncio.create_task(crowd.append(told_then))
        await progressed(300)
    # All of them killed at once; whoever comes instead is given other partitions than any had.
    with workers.one("four"), workers.one("five"):
        await progressed(300)
        await appending
        await assert_figures(crowd, store)
    await store.close()
    assert all(backlogs), f"workers that had nothing to do prove nothing: {backlogs}"
