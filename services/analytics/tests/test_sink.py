"""What is stored is what is recomputed, whatever is delivered again, and it is verified as such."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.cells import AXES, Cell
from services.analytics.measures import TOPICS, contributions, recompute
from services.analytics.sink import (
    MeasuresSink,
    _document,
    add_cells,
    cell_documents,
    cells_in,
    cells_of,
    entities_of,
    entity_document,
    entity_from,
    read_documents,
    summed,
)
from services.analytics.tests.histories import ZONE, histories
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
    assert summed(await read_documents(store, COLLECTION, AXES)) == cells
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
def test_documents_hold_what_cells_say(found: list[list[Envelope]]) -> None:
    entities, cells = recompute((fact for history in found for fact in history), ZONE)
    for axis, added in cell_documents((cell, n, 3) for cell, n in cells.items()).items():
        documents = [_document(addition) for addition in added.values()]
        expected = {cell: amount for cell, amount in cells.items() if cell.axis == axis}
        assert dict(pair for doc in documents for pair in cells_in(axis, doc)) == expected
    for entity in entities.values():
        again = entity_from(entity_document(entity))
        assert again == entity
        assert contributions(again) == contributions(entity)


async def test_one_owner_is_read_alone() -> None:
    store = MemoryStore()
    day = date(2026, 1, 5)
    owners = ["employee-1", "employee-10", 'employee-1"', "", "김"]
    cells = {Cell("open", owner, "product", "", day): 1 for owner in owners}
    cells[Cell("open", "employee-1", "owner", "", day)] = 1
    async with store.transaction() as tx:
        await add_cells(tx, "cells", [(cell, 1, 0) for cell in cells])
    for owner in owners:
        found = summed(await read_documents(store, "cells", ("product",), owner))
        assert found == {Cell("open", owner, "product", "", day): 1}
    assert summed(await read_documents(store, "cells", ("product", "owner"))) == cells


async def test_shares_of_several_partitions_add_up_and_what_cancels_is_gone() -> None:
    store, day = MemoryStore(), date(2026, 1, 5)
    stays, cancels = (Cell("open", owner, "owner", "", day) for owner in ("employee-1", ""))
    async with store.transaction() as tx:
        await add_cells(tx, "cells", [(stays, 2, 0), (stays, -1, 3), (cancels, 1, 0)])
    async with store.transaction() as tx:
        await add_cells(tx, "cells", [(cancels, -1, 3)])
    assert await store.count(cells_of("cells", "owner"), {}) == 4
    assert summed(await read_documents(store, "cells", ("owner",))) == {stays: 1}


def test_workers_of_several_partitions_never_share_a_cell() -> None:
    together, apart = (MeasuresSink(COLLECTION, ZONE, apart=told) for told in (False, True))
    assert [apart.shard(number) for number in (0, 3)] == [0, 3]
    assert [together.shard(number) for number in (0, 3)] == [0, 0]
