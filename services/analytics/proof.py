"""Proves the measures: recomputes entities and cells from the log and names what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.analytics.cells import AXES, Cell
from services.analytics.entities import Entity
from services.analytics.kept_cells import changes_of, read
from services.analytics.measures import STREAMS, TOPICS, recompute
from services.analytics.packing import UnreadableCellsError
from services.analytics.sink import MEASURES, entities_of, entity_document
from services.analytics.tables import Tables
from shared import builds
from shared.events import Envelope
from shared.projector import Collections, dropped_by
from shared.runtime import Runtime
from shared.store import Document
from shared.verify import Check, facts_until


@dataclass(frozen=True, slots=True)
class _Reached:
    """How far the worker had come at one moment."""

    cursors: dict[str, int]
    heads: dict[str, Document]
    # The records that an operator left out for good, by what `identity` says of them.
    dropped: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the worker had written at that moment."""

    entities: dict[str, Document]
    cells: list[Document]


async def _stored(runtime: Runtime, collection: str, reached: asyncio.Future[_Reached]) -> _Stored:
    """Read in one snapshot; how far it reaches is told as soon as it is known."""
    names = Collections(collection)
    async with runtime.store.transaction() as tx:
        dropped = await dropped_by(tx, MEASURES.name)
        cursors = {cursor["_id"]: cursor["offset"] for cursor in await tx.find(names.cursors, {})}
        heads = {head["_id"]: head for head in await tx.find(names.heads, {})}
        reached.set_result(_Reached(cursors, heads, dropped))
        entities = await tx.find(entities_of(collection), {})
        cells = await tx.find(changes_of(collection), {})
    return _Stored({entity["_id"]: entity for entity in entities}, cells)


async def verify_measures(runtime: Runtime) -> Check:
    """Compare every entity and every cell with the recomputation over the log."""
    collection = (await builds.read(runtime.store, MEASURES)).active.collection
    check = Check(f"{runtime.domain.name}/{collection}")
    reached: asyncio.Future[_Reached] = asyncio.get_running_loop().create_future()
    # Store and log are read beside each other: each waits for its server most of the time.
    reading = asyncio.create_task(_stored(runtime, collection, reached))
    try:
        either: set[asyncio.Future[Any]] = {reading, reached}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not reached.done():
            await reading  # It has failed, and says why.
        folded = await _folded(runtime, check, await reached)
        stored = await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    entities, cells = recompute(folded, runtime.settings.zone)
    _compare_entities(check, entities, stored.entities)
    kept = await asyncio.to_thread(_kept, check, stored.cells)
    told = cells.keys() | kept.keys()
    check.checked += len(told)
    differing = [cell for cell in told if cells.get(cell, 0) != kept.get(cell, 0)]
    for cell in sorted(differing, key=str):
        held, wanted = kept.get(cell, 0), cells.get(cell, 0)
        check.differs(f"{_named(cell)} is {held}, the log says {wanted}")
    return check


async def _folded(runtime: Runtime, check: Check, reached: _Reached) -> list[Envelope]:
    """Return the facts that the worker has folded, in order."""
    facts = facts_until(
        runtime.log,
        TOPICS,
        reached.cursors,
        dropped=reached.dropped,
        check=check,
        heads=reached.heads,
    )
    return [
        fact
        async for fact in facts
        if fact.stream.partition("-")[0] in STREAMS and check.is_folded(fact, reached.heads)
    ]


def _kept(check: Check, documents: Iterable[Document]) -> dict[Cell, int]:
    """Return the cells as they are stored, whatever this process remembers of them."""
    added = []
    for document in documents:
        try:
            added.append(read(document))
        except UnreadableCellsError as error:
            check.differs(str(error))
    return Tables().with_(added).cells(AXES)


def _compare_entities(
    check: Check, entities: Mapping[str, Entity], stored: Mapping[str, Document]
) -> None:
    for stream in sorted(entities.keys() | stored.keys()):
        check.checked += 1
        wanted = entity_document(entities[stream]) if stream in entities else None
        if wanted != stored.get(stream):
            check.differs(f"{stream}: is {stored.get(stream)!r}, the log says {wanted!r}")


def _named(cell: Cell) -> str:
    parts = [cell.measure, cell.axis, cell.value, cell.owner, str(cell.day)]
    return "/".join(part or "-" for part in parts)
