"""Proves the measures: recomputes entities and cells from the log and names what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.analytics.cells import AXES, Cell
from services.analytics.entities import Entity
from services.analytics.kept_cells import changes_of, read
from services.analytics.measures import STREAMS, TOPICS, recompute
from services.analytics.packing import UnreadableCellsError
from services.analytics.sink import MEASURES, entities_of, entity_document
from services.analytics.tables import Tables
from shared import builds
from shared.projector import Collections, dropped_by
from shared.runtime import Runtime
from shared.store import Document
from shared.verify import Check, facts_until


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the worker had written at one moment."""

    cursors: dict[str, int]
    heads: dict[str, Document]
    entities: dict[str, Document]
    cells: list[Document]
    # The records that an operator left out for good, by what `identity` says of them.
    dropped: frozenset[str]


async def _stored(runtime: Runtime, collection: str) -> _Stored:
    names = Collections(collection)
    async with runtime.store.transaction() as tx:
        dropped = await dropped_by(tx, MEASURES.name)
        cursors = await tx.find(names.cursors, {})
        heads = await tx.find(names.heads, {})
        entities = await tx.find(entities_of(collection), {})
        cells = await tx.find(changes_of(collection), {})
    return _Stored(
        {cursor["_id"]: cursor["offset"] for cursor in cursors},
        {head["_id"]: head for head in heads},
        {entity["_id"]: entity for entity in entities},
        cells,
        dropped,
    )


async def verify_measures(runtime: Runtime) -> Check:
    """Compare every entity and every cell with the recomputation over the log."""
    build = (await builds.read(runtime.store, MEASURES)).active
    stored = await _stored(runtime, build.collection)
    check = Check(f"{runtime.domain.name}/{build.collection}")
    facts = facts_until(
        runtime.log,
        TOPICS,
        stored.cursors,
        dropped=stored.dropped,
        check=check,
        heads=stored.heads,
    )
    folded = [
        fact
        async for fact in facts
        if fact.stream.partition("-")[0] in STREAMS and check.is_folded(fact, stored.heads)
    ]
    entities, cells = recompute(folded, runtime.settings.zone)
    _compare_entities(check, entities, stored.entities)
    kept = await asyncio.to_thread(_kept, check, stored.cells)
    for cell in sorted(cells.keys() | kept.keys(), key=str):
        check.checked += 1
        wanted, held = cells.get(cell, 0), kept.get(cell, 0)
        if wanted != held:
            check.differs(f"{_named(cell)} is {held}, the log says {wanted}")
    return check


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
