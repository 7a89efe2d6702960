"""Takes out of an inbox what was read of it: others wrote it in the clear.

What became a fact is in the log by then, and what could not be read is set aside, both sealed. So
an inbox quotes somebody for moments only, and nobody who was erased before.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from shared.log import LogTruncatedError, LogUnavailableError
from shared.observability import INBOX_READ_RECORDS
from shared.projector import Projector
from shared.store import TransientStoreError

CLEAR_S = 5.0
# Whoever may not is asked again, but not that often: each time takes connections of its own.
REFUSED_S = 60.0

log = structlog.get_logger()


@dataclass(slots=True)
class Clearing:
    """Deletes of a topic what a projector has folded, until cancelled.

    Touches go on where the broker refuses it: that is told by a metric, and stops nothing.
    """

    topic: str
    reading: Projector
    _refused: str = ""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(REFUSED_S if self._refused else CLEAR_S)
            try:
                await self.clear()
            except (LogTruncatedError, LogUnavailableError, TransientStoreError) as error:
                if str(error) != self._refused:
                    log.warning("inbox_not_cleared", topic=self.topic, reason=str(error))
                self._refused = str(error)
            else:
                self._refused = ""

    async def clear(self) -> None:
        """Delete what was read by now.

        Raises:
            LogUnavailableError: no broker answers, or this account may not.
            LogTruncatedError: the log lost its newest records meanwhile.
            TransientStoreError: what was read cannot be asked at the moment.

        """
        done = await self.reading.done_with()
        kept = INBOX_READ_RECORDS.labels(self.topic)
        kept.set(sum(map(len, done.values())))
        if done:
            await self.reading.log.delete_before({at: read.stop for at, read in done.items()})
            kept.set(0)
