"""Documents in MongoDB: reads and writes, of the store as it is or inside a transaction.

Rule: the driver's work is awaited, never cancelled; it would go on in its thread regardless.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, TypeVar

from pymongo import DeleteMany, ReplaceOne, UpdateOne

from shared.mongo.errors import in_our_words
from shared.store import Addition, Document, Sort, Where

T = TypeVar("T")

# SecantusDB answers long `$in` lists four times slower per document; MongoDB does not mind either.
KEYS_MAX = 50


class Documents:
    """Reads and writes, of the store as it is or, with a session, inside its transaction."""

    def __init__(self, database: Any, session: Any = None) -> None:
        self._database = database
        self._session = session
        self._running: asyncio.Future[Any] | None = None

    async def do(self, work: Awaitable[T]) -> T:
        """Await the driver's work without ever cancelling it.

        It runs in a thread that goes on regardless. In a transaction the abort has to wait for
        it: a write that starts after the abort would run outside any transaction.
        """
        self._running = running = asyncio.ensure_future(work)
        # Whoever awaits it may be cancelled, and then nobody else looks at its failure.
        running.add_done_callback(lambda done: done.cancelled() or done.exception())
        with in_our_words():
            return await asyncio.shield(running)

    async def settled(self) -> None:
        """Wait until no work is running; the driver's own time limits bound it."""
        if self._running is not None and not self._running.done():
            await asyncio.wait({self._running})

    def when_settled(self, then: Callable[[], None]) -> None:
        if self._running is None or self._running.done():
            then()
        else:
            self._running.add_done_callback(lambda _: then())

    async def get(self, collection: str, key: str) -> Document | None:
        found: Document | None = await self.do(
            self._database[collection].find_one({"_id": key}, session=self._session)
        )
        return found

    async def get_many(self, collection: str, keys: Collection[str]) -> dict[str, Document]:
        if not keys:
            return {}
        found = await self.find(collection, {"_id": {"$in": list(dict.fromkeys(keys))}})
        return {document["_id"]: document for document in found}

    async def find(
        self,
        collection: str,
        where: Where,
        *,
        sort: Sort = (),
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        if limit is not None and limit <= 0:
            return []  # MongoDB takes 0 for "no limit".
        wheres = [where] if sort else list(_chunked(where))
        if len(wheres) == 1:
            return await self._found(collection, where, sort, limit, fields)
        # One after the other, outside a transaction too: several at once were slower (measured).
        found: dict[Any, Document] = {}  # A list field can match in two chunks.
        for each in wheres:
            for document in await self._found(collection, each, (), limit, fields):
                found[document["_id"]] = document
            if limit is not None and len(found) >= limit:
                break
        return list(found.values())[:limit]

    async def _found(
        self,
        collection: str,
        where: Where,
        sort: Sort,
        limit: int | None,
        fields: Sequence[str] | None,
    ) -> list[Document]:
        cursor = self._database[collection].find(
            dict(where),
            None if fields is None else dict.fromkeys((*fields, "_id"), 1),
            sort=list(sort) or None,
            limit=limit or 0,
            session=self._session,
        )
        found: list[Document] = await self.do(cursor.to_list(None))
        return found

    async def count(self, collection: str, where: Where) -> int:
        counted: int = await self.do(
            self._database[collection].count_documents(dict(where), session=self._session)
        )
        return counted

    async def insert_many(self, collection: str, documents: Iterable[Document]) -> None:
        # Copies: the driver writes an `_id` into what it is given.
        if batch := [dict(document) for document in documents]:
            await self.do(self._database[collection].insert_many(batch, session=self._session))

    async def put_many(self, collection: str, documents: Iterable[Document]) -> None:
        await self._bulk(
            collection,
            [ReplaceOne({"_id": each["_id"]}, each, upsert=True) for each in documents],
        )

    async def add_many(self, collection: str, additions: Iterable[Addition]) -> None:
        await self._bulk(
            collection,
            [UpdateOne({"_id": each.key}, _increment(each), upsert=True) for each in additions],
        )

    async def delete_many(self, collection: str, keys: Collection[str]) -> None:
        wheres = _chunked({"_id": {"$in": list(keys)}}) if keys else ()
        await self._bulk(collection, [DeleteMany(dict(where)) for where in wheres])

    async def _bulk(self, collection: str, requests: Sequence[Any]) -> None:
        if requests:  # In order: the same document may be written twice, and the last one stands.
            await self.do(self._database[collection].bulk_write(requests, session=self._session))


def _chunked(where: Where) -> Iterator[Where]:
    """Split the first long `$in` of a condition."""
    for name, condition in where.items():
        values = condition.get("$in", ()) if isinstance(condition, Mapping) else ()
        if len(values) > KEYS_MAX:
            for at in range(0, len(values), KEYS_MAX):
                yield {**where, name: {**condition, "$in": values[at : at + KEYS_MAX]}}
            return
    yield where


def _increment(addition: Addition) -> dict[str, Any]:
    """Two operators may not touch one path, so what `$inc` makes by itself leaves the blank."""
    made = addition.amounts
    blank = {
        path: value
        for path, value in _flat("", addition.blank)
        if not (value in ({}, 0) and any(f"{at}.".startswith(f"{path}.") for at in made))
    }
    update: dict[str, Any] = {"$inc": dict(made)} if made else {}
    if blank or not update:
        update["$setOnInsert"] = blank
    return update


def _flat(prefix: str, document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value
