"""Takes in facts that nothing decides. Requests that come at once share one transaction.

A transaction costs the store the same for one touch as for twenty, and while it goes on, more come.
Most are new, so nobody asks first whether they are there: inserting them says so, and then it is
asked. Where one of them cannot be written, each request is journaled, and fails, by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.journal import Entry, Journal, Outgoing
from shared.store import DuplicateKeyError, StoreError, TransientStoreError, WriteConflictError

FACTS_MAX = 1_000
BYTES_MAX = 4_000_000


@dataclass(frozen=True, slots=True)
class _Asked:
    entries: Sequence[Entry]
    answer: asyncio.Future[Outgoing | None]

    @property
    def size(self) -> int:
        return sum(len(entry.value) for entry in self.entries)


@dataclass(slots=True)
class Accepting:
    """Journals what is asked for, one transaction after the other."""

    journal: Journal
    _waiting: deque[_Asked] = field(default_factory=deque)
    _working: asyncio.Task[None] | None = None

    async def accept(self, entries: Sequence[Entry]) -> Outgoing | None:
        """Return what has to go to the log, None where all of it was there before.

        Who leaves meanwhile does not stop it: it may be recorded all the same.

        Raises:
            DuplicateKeyError: another process journals one of them this very moment.
            StoreError: the store did not take it.

        """
        if not entries:
            return None
        asked = _Asked(entries, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="accept")
        return await asked.answer

    async def settled(self, wait_s: float) -> None:
        """Before a shutdown: let what is being written be written."""
        if self._working is not None and not self._working.done():
            await asyncio.wait({self._working}, timeout=wait_s)

    async def _work(self) -> None:
        while self._waiting:
            group = self._taken()
            try:
                await self._written(group)
            except Exception as error:  # noqa: BLE001 - whoever asked has to hear of it.
                _answer(group, error)
            except BaseException:
                _leave(group)
                raise

    async def _written(self, group: Sequence[_Asked]) -> None:
        requests = [asked.entries for asked in group]
        try:
            try:
                found: Sequence[Outgoing | None] = await self.journal.accept_new(requests)
            except DuplicateKeyError:
                found = await self.journal.accept(requests)
        except StoreError as error:
            away = isinstance(error, TransientStoreError)
            if away and not isinstance(error, WriteConflictError):
                raise
            await self._one_by_one(group)
        else:
            for asked, outgoing in zip(group, found, strict=True):
                _answer([asked], outgoing)

    def _taken(self) -> list[_Asked]:
        """Take what waits, no more than fits into a transaction, but one request at least."""
        group = [self._waiting.popleft()]
        facts, size = len(group[0].entries), group[0].size
        while self._waiting:
            coming = self._waiting[0]
            facts, size = facts + len(coming.entries), size + coming.size
            if facts > FACTS_MAX or size > BYTES_MAX:
                break
            group.append(self._waiting.popleft())
        return group

    async def _one_by_one(self, group: Sequence[_Asked]) -> None:
        for asked in group:
            try:
                (outgoing,) = await self.journal.accept([asked.entries])
            except Exception as error:  # noqa: BLE001 - as above
                _answer([asked], error)
            else:
                _answer([asked], outgoing)


def _leave(group: Sequence[_Asked]) -> None:
    """Nobody answers any more: who waits must not wait for ever."""
    for asked in group:
        asked.answer.cancel()


def _answer(group: Sequence[_Asked], told: Outgoing | Exception | None) -> None:
    for asked in group:
        if asked.answer.done():
            continue  # Whoever asked has left.
        if isinstance(told, Exception):
            asked.answer.set_exception(told)
        else:
            asked.answer.set_result(told)
