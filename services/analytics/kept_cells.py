"""Cells in the store: what each batch added, in order, partition by partition (ADR 0019).

A document is what one transaction added to the cells of one partition's facts; it is never changed.
Who has read all up to a number reads only what follows. What is older than a minute is put
together, so that a long history is a few documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.analytics.cells import Axis, Cell
from services.analytics.packing import Packed, UnreadableCellsError, pack, unpack
from services.analytics.tables import Tables
from shared.store import Document, Reads, Store, Transaction

# Fewer are not worth a transaction.
TOGETHER_MIN = 16
# What was put together stays well below what one document may hold.
ROWS_MAX = 200_000
# Who lacks more than so many reads all of it anew.
BEHIND_MAX = 1_000


def changes_of(collection: str) -> str:
    return f"{collection}.cells"


def numbers_of(collection: str) -> str:
    return f"{collection}.cell_numbers"


def _key(partition: str, number: int) -> str:
    return f"{partition}/{number:012}"


async def add_cells(
    tx: Transaction, collection: str, added: Mapping[str, Mapping[Cell, int]]
) -> None:
    """Add to the cells, by the partition (`topic/number`) whose facts add it."""
    told = {partition: cells for partition, cells in sorted(added.items()) if cells}
    if not told:
        return
    numbers = await tx.get_many(numbers_of(collection), list(told))
    documents, reached = [], []
    for partition, cells in told.items():
        number = numbers[partition]["number"] + 1 if partition in numbers else 1
        reached.append({"_id": partition, "number": number})
        documents.append(_document(_key(partition, number), number, pack(cells), len(cells)))
    await tx.insert_many(changes_of(collection), documents)
    await tx.insert_many(numbers_of(collection), [r for r in reached if r["_id"] not in numbers])
    await tx.put_many(numbers_of(collection), [r for r in reached if r["_id"] in numbers])


def _document(key: str, first: int, written: bytes, rows: int) -> Document:
    """Return what is kept of the additions from the number `first` to that of the key."""
    return {"_id": key, "first": first, "rows": rows, "cells": written}


@dataclass(frozen=True, slots=True)
class Mirror:
    """The cells of one collection, up to a number of each partition."""

    collection: str
    tables: Tables = field(default_factory=Tables)
    numbers: Mapping[str, int] = field(default_factory=dict)

    def behind(self, numbers: Mapping[str, int]) -> list[str] | None:
        """Return the keys of what it lacks; None where it is better read anew."""
        lacking = [
            _key(partition, number)
            for partition, reached in sorted(numbers.items())
            for number in range(self.numbers.get(partition, 0) + 1, reached + 1)
        ]
        return lacking if self.numbers and len(lacking) <= BEHIND_MAX else None

    def has_some_of(self, document: Document) -> bool:
        """Whether what it lacks was put together with what it has, and would be counted twice.

        Documents that do not tell where they begin were written by an older release.
        """
        partition, _, _ = document["_id"].rpartition("/")
        return bool(document.get("first", 0) <= self.numbers.get(partition, 0))


@dataclass(slots=True)
class Mirrors:
    """Keeps the newest mirror that anybody has read, for the next one who asks."""

    _newest: Mirror | None = None
    _following: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self, reads: Reads, collection: str) -> Tables:
        """Return all cells as `reads` has them: what is new of them is read, the rest is known.

        Raises:
            UnreadableCellsError: naming the document that nobody here has written.

        """
        known = self._newest
        if known is None or known.collection != collection:
            known = Mirror(collection)
        found = await reads.find(numbers_of(collection), {})
        numbers = {document["_id"]: document["number"] for document in found}
        if any(numbers.get(partition, 0) < n for partition, n in known.numbers.items()):
            known = Mirror(collection)  # It was begun anew under the same name.
        if numbers == known.numbers:
            return known.tables
        added = await self._added(reads, known, numbers)
        if added is None:
            known, added = Mirror(collection), await reads.find(changes_of(collection), {})
        async with self._following:  # Tables of one line share the names of their series.
            tables = await asyncio.to_thread(_with, known.tables, added)
        self._newest = Mirror(collection, tables, numbers)
        return tables

    async def _added(
        self, reads: Reads, known: Mirror, numbers: Mapping[str, int]
    ) -> list[Document] | None:
        """Return what the mirror lacks; None where that was put together with what it has."""
        keys = known.behind(numbers)
        if keys is None:
            return None
        found = await reads.get_many(changes_of(known.collection), keys)
        if len(found) < len(keys) or any(known.has_some_of(one) for one in found.values()):
            return None
        return [found[key] for key in keys]


def _with(tables: Tables, added: Iterable[Document]) -> Tables:
    return tables.with_([read(document) for document in added])


def read(document: Document) -> dict[Axis, Packed]:
    """Return what a document adds.

    Raises:
        UnreadableCellsError: nobody here has written that; it names the document.

    """
    try:
        return unpack(document["cells"])
    except UnreadableCellsError as error:
        raise UnreadableCellsError(f"{document['_id']}: {error}") from error


@dataclass(slots=True)
class Tidying:
    """Puts together what was added a while ago; `up_to` is what was there the last time."""

    collection: str = ""
    at_least: int = TOGETHER_MIN
    up_to: Mapping[str, int] = field(default_factory=dict)

    async def tidy(self, store: Store, partitions: Collection[str]) -> None:
        """Put together what was there at the last call: whoever follows has read it by now."""
        for partition in sorted(partitions):
            if last := self.up_to.get(partition):
                await put_together(store, self.collection, partition, last, self.at_least)
        found = await store.find(numbers_of(self.collection), {})
        self.up_to = {document["_id"]: document["number"] for document in found}


async def put_together(
    store: Store, collection: str, partition: str, last: int, at_least: int = TOGETHER_MIN
) -> None:
    """Make one document of the newest ones up to a number, as many as are worth it."""
    where = {"_id": {"$gt": f"{partition}/", "$lte": _key(partition, last)}}
    held = await store.find(changes_of(collection), where, sort=(("_id", 1),), fields=("rows",))
    chosen = worth_it([document["rows"] for document in held], at_least)
    keys = [document["_id"] for document in held[len(held) - chosen :]]
    if not keys:
        return
    async with store.transaction() as tx:
        found = await tx.get_many(changes_of(collection), keys)
        if len(found) < len(keys):
            return  # Somebody else has just done it.
        tables = await asyncio.to_thread(_with, Tables(), [found[key] for key in keys])
        await tx.delete_many(changes_of(collection), keys[:-1])
        first = found[keys[0]].get("first", 0)
        whole = _document(keys[-1], first, tables.written(), tables.size)
        await tx.put_many(changes_of(collection), [whole])


def worth_it(rows: Sequence[int], at_least: int = TOGETHER_MIN) -> int:
    """Say how many of the last documents to put together, by how many rows each has. Pure.

    One is taken along as long as it is no more than twice what comes after it: so a row is written
    again as often as its history doubles, and not every minute.
    """
    taken, total = 0, 0
    for count in reversed(rows):
        if total + count > ROWS_MAX or (taken >= at_least and count > 2 * total):
            break
        taken, total = taken + 1, total + count
    return taken if taken >= at_least else 0
