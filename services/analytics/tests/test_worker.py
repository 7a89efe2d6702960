"""Whoever delivers whatever part of the facts: the figures are exact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from services.analytics import sink, worker
from services.analytics.cells import Cell
from services.analytics.entities import Entity
from services.analytics.main import domain
from services.analytics.measures import TOPICS, recompute
from services.analytics.proof import verify_measures
from services.analytics.sink import MEASURES, MeasuresSink
from services.analytics.tests.crm import stream
from services.analytics.tests.histories import ZONE
from services.analytics.tests.kept import stored_cells
from services.analytics.worker import Deliveries, Measuring, OlderReleaseError, silence
from shared import builds
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.events.opportunities import OpportunityDiscovered, OpportunityLost, OpportunityWon
from shared.log import LogUnavailableError, Partition, Record
from shared.memory import MemoryLog, MemoryStore
from shared.projector import Collections, Projector
from shared.published import Build
from shared.runtime import Runtime
from shared.settings import Settings

SEEN = OpportunityDiscovered(title="Chance", stage="Engaging", owner="employee-kim")


def deals(count: int) -> list[Envelope]:
    return [
        fact
        for number in range(count)
        for fact in stream(f"opportunity-{number}", SEEN, OpportunityLost())
    ]


class World:
    def __init__(self) -> None:
        self.log, self.store = MemoryLog(3), MemoryStore()
        self.facts: list[Envelope] = []
        self.measuring = Measuring(
            self.projector, self.store, self.log, SystemClock(), "worker-1", embedded=True
        )

    def projector(self, build: Build) -> Projector:
        measures = MeasuresSink(build.collection, ZONE)
        return Projector(
            measures, self.store, self.log, SystemClock(), batch_max=7, refold_on_mismatch=True
        )

    async def append(self, facts: Sequence[Envelope]) -> list[Record]:
        self.facts += facts
        for fact in facts:
            await self.log.append(fact.data.topic, fact.stream, encode(fact))
        return [
            record
            for partition, end in (await self.log.ends("opportunities")).items()
            async for batch in self.log.read(partition, 0, end)
            for record in batch
        ]

    async def mend(self) -> None:
        partitions = [p for topic in TOPICS for p in await self.log.ends(topic)]
        await self.measuring.mend(partitions)

    async def active(self) -> Build:
        return (await builds.read(self.store, MEASURES)).active

    async def assert_exact(self) -> None:
        cells = await stored_cells(self.store, (await self.active()).collection)
        assert cells == recompute(self.facts, ZONE)[1]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    # A second without records is what Faust's silence looks like; here none has to pass.
    monkeypatch.setattr(worker, "QUIET_S", 0.0)
    return World()


@asynccontextmanager
async def folding(measuring: Measuring) -> AsyncIterator[None]:
    task = asyncio.create_task(measuring.keep_folding())
    yield
    async with asyncio.timeout(10):
        while measuring._pending:  # noqa: ASYNC110
            await asyncio.sleep(0)
        async with measuring._folding:
            task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@dataclass
class Heard(Deliveries):
    """What whoever delivers is told."""

    held: list[Partition] = field(default_factory=list)
    freed: list[Partition] = field(default_factory=list)
    places: dict[Partition, int] = field(default_factory=dict)

    async def hold(self, partitions: Collection[Partition]) -> None:
        self.held.extend(partitions)

    async def go_on(self, held: Collection[Partition], places: Mapping[Partition, int]) -> None:
        self.freed.extend(held)
        self.places.update(places)


async def test_what_is_far_behind_is_read_without_waiting_for_deliveries(world: World) -> None:
    """And whoever delivers is told where to go on; what they bring all the same is dropped."""
    records = await world.append(deals(120))
    await world.measuring.start()
    partitions = [p for topic in TOPICS for p in await world.log.ends(topic)]

    heard = Heard()
    await world.measuring.hurry((), heard)
    assert heard == Heard()
    await world.measuring.hurry(partitions, heard)
    ends = await world.log.ends("opportunities")
    assert heard.places == {partition: end for partition, end in ends.items() if end}
    assert set(heard.held) == set(heard.freed) == set(heard.places)
    async with folding(world.measuring):
        await world.measuring.take(records)
    await world.mend()
    await world.assert_exact()
    quiet = Heard()
    await world.measuring.hurry(partitions, quiet)
    assert quiet == Heard()


async def test_what_was_held_is_delivered_again_when_reading_failed(world: World) -> None:
    await world.append(deals(120))
    await world.measuring.start()
    partitions = [p for topic in TOPICS for p in await world.log.ends(topic)]
    heard = Heard()

    def away(*_: Any) -> Any:
        raise LogUnavailableError("gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryLog, "read", away)
        await world.measuring.hurry(partitions, heard)
    assert heard.held
    assert (set(heard.freed), heard.places) == (set(heard.held), {})


async def test_the_next_is_fetched_while_this_one_is_worked_on() -> None:
    fetched: list[int] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            for number in range(4):
                fetched.append(number)
                yield number
        finally:
            fetched.append(-1)

    async with aclosing(worker.ahead(numbers())) as batches:
        assert await anext(batches) == 0
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert fetched == [0, 1]
        assert await anext(batches) == 1
    assert fetched[-1] == -1
    assert [one async for one in worker.ahead(numbers())] == [0, 1, 2, 3]


async def test_what_cannot_be_counted_is_parked_and_the_rest_is_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.append(deals(8))
    count, uncounted = sink.change, "opportunity-3"

    def counted(before: Entity | None, after: Entity) -> dict[Cell, int]:
        if after.stream == uncounted:
            raise ArithmeticError("no number")
        return count(before, after)

    monkeypatch.setattr(sink, "change", counted)
    await world.measuring.start()
    await world.mend()
    parked = await world.store.find(Collections((await world.active()).collection).parked, {})
    assert {document["stream"] for document in parked} == {uncounted}
    assert any("no number" in document["reason"] for document in parked)
    world.facts = [fact for fact in world.facts if fact.stream != uncounted]
    await world.assert_exact()


@pytest.mark.parametrize("seed", range(5))
async def test_what_is_delivered_in_part_is_folded_whole(world: World, seed: int) -> None:
    random = Random(seed)
    records = await world.append(deals(20))
    await world.measuring.start()
    async with folding(world.measuring):
        for _ in range(6):
            await world.measuring.take(random.sample(records, random.randint(1, 9)))
    await world.mend()
    await world.assert_exact()


async def test_what_nobody_delivers_is_found(world: World) -> None:
    await world.measuring.start()
    await world.append(deals(10))
    await world.mend()
    await world.assert_exact()


async def test_a_fact_that_was_dropped_for_good_is_missed_by_nobody(world: World) -> None:
    """An amount that no sum can hold: somebody decided that the figures do without it."""
    won = OpportunityWon(value=Decimal(10) ** 40, currency="USD")
    await world.append([*deals(1), *stream("opportunity-1", SEEN, won, OpportunityLost())])
    await world.measuring.start()
    await world.mend()
    parked = Collections((await world.active()).collection).parked
    held = {one["version"]: one["_id"] for one in await world.store.find(parked, {})}
    projector = world.projector(await world.active())
    assert await projector.drop("opportunity-1", held[2], reason="a typing mistake", by="ada") == 0
    runtime = Runtime(domain, world.store, world.log, SystemClock(), Settings())
    check = await verify_measures(runtime)
    assert (check.differences, check.skipped) == ([], 1)
    assert check.checked > 0


async def test_who_repairs_the_log_has_it_read_again(world: World) -> None:
    await world.measuring.start()
    await world.append(deals(10))
    await world.mend()
    cursors = Collections((await world.active()).collection).cursors
    held = await world.store.find(cursors, {})
    await world.store.delete_many(cursors, [cursor["_id"] for cursor in held])
    await world.append(deals(12)[20:])
    await world.mend()
    await world.assert_exact()
    again = {c["_id"]: c["offset"] for c in await world.store.find(cursors, {})}
    assert again.items() >= {c["_id"]: c["offset"] for c in held}.items()


async def test_a_log_that_forgot_its_newest_records_is_read_from_its_beginning(
    world: World,
) -> None:
    await world.measuring.start()
    everything = deals(10)
    await world.append(everything)
    await world.mend()
    forgetful = World()
    forgetful.store = world.store
    forgetful.measuring.store = world.store
    await forgetful.append(everything[:6])
    await forgetful.measuring.start()
    await forgetful.mend()
    await forgetful.append(everything[6:])
    await forgetful.mend()
    await forgetful.assert_exact()


async def test_what_comes_where_the_log_forgot_a_copy_is_folded_before_a_quiet_second(
    world: World,
) -> None:
    """The copy was folded last; new facts lie at its place and beyond when the worker starts."""
    everything = deals(10)
    await world.measuring.start()
    await world.append([*everything, *everything[-2:]])
    await world.mend()
    forgetful = World()
    forgetful.store = world.store
    forgetful.measuring.store = world.store
    await forgetful.append(everything)
    await forgetful.measuring.start()
    records = await forgetful.append(deals(30)[20:])
    async with folding(forgetful.measuring):
        await forgetful.measuring.take(records)
    await forgetful.mend()
    await forgetful.assert_exact()


async def test_a_fresh_build_replaces_the_old_one(world: World) -> None:
    await world.measuring.start()
    await world.append(deals(10))
    build = await builds.begin(world.store, MEASURES)
    await world.measuring.follow_builds()
    assert await world.active() == build
    await world.assert_exact()
    await world.append(deals(12)[20:])
    await world.mend()
    await world.assert_exact()


async def test_a_worker_that_reads_a_long_history_is_not_taken_for_dead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SIGN_OF_LIFE_S", 0.0)
    await world.measuring.start()
    await world.append(deals(20))
    coming = await builds.begin(world.store, MEASURES)
    absorb = Projector.absorb

    async def absorbed(projector: Projector, records: Sequence[Record]) -> None:
        await absorb(projector, records)
        if projector.sink.collection == coming.collection:
            await world.store.delete_many(worker.WORKERS, ["worker-1"])

    monkeypatch.setattr(Projector, "absorb", absorbed)
    await world.measuring.follow_builds()
    assert await world.active() == coming
    assert await silence(world.store, SystemClock().now()) is None


async def test_a_rebuild_that_a_drop_begins_anew_is_finished_by_the_one_after_it(
    world: World,
) -> None:
    await world.append(deals(5))
    await world.measuring.start()
    coming = await builds.begin(world.store, MEASURES)
    begun = builds.switch

    async def switch(*asked: Any) -> builds.Builds:
        async with world.store.transaction() as tx:
            await builds.renew(MEASURES, await world.active(), tx)
        return await begun(*asked)

    with pytest.MonkeyPatch.context() as during:
        during.setattr(builds, "switch", switch)
        await world.measuring.follow_builds()
    assert (await world.active()).generation == coming.generation - 1
    assert world.measuring._projector.sink.collection == (await world.active()).collection
    await world.measuring.follow_builds()
    assert (await world.active()).generation == coming.generation + 1
    await world.append(deals(7)[5 * 2 :])
    await world.mend()
    await world.assert_exact()


async def test_an_older_release_does_not_fold(world: World) -> None:
    newer = builds.Builds(Build(MEASURES.name, MEASURES.version + 1)).document()
    await world.store.put_many(builds.BUILDS, [newer])
    with pytest.raises(OlderReleaseError):
        await world.measuring.start()


async def test_a_worker_that_fails_says_why(world: World) -> None:
    await world.measuring.leave(RuntimeError("the release is wrong"))
    assert await silence(world.store, SystemClock().now()) == "the release is wrong"
    await world.measuring.leave(None)
    assert await silence(world.store, SystemClock().now()) == "no worker has started"


async def test_a_worker_that_gets_nowhere_is_told_from_one_that_waits(world: World) -> None:
    """Liveness: a new start helps the first and harms the second."""
    assert await world.measuring.stuck() == {}  # It has not begun.
    assert "measures" in await world.measuring.missing()
    await world.measuring.start()
    mending = asyncio.create_task(world.measuring.keep_mending(lambda: ()))
    async with asyncio.timeout(10):
        while await world.measuring.missing():  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)
    assert await world.measuring.stuck() == {}
    mending.cancel()
    await asyncio.gather(mending, return_exceptions=True)
    world.measuring._turned_at -= worker.STUCK_S
    assert "nothing has gone on for" in (await world.measuring.stuck())["measures"]
