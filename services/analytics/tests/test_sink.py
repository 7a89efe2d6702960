"""What is stored is what is recomputed, whatever is delivered again, and it is verified as such."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.measures import TOPICS, contributions, recompute
from services.analytics.sink import MeasuresSink, entities_of, entity_document, entity_from
from services.analytics.tests.drawn import drawn
from services.analytics.tests.histories import ZONE, histories
from services.analytics.tests.kept import stored_cells
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.log import Partition, Record
from shared.memory import MemoryLog, MemoryStore
from shared.projector import Projector
from shared.testing import interleaved

COLLECTION = "measures"


async def appended(facts: Sequence[Envelope]) -> MemoryLog:
    log = MemoryLog(partitions=2)
    for fact in facts:
        await log.append(fact.data.topic, fact.stream, encode(fact))
    return log


async def all_records(log: MemoryLog) -> list[Record]:
    return [
        record
        for topic in TOPICS
        for partition, end in (await log.ends(topic)).items()
        async for batch in log.read(partition, 0, end)
        for record in batch
    ]


def projector(store: MemoryStore, log: MemoryLog) -> Projector:
    return Projector(MeasuresSink(COLLECTION, ZONE), store, log, SystemClock())


async def assert_right(store: MemoryStore, facts: Sequence[Envelope]) -> None:
    entities, cells = recompute(facts, ZONE)
    assert await stored_cells(store, COLLECTION) == cells
    stored = await store.find(entities_of(COLLECTION), {})
    assert {document["_id"]: entity_from(document) for document in stored} == entities


async def assert_stored(found: Sequence[Sequence[Envelope]], random: Random, most: int) -> None:
    """Fold batches of up to so many facts, delivered again, from before and beyond the cursor."""
    facts = interleaved(found, random)
    store = MemoryStore()
    # The publisher repeats itself: an acknowledgement that is lost is a second record.
    sent = [again for fact in facts for again in [fact] * random.choice((1, 1, 2))]
    late = [fact for fact in facts if random.random() < 0.2]
    log = await appended([*sent, *late])
    by_partition: dict[Partition, list[Record]] = {}
    for record in await all_records(log):
        by_partition.setdefault(Partition(record.topic, record.partition), []).append(record)
    for held in by_partition.values():
        reached = 0
        while reached < len(held):
            before = 0 if random.random() < 0.1 else max(0, reached - 4 * most)
            reached = min(len(held), reached + random.randint(1, most))
            await projector(store, log).absorb(held[random.randint(before, reached - 1) : reached])
    await assert_right(store, [fact for history in found for fact in history])


@settings(max_examples=40)
@given(histories(), st.randoms(use_true_random=False))
def test_stored_is_recomputed(found: list[list[Envelope]], random: Random) -> None:
    asyncio.run(assert_stored(found, random, 5))


@pytest.mark.parametrize("seed", range(2))
async def test_stored_is_recomputed_for_every_measure(seed: int) -> None:
    """Of every kind of stream, with every fact and every figure there is: see `test_histories`."""
    await assert_stored(drawn(), Random(seed), 40)


@given(histories())
def test_an_entity_is_read_back_as_it_was_written(found: list[list[Envelope]]) -> None:
    entities, _ = recompute((fact for history in found for fact in history), ZONE)
    for entity in entities.values():
        again = entity_from(entity_document(entity))
        assert again == entity
        assert contributions(again) == contributions(entity)
