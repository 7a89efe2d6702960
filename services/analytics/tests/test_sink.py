"""What is stored is what is recomputed, whatever is delivered again, and it is verified as such."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.measures import TOPICS, contributions, recompute
from services.analytics.sink import MeasuresSink, entities_of, entity_document, entity_from
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


@settings(max_examples=40)
@given(histories(), st.randoms(use_true_random=False))
def test_stored_is_recomputed(found: list[list[Envelope]], random: Random) -> None:
    """Batches of any size, delivered again, from before the cursor and from beyond it."""

    async def scenario() -> None:
        facts = interleaved(found, random)
        store = MemoryStore()
        # The publisher repeats itself: an acknowledgement that is lost is a second record.
        sent = [again for fact in facts for again in [fact] * random.choice((1, 1, 2))]
        late = [fact for fact in facts if random.random() < 0.2]
        log = await appended([*sent, *late])
        records = await all_records(log)
        by_partition: dict[Partition, list[Record]] = {}
        for record in records:
            by_partition.setdefault(Partition(record.topic, record.partition), []).append(record)
        for held in by_partition.values():
            reached = 0
            while reached < len(held):
                reached = min(len(held), reached + random.randint(1, 5))
                await projector(store, log).absorb(held[random.randint(0, reached - 1) : reached])
        await assert_right(store, [fact for history in found for fact in history])

    asyncio.run(scenario())


@given(histories())
def test_an_entity_is_read_back_as_it_was_written(found: list[list[Envelope]]) -> None:
    entities, _ = recompute((fact for history in found for fact in history), ZONE)
    for entity in entities.values():
        again = entity_from(entity_document(entity))
        assert again == entity
        assert contributions(again) == contributions(entity)
