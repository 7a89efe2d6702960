"""Reads what a report needs - cells, our organisation, names - as it stood at one moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import structlog

from services.analytics.cells import Axis, Cell
from services.analytics.entities import Entity, Opportunity
from services.analytics.kept_cells import Mirrors
from services.analytics.known import Measured, known_measures
from services.analytics.measures import STREAMS, Kind
from services.analytics.packing import UnreadableCellsError, pack, unpack
from services.analytics.pipeline import Key
from services.analytics.projections import Label, labels, org_tree
from services.analytics.row_keys import Keys
from services.analytics.sink import (
    MEASURES,
    behind,
    entities_of,
    entity_document,
    entity_from,
    is_behind,
)
from services.analytics.tables import EXACT, Grain, Tables
from services.analytics.tree import Organization
from services.analytics.unheard import READ_MAX, Known, facts_left_out, parked_facts
from services.analytics.work_places import PLACES, seller_zone
from services.analytics.worklife import Places
from shared import builds
from shared.errors import UnavailableError
from shared.known import known_views
from shared.projection import Projection
from shared.projector import Collections
from shared.published import Build
from shared.reading import Reader, Token
from shared.runtime import Runtime
from shared.store import Document, Reads
from shared.worktime import UsualWeek

M = TypeVar("M")
AHEAD_S = 5.0
# Rows of these axes are of products and companies, which have names.
LABELLED: frozenset[Axis] = frozenset(
    {"product", "company", "passage", "slip", "flow", "issue_company", "satisfaction"}
)
# Rows by these are of some of our people.
UNITS = frozenset({"team", "division", "company", "manager", "region"})
ALL = Known()
# These are not summed as cells are.
RAW: frozenset[Axis] = frozenset({"clock"})


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Row:
    """The row of a report that is to be explained: by its id or name, from what kind of stream."""

    by: str
    key: Key
    # What rows there can be.
    keys: Keys
    kind: Kind = "opportunity"
    # Further kinds that make it, too.
    also: tuple[Kind, ...] = ()
    # Only what is of whoever is in this unit is asked for.
    unit: Key = None
    # False: what makes it is told without these, by cells or by lines that were frozen.
    read: bool = True

    @property
    def names_others(self) -> bool:
        """Whether whoever may see the row may see all that is not in it.

        A row of a unit is seen by who leads it, and what is not in it may be of another one.
        """
        return self.unit is None and self.by not in UNITS

    @property
    def kinds(self) -> tuple[Kind, ...]:
        told = (self.kind, *self.also)
        # What is planned in a calendar stands there as an entry or as one time of a series.
        return (*told, "series") if "entry" in told else told


@dataclass(frozen=True, slots=True)
class Figures:
    """The cells of some axes, or the entities behind a row, and everything they are told by.

    `keys` are all that may be meant by the row's name or id.
    """

    cells: dict[Cell, int]
    entities: dict[str, Document]
    organization: Organization
    names: dict[str, str]
    # Of which segment a company is; of whom nobody said anything is in none.
    segments: dict[str, str]
    keys: set[Key]
    positions: dict[str, int]
    parked: int
    # The row that is to be explained, and which facts are in no figure, and why.
    row: Row | None
    left_out: list[dict[str, Any]]
    # All cells, as they are kept; of what was known at an instant, those of the axes asked for.
    tables: Tables

    @property
    def ids(self) -> list[str]:
        """Return what the row that was asked for may be the row of."""
        return sorted(key for key in self.keys if key)

    @property
    def names_others(self) -> bool:
        return self.row is not None and self.row.names_others

    def name(self, key: Key) -> Key:
        """Return what people call it; its id where nobody told us."""
        return None if key is None else self.names.get(key, key)


# Says, of our organisation, which days and owners a report tells apart.
GrainOf = Callable[[Organization], Grain]


def exact(_organization: Organization) -> Grain:
    """Tell everything apart."""
    return EXACT


async def read_tables(runtime: Runtime, reads: Reads, collection: str) -> Tables:
    """Return all cells as `reads` has them; what this process has read before it need not read.

    Raises:
        UnavailableError: somebody has changed by hand what is stored of them.

    """
    mirrors = runtime.remembered.setdefault("cells", Mirrors())
    try:
        tables: Tables = await mirrors.read(reads, collection)
    except UnreadableCellsError as error:
        raise UnavailableError(f"the figures have to be rebuilt: {error}") from error
    return tables


async def read_ahead(runtime: Runtime) -> None:
    """Keep the cells read, until cancelled: nobody's first report has to wait for all of them."""
    while True:
        try:
            async with runtime.store.transaction() as tx:
                collection = (await builds.read(tx, MEASURES)).active.collection
                await read_tables(runtime, tx, collection)
        except UnavailableError as error:  # Every report says so; all else still serves.
            log.warning("cells_not_read", reason=str(error))
        await asyncio.sleep(AHEAD_S)


async def read_figures(
    runtime: Runtime,
    axes: Sequence[Axis],
    *,
    owner: str | None = None,
    row: Row | None = None,
    at_least: Token | None = None,
    known_at: datetime | None = None,
    grain_of: GrainOf | None = exact,
) -> Figures:
    """Read in one snapshot, at least as fresh as the reader's own last write.

    With `known_at`, by what had been recorded until then alone (C-06). Cells that `grain_of` says
    are the same to the report may come summed up; with None, they are in the tables alone.

    Raises:
        UnavailableError: the figures do not know that write in time.
        InvalidError, NotFoundError: there cannot be the row that is asked for.

    """
    await _fresh(runtime, at_least)
    if known_at is not None:
        return await _as_known(runtime, axes, owner, row, known_at)
    async with runtime.store.transaction() as tx:
        collection = (await builds.read(tx, MEASURES)).active.collection
        tables = await read_tables(runtime, tx, collection) if axes else Tables()
        organization = await remembered(runtime, tx, org_tree, Organization)
        called = dict(organization.nodes)
        # Who asks for no cells asks for names.
        if row is not None or not axes or LABELLED.intersection(axes):
            called |= await remembered(runtime, tx, labels)
        cursors = await tx.find(Collections(collection).cursors, {})
        parked = await parked_facts(tx, collection, ALL)
        keys = await _meant(runtime, tx, row, called)
        held: list[Document] = []
        for kind in row.kinds if row is not None and row.read else ():
            assert row is not None
            where = behind(kind, row.by, keys, owner)
            held += await tx.find(entities_of(collection), where)
        asked = _Behind(collection, row, keys, owner)
        left_out = [] if row is None else await asked.facts_left_out(tx, ALL)
    # Some tenths of a second for a company's whole history: nobody else has to wait for it.
    cells: dict[Cell, int] = {}
    if grain_of is not None:
        wanted = [axis for axis in axes if axis not in RAW]
        cells = await asyncio.to_thread(tables.cells, wanted, grain_of(organization), owner)
    return Figures(
        cells,
        {document["_id"]: document for document in held},
        organization,
        _names(called),
        _segments(called),
        keys,
        {cursor["_id"]: cursor["offset"] for cursor in cursors},
        parked,
        row,
        left_out,
        tables,
    )


async def _as_known(
    runtime: Runtime, axes: Sequence[Axis], owner: str | None, row: Row | None, at: datetime
) -> Figures:
    measured = await known_measures(runtime, at)
    nodes = await known_views(runtime, org_tree, at)
    called = nodes | await known_views(runtime, labels, at)
    cells = {
        cell: amount
        for cell, amount in measured.cells.items()
        if cell.axis in axes and owner in (None, cell.owner)
    }
    known = Known(at, measured.later)
    async with runtime.store.transaction() as tx:
        keys = await _meant(runtime, tx, row, called)
        behind_it = {} if row is None else _behind_then(measured, row, keys, owner)
        asked = _Behind(measured.collection, row, keys, owner)
        parked = await parked_facts(tx, measured.collection, known)
        left_out = [] if row is None else await asked.facts_left_out(tx, known, behind_it)
    return Figures(
        {cell: amount for cell, amount in cells.items() if cell.axis not in RAW},
        behind_it if row is not None and row.read else {},
        Organization(nodes),
        _names(called),
        _segments(called),
        keys,
        measured.positions,
        parked,
        row,
        left_out,
        Tables().with_([unpack(pack(cells))]),
    )


def _behind_then(
    measured: Measured, row: Row, keys: Collection[Key], owner: str | None
) -> dict[str, Document]:
    found = {}
    for stream, entity in measured.entities.items():
        kind = stream.partition("-")[0]
        if kind in row.kinds:
            document = entity_document(entity)
            if is_behind(document, kind, row.by, keys, owner):
                found[stream] = document
    return found


@dataclass(frozen=True, slots=True)
class _Behind:
    """Which streams may make a row, as an index says."""

    collection: str
    row: Row | None
    keys: Collection[Key]
    owner: str | None

    async def facts_left_out(
        self, reads: Reads, known: Known, then: Collection[str] = ()
    ) -> list[dict[str, Any]]:
        """Return which facts are in no figure; `then`: these streams could make the row then."""

        async def theirs(streams: Collection[str]) -> set[str]:
            return {*(await self._of(reads, streams)), *(one for one in streams if one in then)}

        # Who may see one unit may not see the next: nobody knows of which a fact is.
        named = self.owner is not None or (self.row is not None and self.row.names_others)
        return await facts_left_out(reads, self.collection, known, theirs, named=named)

    async def _of(self, reads: Reads, streams: Collection[str]) -> list[str]:
        """Return which of these streams may make the row by what is known now."""
        found: list[str] = []
        row, ordered = self.row, sorted(streams)
        for kind in () if row is None else row.kinds:
            assert row is not None
            where = behind(kind, row.by, self.keys, self.owner)
            of_kind = [stream for stream in ordered if stream.startswith(f"{kind}-")]
            for first in range(0, len(of_kind), READ_MAX):
                wanted = {**where, "_id": {"$in": of_kind[first : first + READ_MAX]}}
                held = await reads.find(entities_of(self.collection), wanted, fields=("_id",))
                found += [one["_id"] for one in held]
        return found


def _names(called: Mapping[str, Any]) -> dict[str, str]:
    return {stream: view.name for stream, view in called.items() if view.name is not None}


def _segments(called: Mapping[str, Any]) -> dict[str, str]:
    labelled = {stream: view for stream, view in called.items() if isinstance(view, Label)}
    return {stream: view.segment for stream, view in labelled.items() if view.segment is not None}


async def _meant(
    runtime: Runtime, reads: Reads, row: Row | None, called: Mapping[str, Any]
) -> set[Key]:
    """Return all that may be meant by a row's name or id, as `Keys.meant` does."""
    if row is None:
        return set()
    told: Collection[str] = ()
    if row.keys.told == "segment":
        told = set(_segments(called).values())
    elif row.keys.told is not None and row.key is not None:
        collection = (await builds.read(reads, MEASURES)).active.collection
        table = (await read_tables(runtime, reads, collection)).by_axis.get(row.keys.told)
        told = () if table is None else table.values
    return row.keys.meant(row.key, _names(called), told)


async def opportunities_at(
    runtime: Runtime, streams: Collection[str], known_at: datetime | None
) -> dict[str, Opportunity]:
    """Return what is known of these opportunities or, with an instant, what was known."""
    if not streams:
        return {}
    if known_at is None:
        found = await _entities(runtime, streams)
    else:
        found = (await known_measures(runtime, known_at)).entities
    told = ((stream, found[stream]) for stream in streams if stream in found)
    return {stream: one for stream, one in told if isinstance(one, Opportunity)}


async def _entities(runtime: Runtime, streams: Collection[str]) -> dict[str, Entity]:
    async with runtime.store.transaction() as tx:
        collection = (await builds.read(tx, MEASURES)).active.collection
        found = await tx.get_many(entities_of(collection), sorted(streams))
    return {stream: entity_from(document) for stream, document in found.items()}


async def read_places(runtime: Runtime, usual: UsualWeek, known_at: datetime | None) -> Places:
    """Return where everybody works, as it is or as it was known."""
    if known_at is not None:
        known = [await known_views(runtime, one, known_at) for one in (*PLACES, seller_zone)]
    else:
        async with runtime.store.transaction() as tx:
            known = [await remembered(runtime, tx, one) for one in (*PLACES, seller_zone)]
    sellers, units, hours, zones = known
    told = {
        stream.replace("agenda-", "employee-", 1): view.zone
        for stream, view in zones.items()
        if view.zone is not None
    }
    return Places(usual, runtime.settings.zone, sellers, units, hours, told)


async def remembered(
    runtime: Runtime,
    reads: Reads,
    projection: Projection[Any],
    made: Callable[[dict[str, Any]], M] = dict,  # type: ignore[assignment]
) -> M:
    """Return a view read whole, or what is made of it; again only when it may have changed."""
    collection = (await builds.read(reads, projection)).active.collection
    names = Collections(collection)
    cursors = await reads.find(names.cursors, {})
    reached = sorted((cursor["_id"], cursor["offset"]) for cursor in cursors)
    # What is folded once it is no longer parked moves no cursor.
    stands = (collection, reached, await reads.count(names.parked, {}))
    known = runtime.remembered.get(projection.name)
    # Without a cursor nothing was folded, or the cursors are about to be written anew.
    if known is None or known[0] != stands or not cursors:
        documents = await reads.find(collection, {"view": {"$ne": None}})
        views = {d["_id"]: projection.from_document(d["view"]) for d in documents}
        known = runtime.remembered[projection.name] = (stands, made(views))
    found: M = known[1]
    return found


async def _fresh(runtime: Runtime, at_least: Token | None) -> None:
    if at_least is None:
        return
    kind = at_least.stream.partition("-")[0]
    if kind in STREAMS:

        async def measures() -> Build:
            return (await builds.read(runtime.store, MEASURES)).active

        reader = Reader(MEASURES, runtime.store, measures, runtime.settings.read_wait_s)
        # There is no view of that key: what counts is that reading one waits for the heads.
        await reader.get(at_least.stream, at_least)
    if kind in {"employee", "unit"}:
        await runtime.reader(org_tree).get(at_least.stream, at_least)
    if kind in {"product", "company"}:
        await runtime.reader(labels).get(at_least.stream, at_least)
