"""Keeps entities and cells: what the projector writes in one transaction with heads and cursor.

A cell's document covers a month of one owner and one value of an axis, so that neither a day nor
a deal costs a document of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import orjson

from services.analytics.cells import Axis, Cell, Contributions
from services.analytics.complaints import Issue
from services.analytics.entities import Entity, Opportunity, Touch, entity_of, evolve
from services.analytics.feedback import Feedback
from services.analytics.measures import STREAMS, TOPICS, VERSION, contributions, difference
from services.analytics.workload import Entry
from shared.batch import Recorded
from shared.events import Envelope
from shared.projection import Projection
from shared.store import Addition, Document, Reads, Transaction, Where

# The measures go through builds as every projection does, though they have no view of their own.
MEASURES: Projection[Any] = Projection("measures", version=VERSION, view=dict)

# What an entity is, by the kind of its stream.
_KINDS: dict[str, type[Entity]] = {
    "opportunity": Opportunity,
    "touch": Touch,
    "issue": Issue,
    "entry": Entry,
    "review": Feedback,
    "assessment": Feedback,
}


def entities_of(collection: str) -> str:
    return f"{collection}.entities"


def entity_document(entity: Entity) -> Document:
    """Return the entity with the fields by which `why` finds it."""
    document: Document = {
        "_id": entity.stream,
        # JSON's types, as the store gives them back: `verify` compares them.
        "state": msgspec.json.decode(msgspec.json.encode(entity)),
        "owners": entity.owners,
    }
    if isinstance(entity, Opportunity | Issue):
        document["company"] = entity.company
    if isinstance(entity, Opportunity):
        document["product"] = entity.product
    return document


def behind(kind: str, by: str, keys: Iterable[str | None], owner: str | None) -> Where:
    """Return the condition for the entities that may make a row: a few of them where it can."""
    where: dict[str, Any] = {"_id": {"$gte": f"{kind}-", "$lt": f"{kind}."}}  # "." follows "-".
    field_name = {"product": "product", "company": "company", "seller": "owners"}.get(by)
    known = {"opportunity": ("product", "company", "owners"), "issue": ("company", "owners")}
    if field_name is not None and field_name in known.get(kind, ("owners",)):
        where[field_name] = {"$in": sorted(key or "" for key in keys)}
    if owner is not None:
        where["owners"] = owner
    return where


def entity_from(document: Document) -> Entity:
    kind = document["_id"].partition("-")[0]
    return msgspec.convert(document["state"], _KINDS[kind])


def cells_of(collection: str, axis: Axis) -> str:
    return f"{collection}.by_{axis}"


def cell_documents(cells: Iterable[tuple[Cell, int, int]]) -> dict[Axis, dict[str, Addition]]:
    """Say for (cell, amount, shard) what to add to which document of which axis."""
    amounts: dict[tuple[Axis, str, str, str, int], dict[str, int]] = defaultdict(dict)
    for cell, amount, shard in cells:
        month = f"{cell.day:%Y-%m}"
        paths = amounts[cell.axis, cell.owner, cell.value, month, shard]
        path = f"days.{_written(cell)}.{cell.measure}"
        paths[path] = paths.get(path, 0) + amount
    found: dict[Axis, dict[str, Addition]] = defaultdict(dict)
    for (axis, owner, value, month, shard), added in amounts.items():
        key = orjson.dumps([owner, value, month, shard]).decode()
        blank = {"owner": owner, "value": value, "month": month}
        found[axis][key] = Addition(key, added, blank)
    return found


def _written(cell: Cell) -> str:
    """The cell's place in its month: the day, then the day that it is credited to."""
    if cell.credited is None:
        return f"{cell.day:%d}"
    return f"{cell.day:%d}@" if cell.credited == cell.day else f"{cell.day:%d}@{cell.credited}"


def cells_in(axis: Axis, document: Document) -> Iterator[tuple[Cell, int]]:
    """Read back what the document holds; what has become nothing is left out."""
    owner, value = document["owner"], document["value"]
    year, month = (int(part) for part in document["month"].split("-"))
    for written, measures in document["days"].items():
        number, at, credit = written.partition("@")
        day = date(year, month, int(number))
        credited = (date.fromisoformat(credit) if credit else day) if at else None
        for measure, amount in measures.items():
            if amount:
                yield Cell(measure, owner, axis, value, day, credited), amount


def of_owner(owner: str) -> Where:
    """Return the condition for the cells of one owner: ids that begin with it, a range."""
    prefix = orjson.dumps([owner]).decode().removesuffix("]")
    return {"_id": {"$gte": f"{prefix},", "$lt": f"{prefix}-"}}  # "-" comes after ",".


async def read_documents(
    reads: Reads, collection: str, axes: Sequence[Axis], owner: str | None = None
) -> dict[Axis, list[Document]]:
    """Return what holds the cells of these axes, of one owner alone if told."""
    where = {} if owner is None else of_owner(owner)
    return {axis: await reads.find(cells_of(collection, axis), where) for axis in axes}


def summed(documents: Mapping[Axis, Iterable[Document]]) -> dict[Cell, int]:
    """Return the cells in the documents; those of several shards are added up."""
    cells: dict[Cell, int] = defaultdict(int)
    for axis, found in documents.items():
        for document in found:
            for cell, amount in cells_in(axis, document):
                cells[cell] += amount
    # What one partition's share adds, another's may take away.
    return {cell: amount for cell, amount in cells.items() if amount}


async def add_cells(
    tx: Transaction, collection: str, cells: Iterable[tuple[Cell, int, int]]
) -> None:
    """Add (cell, amount, shard) to what is stored."""
    for axis, found in sorted(cell_documents(cells).items()):
        where = cells_of(collection, axis)
        # Whole documents are inserted: that costs a fraction of making them by adding.
        there = await tx.find(where, {"_id": {"$in": sorted(found)}}, fields=("_id",))
        known = {document["_id"] for document in there}
        new = [_document(addition) for key, addition in sorted(found.items()) if key not in known]
        await tx.insert_many(where, new)
        await tx.add_many(where, [found[key] for key in sorted(known)])


def _document(addition: Addition) -> Document:
    days: dict[str, dict[str, int]] = defaultdict(dict)
    for path, amount in addition.amounts.items():
        _, day, measure = path.split(".")
        days[day][measure] = amount
    return {"_id": addition.key, **addition.blank, "days": dict(days)}


@dataclass(slots=True)
class _Known:
    """An entity as the batch leaves it so far, and what it contributed before the batch."""

    entity: Entity
    before: Contributions
    now: Contributions
    shard: int


@dataclass(slots=True)
class MeasuresFolding:
    """One batch on its way into entities and cells."""

    sink: MeasuresSink
    _documents: dict[str, Document] = field(default_factory=dict)
    _known: dict[str, _Known] = field(default_factory=dict)

    async def load(self, tx: Transaction, facts: Sequence[Envelope]) -> None:
        measured = [fact for fact in facts if entity_of(fact) is not None]
        # Before a stream's first fact there is no entity to load.
        first = {fact.stream for fact in measured if fact.version == 1}
        wanted = {fact.stream for fact in measured} - first
        self._documents = await tx.get_many(entities_of(self.sink.collection), sorted(wanted))

    def apply(self, recorded: Recorded) -> None:
        fact = recorded.fact
        blank = entity_of(fact)
        if blank is None:
            return
        known = self._held(fact.stream, blank, self.sink.shard(recorded.position.partition))
        entity = evolve(known.entity, fact, self.sink.zone)
        known.now = contributions(entity)  # It raises, if at all, before anything has changed.
        known.entity = entity
        self._known[fact.stream] = known

    def _held(self, stream: str, blank: Entity, shard: int) -> _Known:
        if stream in self._known:
            return self._known[stream]
        document = self._documents.get(stream)
        if document is None:
            return _Known(blank, {}, {}, shard)
        entity = entity_from(document)
        before = contributions(entity)
        return _Known(entity, before, before, shard)

    async def save(self, tx: Transaction) -> None:
        if not self._known:
            return
        entities = entities_of(self.sink.collection)
        documents = [entity_document(known.entity) for known in self._known.values()]
        await tx.insert_many(entities, [d for d in documents if d["_id"] not in self._documents])
        await tx.put_many(entities, [d for d in documents if d["_id"] in self._documents])
        changes = (
            (cell, amount, known.shard)
            for known in self._known.values()
            for cell, amount in difference(known.now, known.before).items()
        )
        await add_cells(tx, self.sink.collection, changes)

    def committed(self) -> None:
        """Nobody waits for it here: readers ask the heads."""


@dataclass(frozen=True, slots=True)
class MeasuresSink:
    """Folds facts into the entities and cells of one version of the measures.

    Workers that write the same document conflict. So `apart` keeps the cells of each partition in
    documents of their own; a worker who is alone needs fewer. Reports sum over both kinds.
    """

    collection: str
    zone: ZoneInfo
    apart: bool = True
    name: str = "measures"
    topics: tuple[str, ...] = TOPICS
    keeps_heads: bool = True

    def follows(self, stream: str) -> bool:
        return stream.partition("-")[0] in STREAMS

    def concerns(self, fact: Envelope) -> Sequence[str]:
        """Name no view: a report sums over many entities; `/parked` lists what it lacks."""
        return ()

    def shard(self, partition: int) -> int:
        return partition if self.apart else 0

    def begin(self) -> MeasuresFolding:
        return MeasuresFolding(self)
