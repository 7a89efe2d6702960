"""Blue-green builds: which documents queries read, and which are folded beside them to take over.

One document per projection says it, only transactions change it, and every process follows it. A
build's collections are made once and never made anew, so two processes can never undo each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.errors import UnavailableError
from shared.projection import Projection
from shared.projector import Collections, note_drops
from shared.published import Build, dirty_mark
from shared.store import Document, Reads, Store, Transaction, WriteConflictError

BUILDS = "projections"
# How old a process's knowledge of the active build may be, how long a query may take with it, and
# how long a build stays after queries left it. The last must exceed the sum of the others.
FRESH_S = 1.0
QUERY_S = 1.0
GRACE_S = 5.0

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Builds:
    """Where one projection stands: what queries read, what takes over, what may be dropped."""

    active: Build
    coming: Build | None = None
    leaving: tuple[Build, ...] = ()

    def document(self) -> Document:
        return {
            "_id": self.active.name,
            "version": self.active.version,
            "generation": self.active.generation,
            "coming": _pair(self.coming) if self.coming else None,
            "leaving": [_pair(build) for build in self.leaving],
        }

    @staticmethod
    def of(document: Document) -> Builds:
        name = document["_id"]
        coming = document.get("coming")
        return Builds(
            Build(name, document["version"], document["generation"]),
            Build(name, *coming) if coming else None,
            tuple(Build(name, *pair) for pair in document.get("leaving", ())),
        )


def _pair(build: Build) -> list[int]:
    return [build.version, build.generation]


def first(projection: Projection[Any]) -> Builds:
    return Builds(Build(projection.name, projection.version))


async def read(reads: Reads, projection: Projection[Any]) -> Builds:
    """Say where it stands; before anybody folds it, that is at its first build."""
    return _stands(projection, await reads.get(BUILDS, projection.name))


def _stands(projection: Projection[Any], document: Document | None) -> Builds:
    return first(projection) if document is None else Builds.of(document)


@dataclass(slots=True)
class Reading:
    """Where all projections of a database stand, read once for everybody who asks in a moment.

    A domain has dozens of projections, each of which wants to know twice a second.
    """

    store: Store
    _read_at: float = float("-inf")
    _documents: Mapping[str, Document] = field(default_factory=dict)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of(self, projection: Projection[Any], since: float) -> tuple[Builds, float]:
        """Say where it stands, by a read that began at `since` or later, and when that was."""
        if self._read_at < since:
            async with self._one_at_a_time:
                if self._read_at < since:  # Nobody has read it while this one waited.
                    await self._read()
        return _stands(projection, self._documents.get(projection.name)), self._read_at

    async def _read(self) -> None:
        read_at = asyncio.get_running_loop().time()
        found = await self.store.find(BUILDS, {})
        self._documents = {document["_id"]: document for document in found}
        self._read_at = read_at


async def is_dropped(projection: Projection[Any], build: Build, reads: Reads) -> bool:
    """Whether queries have left this build: whoever still folds it must not make it anew."""
    builds = await read(reads, projection)
    return build not in (builds.active, builds.coming)


async def register(store: Store, projection: Projection[Any]) -> Builds:
    """Make sure that this release's version is active or on its way.

    An older release than the active build changes nothing: it neither folds it nor replaces it.
    """

    async def change(_tx: Transaction, builds: Builds) -> Builds:
        newest = max(builds.active.version, builds.coming.version if builds.coming else 0)
        if newest >= projection.version:
            return builds
        gone = (builds.coming,) if builds.coming else ()
        coming = Build(projection.name, projection.version)
        return Builds(builds.active, coming, builds.leaving + gone)

    return await _change(store, projection, change)


async def begin(store: Store, projection: Projection[Any]) -> Build:
    """Begin a fresh build of the active version, to replace it when it has caught up."""

    async def change(_tx: Transaction, builds: Builds) -> Builds:
        if builds.coming is not None:
            raise UnavailableError(f"{projection.name} is being rebuilt already", slug="rebuilding")
        if builds.active.version != projection.version:
            raise UnavailableError(
                f"{projection.name} is at version {builds.active.version}; this release folds "
                f"version {projection.version}",
                slug="another-release",
            )
        coming = builds.active._replace(generation=builds.active.generation + 1)
        return Builds(builds.active, coming, builds.leaving)

    builds = await _change(store, projection, change)
    assert builds.coming is not None
    return builds.coming


async def renew(projection: Projection[Any], build: Build, tx: Transaction) -> None:
    """Begin anew what is built beside this build: it may have folded what is now left out.

    The active build is not begun anew for its successor: it is told to leave out what comes yet.
    """
    held = await read(tx, projection)
    if held.coming == build:
        await note_drops(tx, held.active.collection)
    if held.coming is None or held.coming == build:
        # Written as it is: who begins a build meanwhile would not hear of what is left out.
        await tx.put_many(BUILDS, [held.document()])
        return
    fresh = held.coming._replace(generation=held.coming.generation + 1)
    after = Builds(held.active, fresh, (*held.leaving, held.coming))
    await tx.put_many(BUILDS, [after.document()])


async def anew(projection: Projection[Any], tx: Transaction) -> bool:
    """Begin a fresh build in this transaction, unless one is on its way; say whether it began."""
    held = await read(tx, projection)
    if held.coming is not None:
        return False
    coming = held.active._replace(generation=held.active.generation + 1)
    await tx.put_many(BUILDS, [Builds(held.active, coming, held.leaving).document()])
    return True


async def switch(store: Store, projection: Projection[Any], build: Build) -> Builds:
    """Let queries read this build from now on, if it is still the one to come."""

    async def change(tx: Transaction, builds: Builds) -> Builds:
        if builds.coming != build:
            return builds
        if projection.published:
            await _stub_what_is_gone(tx, builds.active, build)
        return Builds(build, None, (*builds.leaving, builds.active))

    return await _change(store, projection, change)


async def drop(store: Store, projection: Projection[Any], build: Build) -> None:
    """Remove everything of a build that nobody reads any more."""
    for name in Collections(build.collection).all:
        await store.drop(name)

    async def change(_tx: Transaction, builds: Builds) -> Builds:
        left = tuple(leaving for leaving in builds.leaving if leaving != build)
        return Builds(builds.active, builds.coming, left)

    await _change(store, projection, change)


async def _stub_what_is_gone(tx: Transaction, old: Build, new: Build) -> None:
    """What only the old build has was published: its subscribers must hear that it is gone.

    Inside the transaction of the switch: a view that is folded meanwhile is not overwritten.
    """
    held = {document["_id"] for document in await tx.find(new.collection, {}, fields=())}
    before = {document["_id"] for document in await tx.find(old.collection, {}, fields=())}
    gone = sorted(before - held)
    await tx.insert_many(new.collection, [{"_id": key, "rev": 1, "view": None} for key in gone])
    await tx.insert_many(Collections(new.collection).dirty, [dirty_mark(key, 1) for key in gone])


async def _change(
    store: Store,
    projection: Projection[Any],
    change: Callable[[Transaction, Builds], Awaitable[Builds]],
) -> Builds:
    """Apply a change in a transaction; when another process was first, look again."""
    while True:
        try:
            async with store.transaction() as tx:
                document = await tx.get(BUILDS, projection.name)
                before = first(projection) if document is None else Builds.of(document)
                after = await change(tx, before)
                if document is None or after != before:
                    await tx.put_many(BUILDS, [after.document()])
        except WriteConflictError:
            continue
        return after
