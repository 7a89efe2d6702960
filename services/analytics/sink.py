"""Keeps entities and cells: what the projector writes in one transaction with heads and cursor.

A cell's document covers a month of days, so that neither a day nor a deal costs a document of its
own; its id contains the source partition, so that workers never write the same one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from pydantic import TypeAdapter

from services.analytics.entities import Entity, Opportunity, Touch, entity_of, evolve
from services.analytics.measures import (
    STREAMS,
    TOPICS,
    VERSION,
    Axis,
    Cell,
    Contributions,
    contributions,
    difference,
)
from shared.events import Envelope
from shared.projector import Recorded
from shared.published import Build
from shared.store import Addition, Document, Reads, Transaction, Where

NAME = "measures"
BUILD = Build(NAME, VERSION)

_OPPORTUNITY = TypeAdapter(Opportunity)
_TOUCH = TypeAdapter(Touch)


def entities_of(collection: str) -> str:
    return f"{collection}.entities"


def entity_document(entity: Entity) -> Document:
    """Return the entity with the fields by which `why` finds it."""
    if isinstance(entity, Touch):
        state = _TOUCH.dump_python(entity, mode="json")
        return {"_id": entity.stream, "state": state, "owners": [entity.owner]}
    state = _OPPORTUNITY.dump_python(entity, mode="json")
    return {
        "_id": entity.stream,
        "state": state,
        "owners": entity.owners,
        "product": entity.product,
        "company": entity.company,
    }


def entity_from(document: Document) -> Entity:
    if "product" in document:
        return _OPPORTUNITY.validate_python(document["state"])
    return _TOUCH.validate_python(document["state"])


def cell_place(cell: Cell, partition: int) -> tuple[str, str]:
    """Return the id of the document that holds the cell, and its path in there."""
    month = f"{cell.day:%Y-%m}"
    key = orjson.dumps([cell.axis, cell.owner, cell.value, month, partition]).decode()
    credited = f"@{cell.credited}" if cell.credited not in {None, cell.day} else ""
    decided = "!" if cell.credited is not None else ""
    return key, f"days.{cell.day:%d}{decided}{credited}.{cell.measure}"


def additions(cells: Iterable[tuple[Cell, int, int]]) -> list[Addition]:
    """Say what to add to which document for (cell, partition, amount)."""
    amounts: dict[str, dict[str, int]] = defaultdict(dict)
    blanks: dict[str, dict[str, Any]] = {}
    for cell, partition, amount in cells:
        key, path = cell_place(cell, partition)
        paths = amounts[key]
        paths[path] = paths.get(path, 0) + amount
        if key not in blanks:
            blanks[key] = {
                "axis": cell.axis,
                "owner": cell.owner,
                "value": cell.value,
                "month": f"{cell.day:%Y-%m}",
                "partition": partition,
            }
    return [Addition(key, amounts[key], blanks[key]) for key in sorted(amounts)]


def cells_in(document: Document) -> Iterator[tuple[Cell, int]]:
    """Read back what the document holds; what has become nothing is left out."""
    axis, owner, value = document["axis"], document["owner"], document["value"]
    year, month = document["month"].split("-")
    for written, measures in document.get("days", {}).items():
        day = date(int(year), int(month), int(written[:2]))
        credited = day if written[2:3] == "!" else None
        if "@" in written:
            credited = date.fromisoformat(written.partition("@")[2])
        for measure, amount in measures.items():
            if amount:
                yield Cell(measure, owner, axis, value, day, credited), amount


def where_axis(axis: Axis, owner: str | None = None) -> Where:
    """Return the condition for the cells of an axis, of one owner alone if told: a range of ids."""
    head = [axis] if owner is None else [axis, owner]
    prefix = orjson.dumps(head).decode().removesuffix("]") + ","
    return {"_id": {"$gte": prefix, "$lt": prefix[:-1] + "-"}}  # "-" comes after ",".


async def read_cells(
    reads: Reads, collection: str, axes: Sequence[Axis], owner: str | None = None
) -> dict[Cell, int]:
    """Return the cells of these axes, summed over the partitions they came from."""
    cells: dict[Cell, int] = defaultdict(int)
    for axis in axes:
        found = await reads.find(
            collection,
            where_axis(axis, owner),
            fields=("axis", "owner", "value", "month", "days"),
        )
        for document in found:
            for cell, amount in cells_in(document):
                cells[cell] += amount
    return cells


@dataclass(slots=True)
class _Known:
    """An entity as the batch leaves it so far, and what it contributed before the batch."""

    entity: Entity
    before: Contributions
    now: Contributions
    partition: int


@dataclass(slots=True)
class MeasuresFolding:
    """One batch on its way into entities and cells."""

    collection: str
    zone: ZoneInfo
    _documents: dict[str, Document] = field(default_factory=dict)
    _known: dict[str, _Known] = field(default_factory=dict)

    async def load(self, tx: Transaction, facts: Sequence[Envelope]) -> None:
        measured = [fact for fact in facts if entity_of(fact) is not None]
        # Before a stream's first fact there is no entity to load.
        first = {fact.stream for fact in measured if fact.version == 1}
        wanted = {fact.stream for fact in measured} - first
        self._documents = await tx.get_many(entities_of(self.collection), sorted(wanted))

    def apply(self, recorded: Recorded) -> None:
        fact = recorded.fact
        blank = entity_of(fact)
        if blank is None:
            return
        known = self._held(fact.stream, blank, recorded.position.partition)
        entity = evolve(known.entity, fact, self.zone)
        known.now = contributions(entity)  # It raises, if at all, before anything has changed.
        known.entity = entity
        self._known[fact.stream] = known

    def _held(self, stream: str, blank: Entity, partition: int) -> _Known:
        if stream in self._known:
            return self._known[stream]
        document = self._documents.get(stream)
        if document is None:
            return _Known(blank, {}, {}, partition)
        entity = entity_from(document)
        before = contributions(entity)
        return _Known(entity, before, before, partition)

    async def save(self, tx: Transaction) -> None:
        if not self._known:
            return
        changed = [
            (cell, known.partition, amount)
            for known in self._known.values()
            for cell, amount in difference(known.now, known.before).items()
        ]
        entities = entities_of(self.collection)
        # Inserting costs a fraction of replacing.
        documents = [entity_document(known.entity) for known in self._known.values()]
        await tx.insert_many(entities, [d for d in documents if d["_id"] not in self._documents])
        await tx.put_many(entities, [d for d in documents if d["_id"] in self._documents])
        await tx.add_many(self.collection, additions(changed))

    def committed(self) -> None:
        """Nobody waits for it here: readers ask the heads."""


@dataclass(frozen=True, slots=True)
class MeasuresSink:
    """Folds facts into the entities and cells of one version of the measures."""

    zone: ZoneInfo
    collection: str = BUILD.collection
    topics: tuple[str, ...] = TOPICS
    keeps_heads: bool = True

    def follows(self, stream: str) -> bool:
        return stream.partition("-")[0] in STREAMS

    def begin(self) -> MeasuresFolding:
        return MeasuresFolding(self.collection, self.zone)
