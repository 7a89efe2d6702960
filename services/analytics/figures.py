"""Reads what a report needs - cells, our organisation, names - as it stood at one moment."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

import structlog

from services.analytics.cells import Axis, Cell
from services.analytics.counted import check_counted, unnamed
from services.analytics.entities import Entity, Opportunity
from services.analytics.gathering import Gathered, LastGathered, Wanted, gather
from services.analytics.kept_cells import Mirrors
from services.analytics.known import known_measures
from services.analytics.measures import STREAMS, Kind
from services.analytics.packing import UnreadableCellsError
from services.analytics.pieces import Pieces
from services.analytics.pipeline import NOBODY, Key
from services.analytics.projections import Label, labels, org_tree
from services.analytics.row_keys import Keys
from services.analytics.sink import (
    MEASURES,
    behind,
    entities_of,
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
EXPLAINED_AT_ONCE = 2
# So often is read again what has changed while it was read.
ROUNDS = 10
# Views that are read whole, once for many answers.
WHOLE = frozenset(one.name for one in (org_tree, labels, *PLACES, seller_zone))
# Rows of these axes are of products and companies, which have names.
LABELLED: frozenset[Axis] = frozenset(
    {"product", "company", "passage", "slip", "flow", "hand_off", "issue_company", "satisfaction"}
)
# Rows by these are of some of our people.
UNITS = frozenset({"team", "division", "company", "our_company", "manager", "region"})
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
    # Reads them, some at a time, in the order of their streams and after one; or those of some.
    entities: Callable[[str], AsyncIterator[list[Entity]]]
    entities_of: Callable[[Collection[str]], Awaitable[dict[str, Entity]]]
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
    # As long as this is the same, so is everything here; None: nobody can say.
    stands: Any
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

    async def opportunities(self, streams: Collection[str]) -> dict[str, Opportunity]:
        """Return what is known of these opportunities."""
        found = await self.entities_of(streams) if streams else {}
        return {stream: one for stream, one in found.items() if isinstance(one, Opportunity)}


# Says, of our organisation, which days and owners a report tells apart.
GrainOf = Callable[[Organization], Grain]


def exact(_organization: Organization) -> Grain:
    """Tell everything apart."""
    return EXACT


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the figures, and how fresh they have to be.

    With `known_at`, by what had been recorded until then alone (C-06). Cells that `grain_of` says
    are the same to the report may come summed up; with None, they are in the tables alone.
    """

    owner: str | None = None
    row: Row | None = None
    at_least: Token | None = None
    known_at: datetime | None = None
    grain_of: GrainOf | None = exact
    # Rows are called by names of products and companies, though no cells are of these.
    named: bool = False
    # Colleagues, units and more of which alone something is asked, by the name of the parameter.
    of: Mapping[str, str] = field(default_factory=lambda: NOBODY)


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


async def readable_build(reads: Reads) -> Build:
    """Return the figures that are served.

    Raises:
        UnavailableError: an older release has counted them; this one's are not whole yet.

    """
    active = (await builds.read(reads, MEASURES)).active
    if active.version < MEASURES.version:
        raise UnavailableError(
            f"the figures are being built for this release; until then they are those of version "
            f"{active.version}, which this release cannot read",
            slug="projection-being-built",
            retry_after_s=5,
        )
    return active


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


async def read_figures(runtime: Runtime, axes: Sequence[Axis], asked: Asked) -> Figures:
    """Read what a report needs, as `opened_figures` does."""
    async with opened_figures(runtime, axes, asked) as figures:
        return figures


@asynccontextmanager
async def opened_figures(
    runtime: Runtime, axes: Sequence[Axis], asked: Asked
) -> AsyncIterator[Figures]:
    """Read in one snapshot, at least as fresh as the reader's own last write.

    Opportunities by name can be read of it until it is closed. What may make a row has been read
    before it is opened: then no transaction is held while somebody counts.

    Raises:
        UnavailableError: the figures do not know that write in time.
        InvalidError, NotFoundError: there cannot be the row that is asked for, or nothing is known
            of whom it is asked of; or more makes it than one answer can hold.

    """
    await _fresh(runtime, asked.at_least)
    if asked.known_at is not None:
        yield await _as_known(runtime, axes, asked, asked.known_at)
        return
    if asked.row is not None and asked.row.read:
        async with _turn(runtime):
            yield await _explained(runtime, axes, asked)
        return
    async with runtime.store.transaction() as tx:
        yield (await _as_it_is(runtime, tx, axes, asked)).figures


async def _cells(
    tables: Tables, axes: Sequence[Axis], asked: Asked, organization: Organization
) -> dict[Cell, int]:
    """Return the cells that are asked for, as coarse as they may be."""
    if asked.grain_of is None:
        return {}
    wanted = [axis for axis in axes if axis not in RAW]
    # Some tenths of a second for a company's whole history: nobody else has to wait for it.
    return await asyncio.to_thread(tables.cells, wanted, asked.grain_of(organization), asked.owner)


def _turn(runtime: Runtime) -> asyncio.Semaphore:
    """Let few explain at once: each holds all that may make a row for as long as it counts."""
    turns: asyncio.Semaphore = runtime.remembered.setdefault(
        "explaining", asyncio.Semaphore(EXPLAINED_AT_ONCE)
    )
    return turns


class _Opened(NamedTuple):
    """Figures of a transaction, and which entities may make the row that is asked for."""

    figures: Figures
    wanted: Wanted


async def _explained(runtime: Runtime, axes: Sequence[Axis], asked: Asked) -> Figures:
    """Read what a row is explained by, and all that may make it, as at one moment.

    Raises:
        UnavailableError: it changes faster than it is read.
        InvalidError: more may make it than one answer can hold.

    """
    last: LastGathered = runtime.remembered.setdefault("gathered", LastGathered())
    gathered: Gathered | None = None
    for _ in range(ROUNDS):
        async with runtime.store.transaction() as tx:
            figures, wanted = await _as_it_is(runtime, tx, axes, asked)
            if gathered is None or gathered.wanted.mark != wanted.mark:
                gathered = last.of(wanted)
            found = None if gathered is None else await gathered.at(tx, runtime.log)
        if found is not None:
            last.keep(found)
            return replace(figures, entities=found.pieces.entities)
        if gathered is None:
            gathered = await gather(runtime.store, wanted)
        else:
            gathered = await gathered.further(runtime.store, runtime.log)
    raise UnavailableError("what makes the row changes faster than it is read", retry_after_s=5)


async def _as_it_is(runtime: Runtime, tx: Reads, axes: Sequence[Axis], asked: Asked) -> _Opened:
    row, owner = asked.row, asked.owner
    collection = (await readable_build(tx)).collection
    tables = await read_tables(runtime, tx, collection) if axes else Tables()
    organization = await remembered(runtime, tx, org_tree, Organization)
    labelled: Mapping[str, Label] = {}
    if "product" in asked.of:
        labelled = await remembered(runtime, tx, labels)
    if strange := unnamed(asked.of, organization.nodes, labelled):
        check_counted(strange, await read_tables(runtime, tx, collection))
    called = dict(organization.nodes)
    # Who asks for no cells asks for names.
    if asked.named or row is not None or not axes or LABELLED.intersection(axes):
        called |= await remembered(runtime, tx, labels)
    cursors = await tx.find(Collections(collection).cursors, {})
    parked = await parked_facts(tx, collection, ALL)
    keys = _meant(row, called, await _told(runtime, tx, collection, row))
    behind_it = _Behind(collection, row, keys, owner)
    left_out = [] if row is None else await behind_it.facts_left_out(tx, ALL)
    figures = Figures(
        await _cells(tables, axes, asked, organization),
        Pieces().entities,
        partial(_stored, tx, collection),
        organization,
        _names(called),
        _segments(called),
        keys,
        {cursor["_id"]: cursor["offset"] for cursor in cursors},
        parked,
        row,
        left_out,
        _stands(runtime, collection, cursors, parked),
        tables,
    )
    return _Opened(figures, behind_it.wanted)


def _stands(
    runtime: Runtime, collection: str, cursors: Iterable[Document], parked: int
) -> tuple[Any, ...]:
    """Say where the figures stand, and the views beside them that this process has read whole."""
    reached = sorted((cursor["_id"], cursor["offset"]) for cursor in cursors)
    beside = [
        (name, known[0]) for name, known in sorted(runtime.remembered.items()) if name in WHOLE
    ]
    return collection, reached, parked, beside


async def _stored(reads: Reads, collection: str, streams: Collection[str]) -> dict[str, Entity]:
    found = await reads.get_many(entities_of(collection), sorted(streams))
    return {stream: entity_from(document) for stream, document in found.items()}


async def _as_known(runtime: Runtime, axes: Sequence[Axis], asked: Asked, at: datetime) -> Figures:
    row, owner = asked.row, asked.owner
    measured = await known_measures(runtime, at)
    tables = measured.tables
    organization = Organization(await known_views(runtime, org_tree, at))
    called = {**organization.nodes, **await known_views(runtime, labels, at)}
    check_counted(unnamed(asked.of, called), tables)
    axis = None if row is None else row.keys.told
    keys = _meant(row, called, tables.values(axis))
    behind_it, known = _Behind(measured.collection, row, keys, owner), Known(at, measured.later)
    then = await behind_it.then(measured.pieces)
    # Of as much as was recorded later: no transaction has to last as long as that takes.
    parked = await parked_facts(runtime.store, measured.collection, known)
    left_out = []
    if row is not None:
        left_out = await behind_it.facts_left_out(runtime.store, known, then)

    async def entities(after: str) -> AsyncIterator[list[Entity]]:
        async for some in measured.pieces.entities(after):
            yield [entity for entity in some if entity.stream in then]

    return Figures(
        await _cells(tables, axes, asked, organization),
        entities,
        measured.pieces.opened().of,
        organization,
        _names(called),
        _segments(called),
        keys,
        dict(measured.positions),
        parked,
        row,
        left_out,
        None,
        tables,
    )


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

    @property
    def wanted(self) -> Wanted:
        row = self.row
        kinds = () if row is None else tuple(sorted(row.kinds))
        by = "" if row is None else row.by
        return Wanted(self.collection, kinds, by, frozenset(self.keys), self.owner)

    async def then(self, pieces: Pieces) -> set[str]:
        """Return the streams that could make the row by what was known."""
        row, found = self.row, set[str]()
        if row is None:
            return found
        async for some in pieces.entities(""):
            for entity in some:
                kind = entity.stream.partition("-")[0]
                if kind in row.kinds and is_behind(entity, kind, row.by, self.keys, self.owner):
                    found.add(entity.stream)
        return found

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


def _meant(row: Row | None, called: Mapping[str, Any], told: Collection[str]) -> set[Key]:
    """Return all that may be meant by a row's name or id, as `Keys.meant` does."""
    if row is None:
        return set()
    if row.keys.told == "segment":
        told = set(_segments(called).values())
    return row.keys.meant(row.key, _names(called), told)


async def _told(runtime: Runtime, reads: Reads, collection: str, row: Row | None) -> set[str]:
    """Return the words that were told of, where those are what the rows are of."""
    axis = None if row is None else row.keys.told
    if axis is None or axis == "segment":
        return set()
    return (await read_tables(runtime, reads, collection)).values(axis)


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
