"""A store that is watched: how many transactions are open, and how much each of them reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from services.analytics.tests.world import COLLECTION, World

# Is told the collection, and the condition or the keys.
Before = Callable[[str, Any], Awaitable[None]]


async def nothing(_collection: str, _where: Any) -> None:
    """What happens before something is read, mostly."""


@dataclass(eq=False)
class Watched:
    """Calls `before` at each read of the figures, also within transactions.

    Views beside them follow the log by themselves: of those nothing is told.
    """

    store: Any
    before: Before = nothing
    reads: int = 0
    # Transactions that are open, and how much each has read that was.
    open: list[Watched] = field(default_factory=list)
    read_within: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def get(self, collection: str, where: Any, **more: Any) -> Any:
        return await self._read("get", collection, where, **more)

    async def get_many(self, collection: str, where: Any, **more: Any) -> Any:
        return await self._read("get_many", collection, where, **more)

    async def find(self, collection: str, where: Any, **more: Any) -> Any:
        return await self._read("find", collection, where, **more)

    async def count(self, collection: str, where: Any, **more: Any) -> Any:
        return await self._read("count", collection, where, **more)

    async def _read(self, name: str, collection: str, where: Any, **more: Any) -> Any:
        if collection.startswith(COLLECTION):
            await self.before(collection, where)
            self.reads += 1
        return await getattr(self.store, name)(collection, where, **more)

    def figures_open(self) -> int:
        """Return how many transactions are open that have read any figures."""
        return sum(bool(one.reads) for one in self.open)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self.store.transaction() as tx:
            inside = Watched(tx, self.before)
            self.open.append(inside)
            try:
                yield inside
            finally:
                self.open.remove(inside)
                self.read_within.append(inside.reads)


def watch(world: World, before: Before = nothing) -> Watched:
    """Let the API read a watched store; who folds the figures goes on with the store itself."""
    watched = Watched(world.runtime.store, before)
    world.runtime.store = watched  # type: ignore[assignment]
    return watched
