"""Proves the measures: recomputes entities and cells from the log and names what differs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from services.analytics.cells import Cell, Sums
from services.analytics.differences import Comparison
from services.analytics.entities import Entity
from services.analytics.kept_cells import changes_of, read
from services.analytics.measures import STREAMS, TOPICS, contribute, fold
from services.analytics.packing import UnreadableCellsError
from services.analytics.sink import MEASURES, entities_of, entity_document
from shared import builds
from shared.events import Envelope
from shared.projector import Collections, dropped_by
from shared.runtime import Runtime
from shared.store import Document
from shared.verify import BREATH, Check, histories_until

T = TypeVar("T")


class _Reached(NamedTuple):
    """How far the worker had come at one moment."""

    cursors: dict[str, int]
    # The records that an operator left out for good, by what `identity` says of them.
    dropped: frozenset[str]


class _Stored(NamedTuple):
    """What the worker had written at that moment."""

    entities: dict[str, Document]
    cells: list[Document]


class _Reading:
    """Reads the store in one snapshot; what the log is read with is told as soon as it is known."""

    def __init__(self, runtime: Runtime, collection: str) -> None:
        loop = asyncio.get_running_loop()
        self._reached: asyncio.Future[_Reached] = loop.create_future()
        self._heads: asyncio.Future[dict[str, Document]] = loop.create_future()
        self.stored = asyncio.create_task(self._read(runtime, collection))

    async def _read(self, runtime: Runtime, collection: str) -> _Stored:
        names = Collections(collection)
        async with runtime.store.transaction() as tx:
            dropped = await dropped_by(tx, MEASURES.name)
            cursors = await tx.find(names.cursors, {})
            reached = {cursor["_id"]: cursor["offset"] for cursor in cursors}
            self._reached.set_result(_Reached(reached, dropped))
            heads = await tx.find(names.heads, {})
            self._heads.set_result({head["_id"]: head for head in heads})
            entities = await tx.find(entities_of(collection), {})
            cells = await tx.find(changes_of(collection), {})
        return _Stored({entity["_id"]: entity for entity in entities}, cells)

    async def reached(self) -> _Reached:
        return await self._told(self._reached)

    async def heads(self) -> Mapping[str, Document]:
        """Return how far each stream was folded, by stream."""
        return await self._told(self._heads)

    async def _told(self, told: asyncio.Future[T]) -> T:
        if not told.done():
            either: set[asyncio.Future[Any]] = {self.stored, told}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not told.done():
            await self.stored  # It has failed, and says why.
        return told.result()

    async def end(self) -> None:
        self.stored.cancel()
        await asyncio.gather(self.stored, return_exceptions=True)


async def verify_measures(runtime: Runtime) -> Check:
    """Compare every entity and every cell with the recomputation over the log.

    Partition by partition: what is kept of one that is done are the rows of its cells, and its
    entities until the store has been read.
    """
    collection = (await builds.read(runtime.store, MEASURES)).active.collection
    check = Check(f"{runtime.domain.name}/{collection}")
    # Store and log are read beside each other: each waits for its server most of the time.
    reading, cells, entities = _Reading(runtime, collection), Comparison(), dict[str, Entity]()
    try:
        async for facts in _folded(runtime, check, reading):
            recomputed, told = await _recomputed(facts, runtime.settings.zone)
            await asyncio.to_thread(cells.tell, told)
            entities |= recomputed
            if reading.stored.done():
                await _compare_entities(check, entities, (await reading.stored).entities)
                entities = {}
        stored = await reading.stored
    finally:
        await reading.end()
    await _compare_entities(check, entities, stored.entities)
    for stream in sorted(stored.entities):
        check.checked += 1
        check.differs(f"{stream}: is {stored.entities[stream]!r}, the log says None")
    await asyncio.to_thread(_compare_cells, check, cells, stored.cells)
    return check


async def _folded(
    runtime: Runtime, check: Check, reading: _Reading
) -> AsyncIterator[list[Envelope]]:
    """Yield the facts that the worker has folded, in order, those of one partition together."""
    cursors, dropped = await reading.reached()
    seen: set[str] = set()
    histories = histories_until(
        runtime.log, TOPICS, cursors, dropped=dropped, check=check, heads=reading.heads
    )
    async for facts in histories:
        heads = await reading.heads()
        folded = [
            fact
            for fact in facts
            if fact.stream.partition("-")[0] in STREAMS and check.is_folded(fact, heads)
        ]
        newest = {fact.stream: fact for fact in folded}
        seen |= newest.keys()
        if not dropped:  # A head moves on over what is left out, of which nobody hears here.
            _compare_heads(check, newest, heads)
        yield folded
    for stream, head in sorted((await reading.heads()).items()):
        if head["version"] and stream not in seen and not dropped:
            check.differs(f"{stream}@{head['version']}: folded, not in the log")


def _compare_heads(
    check: Check, newest: Mapping[str, Envelope], heads: Mapping[str, Document]
) -> None:
    """A head that is ahead of the log would let what comes next be taken for a duplicate."""
    for stream, fact in newest.items():
        head = heads[stream]
        if (head["version"], head["fact"]) != (fact.version, fact.id):
            folded = f"{stream}@{head['version']}: folded as {head['fact']}"
            check.differs(f"{folded}, the log ends with {fact.id}@{fact.version}")


async def _recomputed(facts: Sequence[Envelope], zone: ZoneInfo) -> tuple[dict[str, Entity], Sums]:
    """Do what `recompute` does, and let everybody else on the event loop have a turn."""
    entities: dict[str, Entity] = {}
    for first in range(0, len(facts), BREATH):
        fold(entities, facts[first : first + BREATH], zone)
        await asyncio.sleep(0)
    sums = Sums()
    for place, entity in enumerate(entities.values()):
        contribute(sums, entity)
        if place % BREATH == 0:
            await asyncio.sleep(0)
    return entities, sums


async def _compare_entities(
    check: Check, entities: Mapping[str, Entity], unseen: dict[str, Document]
) -> None:
    """Compare these entities with the stored ones, and take those out of the unseen."""
    for place, stream in enumerate(sorted(entities)):
        if place % BREATH == 0:
            await asyncio.sleep(0)
        check.checked += 1
        held, wanted = unseen.pop(stream, None), entity_document(entities[stream])
        if wanted != held:
            check.differs(f"{stream}: is {held!r}, the log says {wanted!r}")


def _compare_cells(check: Check, cells: Comparison, stored: Iterable[Document]) -> None:
    """Compare with the cells as they are stored, whatever this process remembers of them."""
    for document in stored:
        try:
            cells.store(read(document))
        except UnreadableCellsError as error:
            check.differs(str(error))
    count, differing = cells.made()
    check.checked += count
    for cell, held, wanted in differing:
        check.differs(f"{_named(cell)} is {held}, the log says {wanted}")


def _named(cell: Cell) -> str:
    parts = [cell.measure, cell.axis, cell.value, cell.owner, str(cell.day)]
    return "/".join(part or "-" for part in parts)
