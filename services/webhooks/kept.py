"""What is kept of deliveries besides facts: how far each webhook is, and what was tried.

A cursor and the attempts that it rests on are written together. Who is killed between a delivery
and its cursor delivers once more: at least once, never less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from services.webhooks.schedule import Answer
from shared.batch import identity
from shared.events import timestamp
from shared.log import Partition, Record
from shared.store import Document, Store

CURSORS = "webhook_cursors"
ATTEMPTS = "webhook_attempts"
# Records that were delivered are remembered so far apart, and so many of them: where a broker
# forgot its end, deliveries go back to the last one that is still there.
MARK_EVERY_S = 2.0
MARKS_MAX = 8
PRUNED_AT_ONCE = 500
LIVE = "live"

Outcome = Literal["delivered", "failed", "skipped"]


class Mark(NamedTuple):
    """A record that was passed: where it lies, what tells it from others, and when that was."""

    offset: int
    identity: str
    at: float


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one run of one webhook is on one partition; `attempts` are those at `offset`."""

    offset: int
    marks: tuple[Mark, ...] = ()
    attempts: int = 0
    enabling: int = 0
    next_at: datetime | None = None
    said: str | None = None

    def passed(self, record: Record, at: datetime) -> Cursor:
        mark = Mark(record.offset, identity(record), at.timestamp())
        older = self.marks
        if len(older) > 1 and older[-1].at - older[-2].at < MARK_EVERY_S:
            older = older[:-1]
        return Cursor(record.offset + 1, (*older, mark)[-MARKS_MAX:], enabling=self.enabling)

    def failed(self, answer: Answer, next_at: datetime | None) -> Cursor:
        return replace(self, attempts=self.attempts + 1, next_at=next_at, said=answer.said)

    def document(self, key: str) -> Document:
        return {
            "_id": key,
            "offset": self.offset,
            "marks": [list(mark) for mark in self.marks],
            "attempts": self.attempts,
            "enabling": self.enabling,
            "next_at": None if self.next_at is None else timestamp(self.next_at),
            "said": self.said,
        }

    @staticmethod
    def of(document: Document) -> Cursor:
        next_at = document["next_at"]
        return Cursor(
            document["offset"],
            tuple(Mark(*mark) for mark in document["marks"]),
            document["attempts"],
            document["enabling"],
            None if next_at is None else datetime.fromisoformat(next_at),
            document["said"],
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """Answers: what was sent when, as which attempt, and what did they say?"""

    attempt: str
    at: datetime
    outcome: Outcome
    fact: str
    type: str
    stream: str | None
    position: str
    run: str
    number: int
    status: int | None
    said: str
    took_ms: int
    next_at: datetime | None = None


def cursor_key(webhook: str, run: str, partition: Partition) -> str:
    return f"{webhook}/{run}/{partition.topic}/{partition.number}"


def attempt_document(webhook: str, attempt: Attempt) -> Document:
    told: dict[str, Any] = {
        "outcome": attempt.outcome,
        "fact": attempt.fact,
        "type": attempt.type,
        "stream": attempt.stream,
        "position": attempt.position,
        "run": attempt.run,
        "number": attempt.number,
        "status": attempt.status,
        "said": attempt.said,
        "took_ms": attempt.took_ms,
        "at": timestamp(attempt.at),
        "next_at": None if attempt.next_at is None else timestamp(attempt.next_at),
    }
    return {"_id": f"{webhook}/{attempt.attempt}", "webhook": webhook, **told}


def attempt_of(document: Document) -> Attempt:
    told = {name: value for name, value in document.items() if name not in ("_id", "webhook")}
    next_at = told.pop("next_at")
    return Attempt(
        attempt=document["_id"].rpartition("/")[2],
        at=datetime.fromisoformat(told.pop("at")),
        next_at=None if next_at is None else datetime.fromisoformat(next_at),
        **told,
    )


@dataclass(slots=True)
class Keeping:
    """One cursor in the store, with the attempts that are not written yet."""

    store: Store
    webhook: str
    key: str
    _written: Cursor | None = None
    _attempts: list[Document] = field(default_factory=list)

    async def load(self) -> Cursor | None:
        document = await self.store.get(CURSORS, self.key)
        self._written = None if document is None else Cursor.of(document)
        self._attempts = []
        return self._written

    def note(self, attempt: Attempt) -> None:
        self._attempts.append(attempt_document(self.webhook, attempt))

    @property
    def noted(self) -> int:
        return len(self._attempts)

    async def write(self, cursor: Cursor) -> None:
        """Write the cursor with what it rests on; nothing, where nothing is new."""
        if cursor == self._written and not self._attempts:
            return
        attempts, self._attempts = self._attempts, []
        async with self.store.transaction() as tx:
            await tx.put_many(CURSORS, [cursor.document(self.key)])
            # An attempt that is written again, for the answer to the first try was lost, is one.
            await tx.put_many(ATTEMPTS, attempts)
        self._written = cursor


async def attempts_of(
    store: Store, webhook: str, *, limit: int, before: str | None, **said: str | None
) -> Sequence[Attempt]:
    """Return what was tried last and says so, the newest first, before the attempt of that name."""
    last = f"{webhook}/{before}" if before is not None else f"{webhook}0"
    where: dict[str, Any] = {"_id": {"$gt": f"{webhook}/", "$lt": last}}
    where |= {name: value for name, value in said.items() if value is not None}
    found = await store.find(ATTEMPTS, where, sort=(("_id", -1),), limit=limit)
    return [attempt_of(document) for document in found]


async def cursors_of(store: Store, webhook: str) -> dict[str, Cursor]:
    """Return all cursors of a webhook, by run, topic and partition."""
    where = {"_id": {"$gt": f"{webhook}/", "$lt": f"{webhook}0"}}
    found = await store.find(CURSORS, where, sort=(("_id", 1),))
    return {one["_id"].removeprefix(f"{webhook}/"): Cursor.of(one) for one in found}


async def prune(store: Store, webhook: str, now: datetime, days: int) -> int:
    """Forget attempts that are older than so many days; say how many."""
    oldest = timestamp(now - timedelta(days=days))
    where = {"_id": {"$gt": f"{webhook}/", "$lt": f"{webhook}/{oldest}"}}
    forgotten = 0
    while True:
        found = await store.find(
            ATTEMPTS, where, sort=(("_id", 1),), limit=PRUNED_AT_ONCE, fields=("_id",)
        )
        await store.delete_many(ATTEMPTS, [one["_id"] for one in found])
        forgotten += len(found)
        if len(found) < PRUNED_AT_ONCE:
            return forgotten
