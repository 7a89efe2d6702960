"""Where folding goes on: never back, never on another log, and past what it does not follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from shared import builds
from shared.events import encode
from shared.events.organization import EmployeeAssigned, EmployeeJoined
from shared.log import LogTruncatedError, Partition, Record
from shared.memory import MemoryLog, MemoryStore
from shared.projection import Projection
from shared.projector import (
    Collections,
    CursorMovedError,
    LogMismatchError,
    Projector,
    Span,
    cursor_id,
    dropped_by,
)
from shared.sinks import ViewSink
from shared.store import Reads
from shared.testing import recorded
from shared.tests.tiny import Card, build, card_projection, tiny_domain

ADA = "employee-ada"
ONE = Partition("organization", 0)
NAMES = Collections("card_v1")


async def log_of(*names: str) -> MemoryLog:
    log = MemoryLog({"organization": 1})
    for number, name in enumerate(names):
        (fact,) = recorded(EmployeeJoined(name=name), stream=f"employee-{number}")
        await log.append("organization", fact.stream, encode(fact))
    return log


async def records_of(log: MemoryLog) -> list[Record]:
    end = (await log.ends("organization"))[ONE]
    return [record async for batch in log.read(ONE, 0, end) for record in batch]


def projector(
    store: MemoryStore, log: MemoryLog, card: Projection[Card] | None = None
) -> Projector:
    runtime = build(tiny_domain(), store, log)
    return runtime.projector(ViewSink(card or card_projection(), "card_v1"))


async def cursor(store: MemoryStore) -> Any:
    document = await store.get(NAMES.cursors, cursor_id(ONE))
    return None if document is None else document["offset"]


async def test_what_was_folded_already_does_not_move_the_cursor_back() -> None:
    store, log = MemoryStore(), await log_of("Ada", "Bo", "Cy")
    folding, records = projector(store, log), await records_of(log)
    await folding.absorb(records)
    for again in (records[:1], records[1:], records):
        await folding.absorb(again)
        assert await cursor(store) == 3


async def test_a_batch_that_began_elsewhere_writes_nothing() -> None:
    """What a member reads who slept while another folded its partition."""
    store, log = MemoryStore(), await log_of("Ada", "Bo", "Cy")
    folding, records = projector(store, log), await records_of(log)
    await folding.absorb(records[:2])
    for start, stop in ((0, 3), (1, 3), (3, 3)):
        with pytest.raises(CursorMovedError):
            await folding._commit([Span(ONE, start, stop, tuple(records[start - 1 :]))])
    assert await cursor(store) == 2
    assert set(await store.get_many(NAMES.views, ["employee-2"])) == set()


@pytest.mark.parametrize("names", [("Ada", "Bo", "Eve"), ("Ada", "Bo"), ()])
async def test_a_log_that_is_not_the_one_that_was_folded_is_told(names: tuple[str, ...]) -> None:
    store, log = MemoryStore(), await log_of("Ada", "Bo", "Cy")
    await projector(store, log).absorb(await records_of(log))
    assert await projector(store, log).positions([ONE]) == {ONE: 3}
    other = projector(store, await log_of(*names))
    with pytest.raises(LogMismatchError, match="folded last, before offset 3"):
        await other.positions([ONE])
    assert await cursor(store) == 3
    # Where the log may forget, what it holds is folded again; heads drop what was folded before.
    other.refold_on_mismatch = True
    assert await other.positions([ONE]) == {ONE: 0}
    assert await cursor(store) is None


async def test_a_log_that_went_on_is_the_one_that_was_folded() -> None:
    store, log = MemoryStore(), await log_of("Ada", "Bo")
    await projector(store, log).absorb(await records_of(log))
    longer = projector(store, await log_of("Ada", "Bo", "Cy"))
    assert await longer.positions([ONE]) == {ONE: 2}


async def test_of_streams_that_a_view_does_not_follow_it_keeps_nothing() -> None:
    card = Projection("card", version=1, view=Card, streams=("unit",))
    card.folds |= card_projection().folds
    store, log = MemoryStore(), await log_of("Ada", "Bo")
    await log.append("organization", ADA, b"no fact")
    await projector(store, log, card).absorb(await records_of(log))
    for collection in (NAMES.views, NAMES.heads, NAMES.parked):
        assert await store.count(collection, {}) == 0, collection
    assert await cursor(store) == 3


async def test_a_fact_that_changes_nothing_leaves_the_view_as_it_is() -> None:
    """Whoever asks for what is new is not told of it, and its topic gets no second copy."""
    card = card_projection(published=True)
    card.folds[EmployeeAssigned] = (card.folds[EmployeeAssigned][0], lambda view, _, __: view)
    store, log = MemoryStore(), MemoryLog({"organization": 1})
    facts = recorded(EmployeeJoined(name="Ada"), EmployeeAssigned(unit="unit-1"), stream=ADA)
    for fact in facts:
        await log.append("organization", ADA, encode(fact))
    folding = projector(store, log, card)
    for record in await records_of(log):
        await folding.absorb([record])
    document = await store.get(NAMES.views, ADA)
    assert document is not None
    assert document["rev"] == 1
    assert await store.count(NAMES.dirty, {}) == 1


async def test_what_somebody_else_folded_meanwhile_is_noticed() -> None:
    store, log = MemoryStore(), await log_of("Ada", "Bo", "Cy", "Di")
    mine, other, records = projector(store, log), projector(store, log), await records_of(log)
    await mine.absorb(records[:1])
    await other.absorb(records[1:3])
    await mine.absorb(records[1:])
    assert await cursor(store) == 4
    assert await store.count(NAMES.views, {}) == 4


class Expired(MemoryLog):
    """A log of which nothing is left but what comes yet."""

    async def read(
        self, partition: Partition, start: int, stop: int
    ) -> AsyncGenerator[list[Record], None]:
        raise LogTruncatedError(f"{partition} begins after {start}")
        yield []


@pytest.mark.parametrize("told", [True, False])
async def test_a_partition_that_comes_back_is_read_from_where_another_one_left_it(
    *, told: bool
) -> None:
    """What lies between the two may have left the log by then."""
    store, log = MemoryStore(), await log_of("Ada", "Bo", "Cy", "Di")
    mine, other, records = projector(store, log), projector(store, log), await records_of(log)
    await mine.absorb(records[:1])
    await other.absorb(records[1:3])
    mine.log, mine.expires = Expired({"organization": 1}), True
    mine.log._broker = log._broker
    if told:
        assert await mine.positions([ONE]) == {ONE: 3}
    await mine.absorb(records[3:])
    assert await cursor(store) == 4


async def test_what_a_restored_store_lost_is_folded_again() -> None:
    """By a process that remembers to have folded it: it goes on from what the store says."""
    store, log = MemoryStore(), await log_of("Ada", "Bo", "Cy", "Di")
    folding, records = projector(store, log), await records_of(log)
    await folding.absorb(records[:1])
    kept = store.point()
    await folding.absorb(records[1:3])
    store.restore(kept)
    await folding.absorb(records[3:])
    assert await cursor(store) == 4
    assert await store.count(NAMES.views, {}) == 4
    store.restore(kept)
    await folding.absorb(records[1:3])
    assert await cursor(store) == 3


async def test_a_batch_asks_what_was_left_out_only_where_something_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def asking(reads: Reads, sink: str) -> frozenset[str]:
        asked.append(sink)
        return await dropped_by(reads, sink)

    monkeypatch.setattr("shared.projector.dropped_by", asking)
    store, log = MemoryStore(), await log_of("Ada", "poison", "Cy", "Di", "Eve")
    folding, records = projector(store, log), await records_of(log)
    await folding.absorb(records[:1])
    assert asked.pop() == "card"  # What an earlier release left out, its cursors do not tell.
    await folding.absorb(records[1:3])
    assert asked == []
    (held,) = await store.find(NAMES.parked, {})
    await folding.drop("employee-1", held["_id"], reason="a typing mistake", by="kim")
    for record in records[3:]:
        asked.clear()
        await projector(store, log).absorb([record])
        assert asked == ["card"]


async def test_what_is_left_out_of_a_successor_is_left_out_of_the_active_build() -> None:
    store, log, card = MemoryStore(), await log_of("Ada"), card_projection()
    await builds.register(store, card)
    await projector(store, log, card).absorb(await records_of(log))
    coming = await builds.begin(store, card)
    async with store.transaction() as tx:
        await builds.renew(card, coming, tx)
    document = await store.get(NAMES.cursors, cursor_id(ONE))
    assert document is not None
    assert document["drops"]
    assert (await builds.read(store, card)).coming == coming


async def test_a_drop_is_tried_again_while_others_fold() -> None:
    store, log = MemoryStore(), await log_of("Ada", "poison", "Cy")
    folding, records = projector(store, log), await records_of(log)
    await folding.absorb(records[:2])
    (held,) = await store.find(NAMES.parked, {})
    async with asyncio.TaskGroup() as group, store.transaction() as tx:
        document = await tx.get(NAMES.cursors, cursor_id(ONE))
        assert document is not None
        await tx.put_many(NAMES.cursors, [document])
        words = {"reason": "a mistake", "by": "kim"}
        dropping = group.create_task(folding.drop("employee-1", held["_id"], **words))
        await asyncio.sleep(0.12)
        assert not dropping.done()
    assert await dropping == 0
    assert await store.count(NAMES.parked, {}) == 0
