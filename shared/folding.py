"""Who waits for what is folded here: they are told at once, and served first where turns are few.

Somebody who has just written reads it back and waits for that one view (`X-At-Least`). A dozen
others are folded from the same fact; where one store does them all, the one that is waited for
goes first, the others wait for a moment until it was read, and nobody has to ask the store again
and again whether it is there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

# So often whoever is waited for may go before whoever has queued for longest.
BEFORE_OTHERS = 3
# So long what nobody waits for is held while somebody reads what they have just written, unless
# it has that many records already: then there is work enough to be late with.
HELD_S, MANY = 0.1, 20
# A read holds nothing any more that takes longer, whatever it waits for; and nothing is held longer
# than it takes the next read of the same answer to begin.
ATTENTIVE_S, LINGERS_S = 0.5, 0.005


@dataclass(eq=False, slots=True)
class _Asking:
    collection: str
    records: int
    since: float
    admitted: asyncio.Future[None]


class Foldings:
    """Shared by all that one process folds and reads. `at_once`: so many turns; None: no limit."""

    def __init__(self, at_once: int | None = None) -> None:
        self._at_once = self._free = at_once
        self._queue: list[_Asking] = []
        self._preferred = 0
        self._reads: list[float] = []
        self._looking_again: asyncio.TimerHandle | None = None
        self._times: Counter[str] = Counter()
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    @property
    def takes_turns(self) -> bool:
        """Whether one process folds everything, so that whoever waits is told of all of it."""
        return self._at_once is not None

    @asynccontextmanager
    async def turn(self, collection: str, records: int = 1) -> AsyncIterator[None]:
        """Fold so many records into a collection once it is its turn, and tell who waits."""
        await self._admitted(collection, records)
        try:
            yield
            self._folded(collection)
        finally:
            if self._free is not None:
                self._free += 1
                self._serve()

    @contextmanager
    def read(self) -> Iterator[None]:
        """Read what may have to be waited for; the next read of the same answer follows soon."""
        if not self.takes_turns:
            yield  # Nothing is ever held.
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._reads.append(began)
        try:
            yield
        finally:
            loop.call_later(LINGERS_S, self._read, began)

    def _read(self, began: float) -> None:
        self._reads.remove(began)
        self._serve()

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
        self._serve()  # It may be held.
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

    async def _admitted(self, collection: str, records: int) -> None:
        if self._free is None:
            return
        loop = asyncio.get_running_loop()
        asking = _Asking(collection, records, loop.time(), loop.create_future())
        self._queue.append(asking)
        self._serve()
        try:
            await asking.admitted
        except asyncio.CancelledError:
            if asking.admitted.cancelled():
                self._queue.remove(asking)
            else:
                self._free += 1  # It was ours already.
            self._serve()
            raise

    def _serve(self) -> None:
        """Let in whoever may go; whoever is held, when that is over."""
        while self._free and (chosen := self._next()) is not None:
            self._free -= 1
            self._queue.remove(chosen)
            chosen.admitted.set_result(None)
        if self._looking_again is not None:
            self._looking_again.cancel()
            self._looking_again = None
        held = [one.since for one in self._queue if not one.admitted.done()]
        if self._free and held:
            loop = asyncio.get_running_loop()
            self._looking_again = loop.call_at(min(held) + HELD_S, self._serve)

    def _next(self) -> _Asking | None:
        asking = [one for one in self._queue if not one.admitted.done()]
        first = next((one for one in asking if not self._held(one)), None)
        if self._preferred < BEFORE_OTHERS:
            waited_for = next((one for one in asking if one.collection in self._waiting), None)
            if waited_for is not None and waited_for is not first:
                self._preferred += 1
                return waited_for
        self._preferred = 0
        return first

    def _held(self, asking: _Asking) -> bool:
        """Whether it can wait until what was just written is read."""
        if not self._reads or asking.records >= MANY or asking.collection in self._waiting:
            return False
        now = asyncio.get_running_loop().time()
        return now < asking.since + HELD_S and now < max(self._reads) + ATTENTIVE_S
