"""Delivers one partition of the log to one receiver: in order, each fact until it is taken.

Rule: the next fact is not sent before the one before it was taken, so facts of one stream come in
order. A fact that is not taken holds up its partition until it is, or until we give up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog

from services.webhooks.kept import Attempt, Cursor, Keeping, Mark, Outcome, cursor_key
from services.webhooks.model import GiveUp
from services.webhooks.posting import Receiver
from services.webhooks.reading import Source
from services.webhooks.schedule import Answer, asked_pause_s, pause_s
from services.webhooks.signing import headers, name_of
from services.webhooks.wants import wanted
from shared.batch import identity
from shared.clock import Clock
from shared.events import CONTENT_TYPE, timestamp
from shared.feed import cloud_event
from shared.log import Log, LogUnavailableError, Partition, Record
from shared.observability import DELIVERIES
from shared.seals import Seals
from shared.store import Store, TransientStoreError

# What was delivered is written so often, or when so much of it is not written yet.
WRITE_EVERY_S = 0.25
WRITE_AT = 100
# And how far we are, where nothing of what was read is wanted.
IDLE_WRITE_S = 5.0
AGAIN_S = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Range:
    """Which part of a partition is delivered, and as which run: what comes, or once more."""

    run: str
    partition: Partition
    start: int
    stop: int | None = None
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None

    def holds(self, event: Mapping[str, Any]) -> bool:
        """Whether it was recorded in the range of time; what does not say when was not."""
        if self.recorded_from is None and self.recorded_before is None:
            return True
        try:
            at = datetime.fromisoformat(event["recordedat"])
            early = self.recorded_from is not None and at < self.recorded_from
            late = self.recorded_before is not None and at >= self.recorded_before
        except (KeyError, ValueError, TypeError):
            return False
        return not early and not late


@dataclass(frozen=True, slots=True)
class SigningSecret:
    secret: bytes = field(repr=False)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Who is told of what, and how: when any of it changes, deliveries begin anew with it."""

    webhook: str
    url: str
    wants: tuple[str, ...]
    secrets: tuple[SigningSecret, ...]
    enabling: int
    skipped: frozenset[str]
    ranges: tuple[Range, ...]
    waits: tuple[float, ...]
    # Whether words about people are opened on their way out; nothing keeps them so.
    opens: bool = False

    def valid_secrets(self, now: datetime) -> Sequence[bytes]:
        return [one.secret for one in self.secrets if one.until is None or now < one.until]


class OtherLogError(Exception):
    """What lies in the log is not what was delivered from it."""


@dataclass(slots=True)
class Pause:
    """Until when a receiver asked to be left alone, on all partitions."""

    until: datetime | None = None

    def longer(self, until: datetime) -> None:
        self.until = until if self.until is None else max(self.until, until)


@dataclass(slots=True)
class Delivering:
    """One range of one partition on its way to one receiver."""

    terms: Terms
    range: Range
    receiver: Receiver
    pause: Pause
    source: Source
    log: Log
    store: Store
    clock: Clock
    give_up: Callable[[GiveUp], Awaitable[None]]
    seals: Seals
    # Whether nothing is left of a range that ends.
    done: bool = False
    _cursor: Cursor = field(init=False)
    _keeping: Keeping = field(init=False)
    _written_at: float = float("-inf")

    def __post_init__(self) -> None:
        self._cursor = Cursor(self.range.start, enabling=self.terms.enabling)
        key = cursor_key(self.terms.webhook, self.range.run, self.range.partition)
        self._keeping = Keeping(self.store, self.terms.webhook, key)

    async def run(self) -> None:
        """Deliver until the range ends, or until cancelled; what is passing is tried again."""
        self.source.want(self.range.partition.topic)
        try:
            while not self.done:
                try:
                    await self._load()
                    await self._deliver_range()
                except (LogUnavailableError, TransientStoreError, OtherLogError) as error:
                    log.warning("deliveries_interrupted", **self._who, reason=str(error))
                    self.source.forget(self.range.partition)
                    await asyncio.sleep(AGAIN_S)
        except asyncio.CancelledError:
            with suppress(TransientStoreError):
                await self._write()  # What was taken need not come again.
            raise
        finally:
            self.source.unwant(self.range.partition.topic)

    @property
    def _who(self) -> dict[str, str]:
        topic, number = self.range.partition
        return {"webhook": self.terms.webhook, "run": self.range.run, "at": f"{topic}/{number}"}

    async def _load(self) -> None:
        """Begin where we stopped, as far as the log holds what was delivered from it."""
        cursor = await self._keeping.load()
        if cursor is None or cursor.offset < self.range.start:
            cursor = Cursor(self.range.start)
        if cursor.enabling != self.terms.enabling:
            cursor = replace(
                cursor, attempts=0, next_at=None, said=None, enabling=self.terms.enabling
            )
        self._cursor = await self._checked(cursor)

    async def _checked(self, cursor: Cursor) -> Cursor:
        ends = await self.log.ends(self.range.partition.topic)
        end = ends[self.range.partition]
        kept = list(cursor.marks)
        while kept and not await self._holds(kept[-1], end):
            kept.pop()
        if len(kept) == len(cursor.marks):
            return cursor
        # Everything behind the last record that is there for certain comes again.
        offset = kept[-1].offset + 1 if kept else self.range.start
        log.warning("deliveries_go_back", **self._who, of=cursor.offset, to=offset)
        return Cursor(offset, tuple(kept), enabling=cursor.enabling)

    async def _holds(self, mark: Mark, end: int) -> bool:
        if mark.offset >= end:
            return False
        async with aclosing(
            self.log.read(self.range.partition, mark.offset, mark.offset + 1)
        ) as batches:
            async for records in batches:
                return identity(records[0]) == mark.identity
        return False

    async def _deliver_range(self) -> None:
        stop = self.range.stop
        while stop is None or self._cursor.offset < stop:
            end = await self._end()
            upto = end if stop is None else min(end, stop)
            chunk = await self.source.read(self.range.partition, self._cursor.offset, upto)
            for record in chunk.records:
                if stop is not None and record.offset >= stop:
                    break
                await self._deliver(record)
                self._cursor = self._cursor.passed(record, self.clock.now())
                await self._write_now_and_then()
            # Also over offsets that hold no record.
            reached = chunk.stop if stop is None else min(chunk.stop, stop)
            self._cursor = replace(self._cursor, offset=max(self._cursor.offset, reached))
        await self._write()
        self.done = True

    async def _end(self) -> int:
        """Wait until there is more; meanwhile write what is not written yet."""
        offset = self._cursor.offset
        try:
            async with asyncio.timeout(WRITE_EVERY_S if self._keeping.noted else IDLE_WRITE_S):
                end = await self.source.beyond(self.range.partition, offset)
        except TimeoutError:
            await self._write()
            end = await self.source.beyond(self.range.partition, offset)
        if end < offset:
            raise OtherLogError(f"it ends at {end}, before {offset}")
        return end

    async def _deliver(self, record: Record) -> None:
        body = cloud_event(record)
        if self.terms.opens:
            (body,) = await self.seals.opened_json([body])
        event = orjson.loads(body)
        if not wanted(event["type"], self.terms.wants) or not self.range.holds(event):
            return
        if event["logposition"] in self.terms.skipped:
            skipped = Answer(None, "left out by command", 0)
            self._note(event, "skipped", skipped, self.clock.now())
            return
        name = name_of(event["source"], event["id"])
        while True:
            await self._wait()
            now = self.clock.now()
            signed = headers(self.terms.valid_secrets(now), name, int(now.timestamp()), body)
            answer = await self.receiver.post(
                body, {**signed, "content-type": CONTENT_TYPE, "user-agent": "sellers-webhooks"}
            )
            if answer.taken:
                self._note(event, "delivered", answer, now)
                return
            await self._failed(event, answer, now)

    async def _wait(self) -> None:
        """Wait for our own next attempt, and for as long as they asked."""
        while True:
            until = max((at for at in (self._cursor.next_at, self.pause.until) if at), default=None)
            left = 0.0 if until is None else (until - self.clock.now()).total_seconds()
            if left <= 0:
                return
            await asyncio.sleep(left)

    async def _failed(self, event: Mapping[str, Any], answer: Answer, now: datetime) -> None:
        attempts = self._cursor.attempts + 1
        seed = f"{self.terms.webhook}/{event['logposition']}"
        pause = None if answer.gone else pause_s(self.terms.waits, attempts, seed)
        asked = asked_pause_s(answer, now)
        next_at = None if pause is None else now + timedelta(seconds=max(pause, asked))
        self._note(event, "failed", answer, now, next_at)
        self._cursor = self._cursor.failed(answer, next_at)
        await self._write()
        if next_at is not None:
            if asked:
                self.pause.longer(now + timedelta(seconds=asked))
            return
        await self.give_up(
            GiveUp(
                because="gone" if answer.gone else "failing",
                fact=event["id"],
                position=event["logposition"],
                attempts=attempts,
                said=answer.said,
            )
        )
        # It is disabled now; who reads that ends us, and begins anew when it is enabled again.
        await asyncio.get_running_loop().create_future()

    def _note(
        self,
        event: Mapping[str, Any],
        outcome: Outcome,
        answer: Answer,
        at: datetime,
        next_at: datetime | None = None,
    ) -> None:
        DELIVERIES.labels(outcome).inc()
        number = self._cursor.attempts + 1
        position = event["logposition"]
        name = f"{timestamp(at)}~{self.range.run}~{position.replace('/', '~')}~{number}"
        self._keeping.note(
            Attempt(
                attempt=name,
                at=at,
                outcome=outcome,
                fact=event["id"],
                type=event["type"],
                stream=event.get("subject"),
                position=position,
                run=self.range.run,
                number=number,
                status=answer.status,
                said=answer.said,
                took_ms=answer.took_ms,
                next_at=next_at,
            )
        )

    async def _write_now_and_then(self) -> None:
        waited = asyncio.get_running_loop().time() - self._written_at
        noted = self._keeping.noted
        if noted >= WRITE_AT or waited > (WRITE_EVERY_S if noted else IDLE_WRITE_S):
            await self._write()

    async def _write(self) -> None:
        await self._keeping.write(self._cursor)
        self._written_at = asyncio.get_running_loop().time()
