"""The backup of the keys alone: what `mongodump --db sellers_keys` keeps, and its restore.

Keys are backed up apart from facts and views (ADR 0024). Whoever loses the store without them can
count everything and read no word about anybody.
"""

from __future__ import annotations

import asyncio

from shared.keyring import KEYS
from shared.master import DATABASE
from shared.mongo import MongoStore
from shared.settings import Settings
from shared.store import Document


def backed_up(mongo: str) -> list[Document]:
    """Return every key, wrapped as it is kept."""
    return asyncio.run(_backed_up(mongo))


def restore(mongo: str, keys: list[Document]) -> None:
    """Put them into a store, in place of those that are there."""
    asyncio.run(_restore(mongo, keys))


async def _open(mongo: str) -> MongoStore:
    prefix = Settings.model_fields["database_prefix"].default
    return await MongoStore.open(mongo, f"{prefix}{DATABASE}", "backup")


async def _backed_up(mongo: str) -> list[Document]:
    store = await _open(mongo)
    try:
        return await store.find(KEYS, {})
    finally:
        await store.close()


async def _restore(mongo: str, keys: list[Document]) -> None:
    store = await _open(mongo)
    try:
        await store.drop(KEYS)
        async with store.transaction() as tx:
            await tx.put_many(KEYS, keys)
    finally:
        await store.close()
