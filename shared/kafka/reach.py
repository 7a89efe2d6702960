"""How far the partitions reach, asked once for all idle readers of a process.

A broker that answers empty fetches at once instead of holding them back would cost every idle
reader most of a core. So readers of such a broker fetch only what is known to be there, and one
loop finds out what is there. Rule: it asks only while somebody waits.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping

from shared.log import LogUnavailableError, Partition

# From quick, while records come, to thrifty, while none does.
ASK_EVERY_S_MIN = 0.02
ASK_EVERY_S_MAX = 0.1
SLOWER = 1.2
BROKER_AWAY_S = 0.5

AskEnds = Callable[[Collection[Partition]], Awaitable[Mapping[Partition, int]]]


class Reach:
    """The known end of every partition that somebody reads."""

    def __init__(self, ask: AskEnds) -> None:
        self._ask = ask
        self._known: dict[Partition, int] = {}
        self._wanted: Counter[Partition] = Counter()
        self._waiting = 0
        self._every_s = ASK_EVERY_S_MIN
        self._changed = asyncio.Event()
        self._somebody_waits = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None

    def want(self, partitions: Collection[Partition]) -> None:
        self._wanted.update(partitions)
        if self._asking is None:
            self._asking = asyncio.create_task(self._keep_asking())

    def unwant(self, partitions: Collection[Partition]) -> None:
        self._wanted.subtract(partitions)
        self._wanted = +self._wanted
        for partition in partitions:
            if partition not in self._wanted:
                self._known.pop(partition, None)

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})
            self._asking = None

    def end(self, partition: Partition) -> int | None:
        """Return the offset after the last known record, None while nobody has asked."""
        return self._known.get(partition)

    def reached(self, partition: Partition, end: int) -> None:
        """Somebody has seen the partition reach at least this far: readers need not ask."""
        if partition in self._wanted and end > self._known.get(partition, -1):
            self._known[partition] = end
            self._stir()

    async def wait_for_change(self, wait_s: float) -> None:
        """Return when some partition reaches farther, or after `wait_s` seconds."""
        self._waiting += 1
        self._somebody_waits.set()
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._somebody_waits.clear()

    def _stir(self) -> None:
        self._every_s = ASK_EVERY_S_MIN
        self._changed.set()
        self._changed = asyncio.Event()

    async def _keep_asking(self) -> None:
        while True:
            await self._somebody_waits.wait()
            before = dict(self._known)
            try:
                now = await self._ask(list(self._wanted))
            except LogUnavailableError:
                # The broker is away: whoever waits hears nothing, as from a quiet log.
                await asyncio.sleep(BROKER_AWAY_S)
                continue
            if self._learn(before, now):
                self._stir()
            else:
                self._every_s = min(self._every_s * SLOWER, ASK_EVERY_S_MAX)
            await asyncio.sleep(self._every_s)

    def _learn(self, before: Mapping[Partition, int], now: Mapping[Partition, int]) -> bool:
        changed = False
        for partition, end in now.items():
            if partition not in self._wanted:
                continue
            # An answer may be older than what was seen since; less than what was known before
            # asking means that the log was cut off.
            cut = end < before.get(partition, 0)
            known = end if cut else max(end, self._known.get(partition, 0))
            changed = changed or known != self._known.get(partition)
            self._known[partition] = known
        return changed
