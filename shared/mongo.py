"""The document store on MongoDB. The only importer of motor; its errors end here.

Every write waits for the majority's journal. A transaction runs on one of a few recorded sessions,
so that the next process of the same instance can end what a killed one left open.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import DeleteMany, ReplaceOne, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from shared.store import (
    Addition,
    Document,
    DocumentTooLargeError,
    DuplicateKeyError,
    Sort,
    StoreError,
    Transaction,
    TransientStoreError,
    Where,
    WriteConflictError,
)

T = TypeVar("T")

WRITERS = "writers"
# SecantusDB answers long `$in` lists four times slower per document; MongoDB does not mind either.
KEYS_MAX = 50
COMMIT_TRIES = 5
DURABLE = WriteConcern(w="majority", j=True)
CONFLICT, UNIQUE = frozenset({112}), frozenset({11000, 11001, 12582})
TOO_LARGE = frozenset({257, 10334, 17419, 17420})
# The server is stepping down, shutting down, interrupted, out of time or out of its snapshot.
AWAY = frozenset(
    {6, 7, 24, 43, 50, 64, 89, 91, 189, 237, 246, 251, 262, 290, 9001}
    | {10107, 11600, 11601, 11602, 13388, 13435, 13436}
)


def store_error(error: Exception) -> StoreError:
    """Say a driver's error in the words of the port."""
    codes = _codes(error)
    reason = _reason(error)
    if isinstance(error, DocumentTooLarge) or codes & TOO_LARGE:
        return DocumentTooLargeError(reason)
    if codes & CONFLICT:
        return WriteConflictError(reason)
    if codes & UNIQUE:
        return DuplicateKeyError(reason)
    labelled = isinstance(error, PyMongoError) and (
        error.has_error_label("TransientTransactionError")
        or error.has_error_label("RetryableWriteError")
    )
    away = isinstance(error, (ConnectionFailure, ExecutionTimeout, WriteConcernError))
    if away or labelled or codes & AWAY:
        return TransientStoreError(reason)
    # What cannot be encoded (an integer beyond 64 bits, a lone surrogate) ends here too: it never
    # will be, so whoever bisects a failing batch finds it.
    return StoreError(reason)


def _reason(error: Exception) -> str:
    if isinstance(error, BulkWriteError) and error.details.get("writeErrors"):
        return str(error.details["writeErrors"][0].get("errmsg", error))
    return str(error).partition(", full error:")[0]


def _codes(error: Exception) -> set[int]:
    if isinstance(error, BulkWriteError):
        return {each["code"] for each in error.details.get("writeErrors", ())}
    if isinstance(error, OperationFailure) and error.code is not None:
        return {error.code}
    return set()


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except (PyMongoError, BSONError, OverflowError, UnicodeEncodeError) as error:
        raise store_error(error) from error


class _Documents:
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
        with _in_our_words():
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


class MongoStore(_Documents):
    """One service's database. `instance` names this process among those of the service."""

    def __init__(self, client: Any, database: str, instance: str, *, wait_s: float) -> None:
        super().__init__(client[database])
        self._client = client
        self._instance = instance
        self._wait_s = wait_s
        self._idle: asyncio.LifoQueue[Any] = asyncio.LifoQueue()

    @classmethod
    async def open(
        cls, url: str, database: str, instance: str, *, writers: int = 8, wait_s: float = 20.0
    ) -> MongoStore:
        """Connect, end what a killed process of this instance left open, and record our sessions.

        Raises:
            TransientStoreError: the server does not answer within `wait_s`.

        """
        wait_ms = int(wait_s * 1000)
        client: Any = AsyncIOMotorClient(
            url,
            tz_aware=True,
            w="majority",
            journal=True,
            readConcernLevel="majority",
            readPreference="primary",
            connectTimeoutMS=min(wait_ms, 5_000),
            serverSelectionTimeoutMS=min(wait_ms, 5_000),
            socketTimeoutMS=wait_ms,
            waitQueueTimeoutMS=wait_ms,
            appname=f"{database}/{instance}",
        )
        store = cls(client, database, instance, wait_s=wait_s)
        try:
            await store._take_over(writers)
        except BaseException:
            client.close()
            raise
        return store

    async def _take_over(self, writers: int) -> None:
        """A dead writer's transaction blocks its documents for a minute, the server's limit."""
        before = await self.get(WRITERS, self._instance)
        if before is not None and before["sessions"]:
            ended = [{"id": session} for session in before["sessions"]]
            await self.do(self._client.admin.command("killSessions", ended))
        sessions = [await self.do(self._client.start_session()) for _ in range(writers)]
        recorded = [session.session_id["id"] for session in sessions]
        # Recorded before the first of them is used: a killed process leaves none unknown.
        await self.put_many(WRITERS, [{"_id": self._instance, "sessions": recorded}])
        for session in sessions:
            self._idle.put_nowait(session)

    async def close(self) -> None:
        """Give the connections back. Transactions still open are aborted by the server."""
        self._client.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        try:
            session = await asyncio.wait_for(self._idle.get(), self._wait_s)
        except TimeoutError as error:
            raise TransientStoreError("every writer of this process is busy") from error
        transaction = _Documents(self._database, session)
        try:
            with _in_our_words():
                session.start_transaction(
                    read_concern=ReadConcern("snapshot"),
                    write_concern=DURABLE,
                    read_preference=ReadPreference.PRIMARY,
                )
            try:
                yield transaction
            except BaseException:
                await transaction.settled()
                await transaction.do(session.abort_transaction())
                raise
            await self._commit(transaction, session)
        finally:
            transaction.when_settled(lambda: self._idle.put_nowait(session))

    async def _commit(self, transaction: _Documents, session: Any) -> None:
        failure: StoreError | None = None
        for _ in range(COMMIT_TRIES):
            try:
                await transaction.do(session.commit_transaction())
            except StoreError as error:
                cause = error.__cause__
                unknown = isinstance(cause, PyMongoError) and cause.has_error_label(
                    "UnknownTransactionCommitResult"
                )
                if not unknown:
                    raise
                failure = error
            else:
                return
        raise TransientStoreError(f"the outcome of the commit is unknown: {failure}") from failure

    async def ensure_index(
        self, collection: str, fields: Sequence[str], *, unique: bool = False
    ) -> None:
        keys = [(field, 1) for field in fields]
        await self.do(self._database[collection].create_index(keys, unique=unique))

    async def collections(self) -> list[str]:
        names = await self.do(self._database.list_collection_names())
        return sorted(name for name in names if name != WRITERS and not name.startswith("system."))

    async def drop(self, collection: str) -> None:
        await self.do(self._database.drop_collection(collection))

    async def ping(self) -> None:
        try:
            await self.do(self._client.admin.command("ping"))
        except TransientStoreError:
            raise
        except StoreError as error:
            raise TransientStoreError(str(error)) from error
