"""Who waits for what is folded here: they are told at once, and served first where turns are few.

Somebody who has just written reads it back and waits for that one view (`X-At-Least`). A dozen
others are folded from the same fact; where one store does them all, the one that is waited for
goes first, and nobody has to ask the store again and again whether it is there.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# So often whoever is waited for may go before whoever has queued for longest.
BEFORE_OTHERS = 3


class Foldings:
    """Shared by all that one process folds and reads. `at_once`: so many turns; None: no limit."""

    def __init__(self, at_once: int | None = None) -> None:
        self._free = at_once
        self._queue: deque[tuple[str, asyncio.Future[None]]] = deque()
        self._preferred = 0
        self._times: Counter[str] = Counter()
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, collection: str) -> AsyncIterator[None]:
        """Fold into a collection once it is its turn, and tell who waits for that."""
        await self._taken(collection)
        try:
            yield
            self._folded(collection)
        finally:
            self._give()

    def times(self, collection: str) -> int:
        """Return how often something was folded into it here; 0: it is folded elsewhere, if at all.

        Asked before looking: what is folded after that is not missed by `beyond`.
        """
        return self._times[collection]

    async def beyond(self, collection: str, times: int, within_s: float) -> None:
        """Wait until it was folded into more often than that, or so long."""
        if self._times[collection] != times:
            return
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(collection, set())
        waiting.add(told)
        try:
            await asyncio.wait({told}, timeout=within_s)
        finally:
            waiting.discard(told)
            if not waiting:
                self._waiting.pop(collection, None)

    def _folded(self, collection: str) -> None:
        self._times[collection] += 1
        for told in self._waiting.get(collection, ()):
            if not told.done():
                told.set_result(None)

    async def _taken(self, collection: str) -> None:
        if self._free is None:
            return
        if self._free:
            self._free -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((collection, mine))
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                self._give()  # It was ours already.
            raise

    def _give(self) -> None:
        """Let the next one have it."""
        if self._free is None:
            return
        self._queue = deque(one for one in self._queue if not one[1].done())
        if not self._queue:
            self._free += 1
            return
        first = self._queue[0]
        waited_for = (one for one in self._queue if one[0] in self._waiting)
        # A view that somebody always waits for keeps the others waiting, but not for ever.
        chosen = first if self._preferred >= BEFORE_OTHERS else next(waited_for, first)
        self._preferred = 0 if chosen is first else self._preferred + 1
        chosen[1].set_result(None)
