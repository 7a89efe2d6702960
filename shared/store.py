"""The document store, as a port: documents by id, small queries, and transactions.

MongoDB stands behind it in production (`shared/mongo`), dictionaries in unit tests and in the
simulation (`shared/memory/`). One contract suite holds both to the same behaviour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from shared.errors import SellersError

Document = dict[str, Any]
# A subset of MongoDB's query language: {"field.path": value} or {"field.path": {op: value}} with
# op one of $in $gt $gte $lt $lte $ne, or $not {op: value}, which a missing field matches; all
# conditions hold together. A list field matches when one of its elements does.
Where = Mapping[str, Any]
Sort = Sequence[tuple[str, Literal[1, -1]]]


class StoreError(SellersError):
    """The store did not do it."""


class TransientStoreError(StoreError):
    """Nothing was written, or it is unknown whether it was; the same work may be tried again."""


class WriteConflictError(TransientStoreError):
    """Another transaction wrote one of these documents first."""


class DuplicateKeyError(StoreError):
    """A unique index already holds this key."""


class DocumentTooLargeError(StoreError):
    """The store refuses a document, or a transaction, of this size. Trying again does not help."""


@dataclass(frozen=True, slots=True)
class Addition:
    """Add whole numbers to fields of one document, which is made from `blank` when missing."""

    key: str
    amounts: Mapping[str, int]
    blank: Mapping[str, Any] = field(default_factory=dict)


class Reads(Protocol):
    """What can be asked, of the store as it is or of a transaction's snapshot."""

    async def get(self, collection: str, key: str) -> Document | None: ...

    async def get_many(self, collection: str, keys: Collection[str]) -> dict[str, Document]:
        """Return those of `keys` that exist, by `_id`."""
        ...

    async def find(
        self,
        collection: str,
        where: Where,
        *,
        sort: Sort = (),
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Document]: ...

    async def count(self, collection: str, where: Where) -> int: ...


class Writes(Protocol):
    """What can be changed. Inside a transaction: all of it or nothing."""

    async def insert_many(self, collection: str, documents: Iterable[Document]) -> None:
        """Raise DuplicateKeyError when an `_id` or a unique index is already taken."""
        ...

    async def put_many(self, collection: str, documents: Iterable[Document]) -> None:
        """Replace the documents of the same `_id`, or insert them."""
        ...

    async def add_many(self, collection: str, additions: Iterable[Addition]) -> None: ...

    async def delete_many(self, collection: str, keys: Collection[str]) -> None: ...


class Transaction(Reads, Writes, Protocol):
    """A snapshot to read from and a set of writes that happen together or not at all."""


class Store(Reads, Writes, Protocol):
    """One service's database. Every write is durable (`w=majority, j=true`) when it returns."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Commit on leaving the block, abort when it raises.

        Raises:
            WriteConflictError: another transaction was first; nothing was written.
            TransientStoreError: the store is away; the outcome may be unknown.

        """
        ...

    async def ensure_index(
        self, collection: str, fields: Sequence[str], *, unique: bool = False
    ) -> None: ...

    async def collections(self) -> list[str]: ...

    async def drop(self, collection: str) -> None: ...

    async def ping(self) -> None:
        """Raise TransientStoreError when the store does not answer."""
        ...
