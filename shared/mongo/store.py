"""One service's database in MongoDB, and the transactions of one process in it.

Every write waits for the majority's journal. A transaction runs on one of a few recorded sessions,
so that the next process of the same instance can end what a killed one left open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from shared.mongo.documents import Documents
from shared.mongo.errors import in_our_words, outcome_unknown
from shared.store import StoreError, Transaction, TransientStoreError

WRITERS = "writers"
COMMIT_TRIES = 5
# So many documents are taken out at once of a collection that is about to be dropped.
EMPTIED = 200
DURABLE = WriteConcern(w="majority", j=True)


class MongoStore(Documents):
    """One service's database. `instance` names this process among those of the service."""

    def __init__(
        self, client: Any, database: str, instance: str, *, wait_s: float, empties: bool = False
    ) -> None:
        super().__init__(client[database])
        self._empties = empties
        self._client = client
        self._instance = instance
        self._wait_s = wait_s
        self._idle: asyncio.LifoQueue[Any] = asyncio.LifoQueue()

    @classmethod
    async def open(
        cls,
        url: str,
        database: str,
        instance: str,
        *,
        writers: int = 8,
        wait_s: float = 20.0,
        empties: bool = False,
    ) -> MongoStore:
        """Connect, end what a killed process of this instance left open, and record our sessions.

        `empties`: a collection is emptied before it is dropped. SecantusDB serves nobody meanwhile,
        3.4 s of 2,000 documents and 8.5 s of 10,000 (measured); emptied, it drops one in 5 ms.

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
        store = cls(client, database, instance, wait_s=wait_s, empties=empties)
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
            async with asyncio.timeout(self._wait_s):
                session = await self._idle.get()
        except TimeoutError as error:
            raise TransientStoreError("every writer of this process is busy") from error
        transaction = Documents(self._database, session)
        try:
            with in_our_words():
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

    async def _commit(self, transaction: Documents, session: Any) -> None:
        failure: StoreError | None = None
        for _ in range(COMMIT_TRIES):
            try:
                await transaction.do(session.commit_transaction())
            except StoreError as error:
                if not outcome_unknown(error):
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
        while self._empties:
            found = await self.find(collection, {}, limit=EMPTIED, fields=("_id",))
            if not found:
                break
            await self.delete_many(collection, [document["_id"] for document in found])
        await self.do(self._database.drop_collection(collection))

    async def ping(self) -> None:
        try:
            await self.do(self._client.admin.command("ping"))
        except TransientStoreError:
            raise
        except StoreError as error:
            raise TransientStoreError(str(error)) from error
