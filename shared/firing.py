"""Runs timers: one holder of a lease scans the view for what is due and sends its commands.

The lease saves work, nothing else. Two that scan at once, one that slept and wakes up, a view that
is behind: the command's id comes from the fact that set the deadline, and `decide` has the word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

import structlog

from shared.clock import Clock, derived_id
from shared.events import timestamp
from shared.published import Build
from shared.service import Refused, Request, Service
from shared.store import (
    Document,
    DuplicateKeyError,
    Reads,
    Store,
    StoreError,
    WriteConflictError,
)
from shared.timers import Overdue, Timer

V = TypeVar("V")

LEASES = "timers"
SCAN_S = 1.0
# Who has not renewed for so long has lost the lease; who holds it renews three times as often.
LEASE_S = 10.0
RELEASE_S = 2.0
PAGE = 100

log = structlog.get_logger()


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Lease:
    """Who scans: one document, changed by whoever has read it in the same transaction.

    No two machines' clocks are compared: a rival takes it when the holder's `beat` has stood still
    for `length_s` of the rival's own time. `until` is for people to read.
    """

    name: str
    holder: str
    store: Store
    clock: Clock
    length_s: float = LEASE_S
    _renewed_at: float = float("-inf")
    _rival: tuple[str, int] | None = None
    _rival_since: float = float("-inf")

    async def held(self) -> bool:
        """Take it or keep it; say whether it is ours."""
        if _now() - self._renewed_at < self.length_s / 3:
            return True
        self._renewed_at = float("-inf")
        if not self._free(await self.store.get(LEASES, self.name)):
            return False
        began = _now()
        try:
            async with self.store.transaction() as tx:
                document = await tx.get(LEASES, self.name)
                if not self._free(document):
                    return False
                await tx.put_many(LEASES, [self._document(document)])
        except (WriteConflictError, DuplicateKeyError):
            return False  # A rival was first.
        self._renewed_at = began
        return True

    async def release(self) -> None:
        """Let a rival take it at once, as far as the store lets us say so."""
        self._renewed_at = float("-inf")
        try:
            async with asyncio.timeout(RELEASE_S), self.store.transaction() as tx:
                document = await tx.get(LEASES, self.name)
                if document is not None and document["holder"] == self.holder:
                    await tx.put_many(LEASES, [document | {"holder": None, "until": None}])
        except (StoreError, TimeoutError) as error:
            log.info("lease_not_released", timer=self.name, reason=str(error))

    def _free(self, document: Document | None) -> bool:
        if document is None or document["holder"] in (None, self.holder):
            return True
        seen = (document["holder"], document["beat"])
        if seen != self._rival:
            self._rival, self._rival_since = seen, _now()
        return _now() - self._rival_since > self.length_s

    def _document(self, before: Document | None) -> Document:
        return {
            "_id": self.name,
            "holder": self.holder,
            "beat": (before["beat"] if before else 0) + 1,
            "until": timestamp(self.clock.now() + timedelta(seconds=self.length_s)),
        }


class Status(NamedTuple):
    """How a timer stands. `overdue`: passed, and the view does not know of a command yet."""

    timer: str
    overdue: int
    overdue_since: str | None
    next_due_at: str | None
    holder: str | None
    held_until: str | None


@dataclass(slots=True)
class TimerRunner(Generic[V]):
    """Scans one timer's view, in the build that queries read, and sends the commands."""

    timer: Timer[V]
    service: Service
    active: Callable[[Reads], Awaitable[Build]]
    lease: Lease
    # What was refused at the last scan: said once, not every second until the view has followed.
    _refused: set[str] = field(default_factory=set)

    @property
    def _store(self) -> Store:
        return self.service.decisions.journal.store

    @property
    def _clock(self) -> Clock:
        return self.service.decisions.clock

    @property
    def _due(self) -> str:
        return f"view.{self.timer.due}"

    async def run(self) -> None:
        """Scan while the lease is ours, until cancelled; then leave it to somebody else."""
        # Like decisions: a journal that lags behind the log knows an older deadline.
        await self.service.ready.wait()
        try:
            while True:
                if await self.lease.held():
                    await self.scan()
                await asyncio.sleep(SCAN_S)
        except asyncio.CancelledError:
            await self.lease.release()
            raise

    async def scan(self) -> None:
        """Send the commands of all that is due now, a page at a time; none waits for another."""
        now = timestamp(self._clock.now())
        refused: set[str] = set()
        page = await self._page(now, None)
        while page:
            refused |= await self._send(page)
            page = await self._page(now, page[-1]) if await self.lease.held() else []
        self._refused = refused

    async def _page(self, now: str, last: Document | None) -> list[Document]:
        """Return the views that are due after `last`, the oldest first."""
        collection = (await self.active(self._store)).collection
        since, found = {"$lte": now}, list[Document]()
        if last is not None:
            at = last["view"][self.timer.due]
            found = await self._store.find(
                collection,
                {self._due: at, "_id": {"$gt": last["_id"]}},
                sort=(("_id", 1),),
                limit=PAGE,
            )
            since = {"$gt": at, "$lte": now}
        if len(found) < PAGE:
            found += await self._store.find(
                collection,
                {self._due: since},
                sort=((self._due, 1), ("_id", 1)),
                limit=PAGE - len(found),
            )
        return found

    async def _send(self, page: list[Document]) -> set[str]:
        """Let the domain decide; return the ids of the commands it refuses."""
        overdue = [each for document in page for each in enumerate(self._fire(document))]
        requests = await self._requests(overdue)
        refused = set()
        for request, outcome in zip(
            requests, await self.service.handle_many(requests), strict=True
        ):
            told = {
                "timer": self.timer.name,
                "stream": request.stream,
                "correlation_id": request.correlation_id,
            }
            if not isinstance(outcome, Refused):
                if outcome.recorded:
                    log.info("timer_fired", **told, cause=request.causation_id)
                continue
            # A refusal is an outcome: met or moved meanwhile, and the view will hear of it.
            refused.add(request.id or "")
            if request.id not in self._refused:
                log.info(
                    "timer_command_refused",
                    **told,
                    cause=request.causation_id,
                    reason=str(outcome.error),
                )
        return refused

    def _fire(self, document: Document) -> Iterable[Overdue]:
        try:
            return list(self.timer.fire(self.timer.projection.from_document(document["view"])))
        except Exception:  # What one view makes it raise must not stop the others.
            log.exception("timer_failed", timer=self.timer.name, view=document["_id"])
            return ()

    async def _requests(self, overdue: list[tuple[int, Overdue]]) -> list[Request]:
        journal = self.service.decisions.journal
        causes = await journal.facts(journal.store, {due.set_by for _, due in overdue})
        requests = []
        for ordinal, due in overdue:
            cause = causes.get(due.set_by)
            requests.append(
                Request(
                    stream=due.stream,
                    command=due.command,
                    actor=f"timer:{self.timer.name}",
                    id=derived_id("timer", self.timer.name, due.set_by, due.about or str(ordinal)),
                    occurred_at=due.deadline,
                    correlation_id=cause.correlation_id if cause else None,
                    causation_id=due.set_by,
                    traceparent=cause.traceparent if cause else None,
                    depth=cause.depth + 1 if cause else 0,
                )
            )
        return requests

    async def status(self) -> Status:
        """Say what is due and who scans: whoever that is, wherever it runs."""
        now = timestamp(self._clock.now())
        collection = (await self.active(self._store)).collection
        held = await self._store.get(LEASES, self.timer.name)
        return Status(
            timer=self.timer.name,
            overdue=await self._store.count(collection, {self._due: {"$lte": now}}),
            overdue_since=await self._first(collection, {"$lte": now}),
            next_due_at=await self._first(collection, {"$gt": now}),
            holder=held["holder"] if held else None,
            held_until=held["until"] if held else None,
        )

    def lag_s(self, status: Status) -> float:
        """Return for how long the oldest deadline has been waiting to be fired."""
        if status.overdue_since is None:
            return 0.0
        return (self._clock.now() - datetime.fromisoformat(status.overdue_since)).total_seconds()

    async def _first(self, collection: str, when: Document) -> str | None:
        found = await self._store.find(
            collection, {self._due: when}, sort=((self._due, 1),), limit=1
        )
        return found[0]["view"][self.timer.due] if found else None
