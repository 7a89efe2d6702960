"""Keeps entities and cells: what the projector writes in one transaction with heads and cursor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from services.analytics.cells import Cell, Sums
from services.analytics.complaints import Issue
from services.analytics.entities import Entity, Opportunity, Touch, entity_of, evolve
from services.analytics.feedback import Feedback
from services.analytics.kept_cells import add_cells
from services.analytics.measures import STREAMS, TOPICS, VERSION, change
from services.analytics.series import PlannedSeries
from services.analytics.workload import Entry
from shared.batch import Recorded
from shared.events import Envelope
from shared.log import Partition
from shared.projection import Projection
from shared.projector import cursor_id
from shared.store import Document, StoreError, Transaction, Where

# The measures go through builds as every projection does, though they have no view of their own.
MEASURES: Projection[Any] = Projection("measures", version=VERSION, view=dict)

# What an entity is, by the kind of its stream.
_KINDS: dict[str, type[Entity]] = {
    "opportunity": Opportunity,
    "touch": Touch,
    "issue": Issue,
    "entry": Entry,
    "series": PlannedSeries,
    "review": Feedback,
    "assessment": Feedback,
}
_decoders = {kind: msgspec.msgpack.Decoder(entity) for kind, entity in _KINDS.items()}


def entities_of(collection: str) -> str:
    return f"{collection}.entities"


def entity_document(entity: Entity) -> Document:
    """Return the entity with the fields by which `why` finds it."""
    return {"_id": entity.stream, "state": msgspec.msgpack.encode(entity), **found_by(entity)}


def found_by(entity: Entity) -> Document:
    """Return by which fields `behind` finds an entity."""
    document: Document = {"owners": entity.owners}
    if isinstance(entity, Opportunity | Issue):
        document["company"] = entity.company
    if isinstance(entity, Opportunity):
        document["product"] = entity.product
    return document


def behind(kind: str, by: str, keys: Iterable[str | None], owner: str | None) -> Where:
    """Return the condition for the entities that may make a row: a few of them where it can."""
    where: dict[str, Any] = {"_id": {"$gte": f"{kind}-", "$lt": f"{kind}."}}  # "." follows "-".
    field_name = _narrows(kind, by)
    if field_name is not None:
        where[field_name] = {"$in": sorted(key or "" for key in keys)}
    if owner is not None:
        where["owners"] = owner
    return where


def is_behind(
    entity: Entity, kind: str, by: str, keys: Iterable[str | None], owner: str | None
) -> bool:
    """Say whether `behind` finds an entity, of one that nobody has stored."""
    field_name = _narrows(kind, by)
    if owner is not None and owner not in entity.owners:
        return False
    if field_name is None:
        return True
    held = found_by(entity)[field_name]
    told = held if isinstance(held, list) else [held]
    return any((key or "") in told for key in keys)


def _narrows(kind: str, by: str) -> str | None:
    """Return the field by which rows of a report find what may make them; None: there is none."""
    field_name = {"product": "product", "company": "company", "seller": "owners"}.get(by)
    known = {"opportunity": ("product", "company", "owners"), "issue": ("company", "owners")}
    return field_name if field_name in known.get(kind, ("owners",)) else None


def entity_from(document: Document) -> Entity:
    kind = document["_id"].partition("-")[0]
    return _decoders[kind].decode(document["state"])


@dataclass(slots=True)
class _Known:
    """An entity as the batch leaves it so far, and as it was before, None if it was not there."""

    entity: Entity
    before: Entity | None
    # Whose facts these are: workers of different partitions write no document in common.
    partition: str

    def added(self) -> dict[Cell, int]:
        """Say what the batch adds to the cells.

        Raises:
            StoreError: nobody can say; the batch is written without this stream, which is parked.

        """
        try:
            return change(self.before, self.entity)
        except Exception as error:
            raise StoreError(f"{self.entity.stream} cannot be counted: {error!r}") from error


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
        place = recorded.position
        known = self._held(fact.stream, blank, cursor_id(Partition(place.topic, place.partition)))
        known.entity = evolve(known.entity, fact, self.sink.zone)
        self._known[fact.stream] = known

    def _held(self, stream: str, blank: Entity, partition: str) -> _Known:
        if stream in self._known:
            return self._known[stream]
        document = self._documents.get(stream)
        if document is None:
            return _Known(blank, None, partition)
        entity = entity_from(document)
        return _Known(entity, entity, partition)

    async def save(self, tx: Transaction) -> None:
        if not self._known:
            return
        entities = entities_of(self.sink.collection)
        documents = [entity_document(known.entity) for known in self._known.values()]
        await tx.insert_many(entities, [d for d in documents if d["_id"] not in self._documents])
        await tx.put_many(entities, [d for d in documents if d["_id"] in self._documents])
        added: dict[str, Sums] = defaultdict(Sums)
        for known in self._known.values():
            sums = added[known.partition]
            for cell, amount in known.added().items():
                sums[cell] += amount
        told = {partition: sums.rest() for partition, sums in added.items()}
        await add_cells(tx, self.sink.collection, told)

    def committed(self) -> None:
        """Nobody waits for it here: readers ask the heads."""


@dataclass(frozen=True, slots=True)
class MeasuresSink:
    """Folds facts into the entities and cells of one version of the measures."""

    collection: str
    zone: ZoneInfo
    name: str = "measures"
    topics: tuple[str, ...] = TOPICS
    keeps_heads: bool = True

    def follows(self, stream: str) -> bool:
        return stream.partition("-")[0] in STREAMS

    def concerns(self, fact: Envelope) -> Sequence[str]:
        """Name no view: a report sums over many entities; `/parked` lists what it lacks."""
        return ()

    def begin(self) -> MeasuresFolding:
        return MeasuresFolding(self)
