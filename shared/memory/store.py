"""The document store in memory, with MongoDB's isolation: snapshots, and the first writer wins.

A document of an open transaction is locked, as in MongoDB: another transaction that writes it
conflicts at once, a single write waits for its end, and an abandoned one ends after a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from shared.memory.documents import (
    add,
    copied,
    index_keys,
    kept,
    matches,
    ordered,
    picked,
)
from shared.memory.step import Step, one_turn
from shared.store import (
    Addition,
    Document,
    DocumentTooLargeError,
    DuplicateKeyError,
    Sort,
    TransientStoreError,
    Where,
    WriteConflictError,
)

DOCUMENT_BYTES_MAX = 16 * 1024 * 1024
TRANSACTION_S_MAX = 60.0

# A collection's name, or an index of it: an index entry is a cell of its own, so two transactions
# that claim one unique key conflict just as two that write one document do.
Space = Hashable
# What a cell held from which commit on; None from its deletion on. The last one is current.
History = list[tuple[int, Any]]


class _LockedError(WriteConflictError):
    def __init__(self, holder: MemoryTransaction) -> None:
        super().__init__("another open transaction has written this")
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Point:
    """All that was in the store at one moment: a backup."""

    spaces: dict[Space, dict[Hashable, Any]]
    indexes: dict[str, set[tuple[str, ...]]]


@dataclass(eq=False)
class _Database:
    document_bytes_max: int
    commits: int = 0
    spaces: dict[Space, dict[Hashable, History]] = field(default_factory=dict)
    unique: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    locks: dict[tuple[Space, Hashable], MemoryTransaction] = field(default_factory=dict)
    running: set[MemoryTransaction] = field(default_factory=set)

    def commit(self, writes: dict[tuple[Space, Hashable], Any]) -> None:
        self.commits += 1
        for (space, key), value in writes.items():
            cells = self.spaces.setdefault(space, {})
            history = cells.setdefault(key, [])
            if not self.running:  # Nobody looks at the past any more.
                history.clear()
                if value is None:
                    del cells[key]
                    continue
            history.append((self.commits, value))

    def checked(self, document: Document) -> Document:
        if not isinstance(document.get("_id"), str):
            raise TypeError("every document has an _id, which is text")
        result: Document = kept(document)
        if len(orjson.dumps(result, default=repr)) > self.document_bytes_max:
            raise DocumentTooLargeError(f"{document['_id']}: too large for one document")
        return result


class _Reading:
    """Queries, over whatever the store or a transaction sees."""

    def _now(self, space: Space, key: Hashable) -> Any:
        raise NotImplementedError

    def _all(self, space: Space) -> Iterable[Document]:
        raise NotImplementedError

    async def _turn(self, operation: str) -> None:
        raise NotImplementedError

    async def get(self, collection: str, key: str) -> Document | None:
        await self._turn("store.get")
        document: Document | None = copied(self._now(collection, key))
        return document

    async def get_many(self, collection: str, keys: Collection[str]) -> dict[str, Document]:
        await self._turn("store.get_many")
        found = {key: self._now(collection, key) for key in keys}
        return {key: copied(document) for key, document in found.items() if document is not None}

    async def find(
        self,
        collection: str,
        where: Where,
        *,
        sort: Sort = (),
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        await self._turn("store.find")
        found = ordered((one for one in self._all(collection) if matches(one, where)), sort)
        first = found if limit is None else found[: max(limit, 0)]
        return [copied(one if fields is None else picked(one, fields)) for one in first]

    async def count(self, collection: str, where: Where) -> int:
        await self._turn("store.count")
        return sum(matches(one, where) for one in self._all(collection))


class MemoryTransaction(_Reading):
    """A snapshot, taken at the first operation, and the writes that hold their documents."""

    def __init__(self, database: _Database, step: Step) -> None:
        self._database = database
        self._step = step
        self._snapshot: int | None = None
        self._writes: dict[tuple[Space, Hashable], Any] = {}
        self._since = asyncio.get_running_loop().time()
        self._busy = False
        self.ended = asyncio.Event()

    async def insert_many(self, collection: str, documents: Iterable[Document]) -> None:
        await self._write("store.insert_many", collection, inserting, documents)

    async def put_many(self, collection: str, documents: Iterable[Document]) -> None:
        await self._write("store.put_many", collection, putting, documents)

    async def add_many(self, collection: str, additions: Iterable[Addition]) -> None:
        await self._write("store.add_many", collection, adding, additions)

    async def delete_many(self, collection: str, keys: Collection[str]) -> None:
        await self._write("store.delete_many", collection, deleting, keys)

    async def commit(self) -> None:
        await self._turn("store.commit")
        self.apply()
        await self._step("store.commit.done")

    def apply(self) -> None:
        self.end()
        self._database.commit(self._writes)

    def end(self) -> None:
        """Give up its snapshot and its locks. Without `apply` nothing has happened."""
        self._database.running.discard(self)
        for cell in self._writes:
            if self._database.locks.get(cell) is self:
                del self._database.locks[cell]
        self.ended.set()

    def remaining_s(self) -> float:
        return self._since + TRANSACTION_S_MAX - asyncio.get_running_loop().time()

    def begin(self) -> None:
        self._snapshot = self._database.commits
        self._database.running.add(self)

    def now(self, collection: str, key: str) -> Document | None:
        document: Document | None = self._now(collection, key)
        return document

    def stage(self, collection: str, key: str, document: Document | None) -> None:
        """Write one document and its index entries, or fail and end the whole transaction."""
        try:
            if document is not None:
                document = self._database.checked(document)
            self._stage_indexes(collection, key, document)
            self._claim(collection, key, document)
        except BaseException:
            self.end()
            raise

    def _stage_indexes(self, collection: str, key: str, document: Document | None) -> None:
        before = self._now(collection, key)
        for fields in self._database.unique.get(collection, ()):
            space = (collection, fields)
            old, new = index_keys(before, fields), index_keys(document, fields)
            for entry in old - new:
                self._claim(space, entry, None)
            for entry in new - old:
                if (owner := self._now(space, entry)) is not None:
                    raise DuplicateKeyError(f"{collection}.{'+'.join(fields)}: taken by {owner}")
                self._claim(space, entry, key)

    def _claim(self, space: Space, key: Hashable, value: Any) -> None:
        holder = self._database.locks.get((space, key))
        if holder is not None and holder is not self:
            if holder.remaining_s() > 0:
                raise _LockedError(holder)
            holder.end()
        history = self._database.spaces.get(space, {}).get(key)
        assert self._snapshot is not None
        if history and history[-1][0] > self._snapshot:
            raise WriteConflictError("somebody else has written this since the snapshot")
        self._database.locks[space, key] = self
        self._writes[space, key] = value

    async def _write(
        self, operation: str, collection: str, how: Work, items: Iterable[Any]
    ) -> None:
        await self._turn(operation)
        for item in items:
            how(self, collection, item)

    def _now(self, space: Space, key: Hashable) -> Any:
        if (space, key) in self._writes:
            return self._writes[space, key]
        return self._then(self._database.spaces.get(space, {}).get(key, ()))

    def _then(self, history: Sequence[tuple[int, Any]]) -> Any:
        assert self._snapshot is not None
        for commit, value in reversed(history):
            if commit <= self._snapshot:
                return value
        return None

    def _all(self, space: Space) -> Iterable[Document]:
        keys = dict.fromkeys(self._database.spaces.get(space, ()))
        keys |= dict.fromkeys(key for written, key in self._writes if written == space)
        found = (self._now(space, key) for key in keys)
        return (document for document in found if document is not None)

    async def _turn(self, operation: str) -> None:
        # A MongoDB session is for one operation at a time.
        assert not self._busy, "a transaction is used by two tasks at once"
        self._busy = True
        try:
            await self._step(operation)
        finally:
            self._busy = False
        if self.ended.is_set() or self.remaining_s() <= 0:
            self.end()
            raise TransientStoreError("this transaction has already ended")
        if self._snapshot is None:
            self.begin()


Work = Callable[[MemoryTransaction, str, Any], None]


def inserting(transaction: MemoryTransaction, collection: str, document: Document) -> None:
    if transaction.now(collection, document["_id"]) is not None:
        transaction.end()
        raise DuplicateKeyError(f"{collection}: {document['_id']} is already there")
    transaction.stage(collection, document["_id"], document)


def putting(transaction: MemoryTransaction, collection: str, document: Document) -> None:
    transaction.stage(collection, document["_id"], document)


def adding(transaction: MemoryTransaction, collection: str, addition: Addition) -> None:
    before = transaction.now(collection, addition.key)
    document = {**addition.blank, "_id": addition.key} if before is None else before
    document = copied(document)
    for path, amount in addition.amounts.items():
        add(document, path, amount)
    transaction.stage(collection, addition.key, document)


def deleting(transaction: MemoryTransaction, collection: str, key: str) -> None:
    transaction.stage(collection, key, None)


class MemoryStore(_Reading):
    """One database. `seen_by` gives a process its own handle on it, with its own faults."""

    def __init__(
        self, *, step: Step = one_turn, document_bytes_max: int = DOCUMENT_BYTES_MAX
    ) -> None:
        self._database = _Database(document_bytes_max)
        self._step = step
        self._mine: list[MemoryTransaction] = []

    def seen_by(self, step: Step) -> MemoryStore:
        """Return the same database behind another process's connection."""
        handle = MemoryStore(step=step)
        handle._database = self._database
        return handle

    def abandon(self) -> None:
        """End what this handle left open, as a successor does with `killSessions`."""
        for transaction in self._mine:
            transaction.end()

    def documents(self, collection: str) -> dict[str, Document]:
        """Everything a collection holds: what is, not what a process gets to see."""
        return {document["_id"]: copied(document) for document in self._all(collection)}

    def point(self) -> Point:
        spaces = {
            space: {key: history[-1][1] for key, history in cells.items()}
            for space, cells in self._database.spaces.items()
        }
        return Point(spaces, {name: set(found) for name, found in self._database.unique.items()})

    def restore(self, to: Point) -> None:
        """An old backup comes back. Whoever is in the middle of something is cut off."""
        database = self._database
        for transaction in list(database.running):
            transaction.end()
        database.commits += 1
        database.unique = {name: set(found) for name, found in to.indexes.items()}
        database.spaces = {
            space: {key: [(database.commits, value)] for key, value in cells.items()}
            for space, cells in to.spaces.items()
        }

    async def insert_many(self, collection: str, documents: Iterable[Document]) -> None:
        await self._alone("store.insert_many", collection, inserting, documents)

    async def put_many(self, collection: str, documents: Iterable[Document]) -> None:
        await self._alone("store.put_many", collection, putting, documents)

    async def add_many(self, collection: str, additions: Iterable[Addition]) -> None:
        await self._alone("store.add_many", collection, adding, additions)

    async def delete_many(self, collection: str, keys: Collection[str]) -> None:
        await self._alone("store.delete_many", collection, deleting, keys)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        transaction = MemoryTransaction(self._database, self._step)
        self._mine = [one for one in self._mine if not one.ended.is_set()] + [transaction]
        try:
            yield transaction
            await transaction.commit()
        finally:
            transaction.end()

    async def ensure_index(
        self, collection: str, fields: Sequence[str], *, unique: bool = False
    ) -> None:
        await self._step("store.ensure_index")
        known = self._database.unique.setdefault(collection, set())
        if not unique or tuple(fields) in known:
            return
        entries: dict[Hashable, History] = {}
        for document in self._all(collection):
            for entry in index_keys(document, fields):
                if entry in entries:
                    raise DuplicateKeyError(f"{collection}.{'+'.join(fields)}: {document['_id']}")
                entries[entry] = [(self._database.commits, document["_id"])]
        self._database.spaces[collection, tuple(fields)] = entries
        known.add(tuple(fields))

    async def collections(self) -> list[str]:
        await self._step("store.collections")
        return sorted(
            space
            for space, cells in self._database.spaces.items()
            if isinstance(space, str) and any(history[-1][1] for history in cells.values())
        )

    async def drop(self, collection: str) -> None:
        await self._step("store.drop")
        for fields in self._database.unique.pop(collection, ()):
            self._database.spaces.pop((collection, fields), None)
        self._database.spaces.pop(collection, None)

    async def ping(self) -> None:
        await self._step("store.ping")

    async def _alone(
        self, operation: str, collection: str, how: Work, items: Iterable[Any]
    ) -> None:
        """Each item is its own transaction: many single writes are not atomic together."""
        for item in items:
            await self._turn(operation)
            while True:
                transaction = MemoryTransaction(self._database, self._step)
                transaction.begin()
                try:
                    how(transaction, collection, item)
                except _LockedError as locked:
                    await _end_of(locked.holder)
                else:
                    transaction.apply()
                    break
        await self._turn(f"{operation}.done")

    def _now(self, space: Space, key: Hashable) -> Any:
        history = self._database.spaces.get(space, {}).get(key)
        return history[-1][1] if history else None

    def _all(self, space: Space) -> Iterable[Document]:
        found = (history[-1][1] for history in self._database.spaces.get(space, {}).values())
        return (document for document in found if document is not None)

    async def _turn(self, operation: str) -> None:
        await self._step(operation)


async def _end_of(holder: MemoryTransaction) -> None:
    try:
        async with asyncio.timeout(max(holder.remaining_s(), 0)):
            await holder.ended.wait()
    except TimeoutError:
        holder.end()
