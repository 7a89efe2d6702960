"""Subscriptions over HTTP: a published view's documents, then every change, as server-sent events.

A client is never wrong and never silently behind: the id of an event says how far it has read;
one too old for the topic's tombstones, or of another build, is told to start afresh. One that does
not keep up is told so and let go of (`end`): it comes back with the id of its last event.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field, TypeAdapter

from shared.clock import Clock
from shared.errors import NotFoundError
from shared.log import Partition, Record
from shared.observability import EVENT_STREAMS, EVENT_STREAMS_ENDED
from shared.projection import Projection
from shared.published import Build, Rev, epoch_of, topic_of
from shared.runtime import Runtime
from shared.tail import Listener, Tail
from shared.web import started_runtimes
from shared.web.router import Router

# The topic keeps tombstones for a week: a client that was away longer could miss a deletion.
AWAY_S_MAX = 7 * 24 * 3600 - 3600
# A connection is handed back after this long, so that it meets new permissions and new releases.
LIFETIME_S = 900.0
SNAPSHOT_PAGE = 500
# So often it is asked again whether a client may listen.
ADMITTED_S = 30.0
NOT_ADMITTED = "not let in any more: sign in again, or use another key"

router = Router(tags=["subscriptions"])

_Natural = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
# Version, generation, seconds, offset of each partition, epoch.
PLACE: TypeAdapter[tuple[int, int, int, list[tuple[int, int]], int]] = TypeAdapter(
    tuple[_Natural, _Natural, _Natural, list[tuple[_Natural, _Natural]], _Natural]
)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a client has read: of which build, when, and up to which offset of each partition.

    `epoch` counts how often the log has forgotten records: then offsets mean something else.
    """

    build: Build
    at_s: int
    offsets: dict[int, int]
    epoch: int = 0

    def encode(self) -> str:
        build, offsets = self.build, sorted(self.offsets.items())
        told = [build.version, build.generation, self.at_s, offsets, self.epoch]
        return base64.urlsafe_b64encode(orjson.dumps(told)).decode().rstrip("=")

    @staticmethod
    def decode(name: str, text: str) -> Place | None:
        """Return None for what is no id of ours: such a client starts afresh."""
        try:
            told = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            version, generation, at_s, offsets, epoch = PLACE.validate_json(told)
        except ValueError:
            return None
        return Place(Build(name, version, generation), at_s, dict(offsets), epoch)


@dataclass(slots=True)
class Changes:
    """One client's subscription to one published view."""

    projection: Projection[Any]
    runtime: Runtime
    tail: Tail
    clock: Clock
    epoch: int = 0
    # Whether the client may still listen: a key may be revoked and a token expire meanwhile.
    still_admitted: Callable[[], Awaitable[bool]] | None = None

    async def stream(self, known: Place | None = None) -> AsyncIterator[ServerSentEvent]:
        """Yield `reset` and the whole view unless it can go on from `known`, then every change."""
        until = asyncio.get_running_loop().time() + LIFETIME_S
        yield ServerSentEvent(comment=f"changes of {self.projection.name}", retry=1_000)
        build = await self.runtime.runners[self.projection.name].active()
        self.epoch = await epoch_of(self.runtime.store, self.projection)
        # Before the snapshot: what changes meanwhile comes twice, and `rev` tells.
        ends = await self._ends()
        reason = self._reset(known, build, ends)
        if known is None or reason is not None:
            yield ServerSentEvent(event="reset", data={"reason": reason})
            async for event in self._snapshot(build):
                yield event
            known = self._place(build, ends)
            yield ServerSentEvent(event="ready", data={}, id=known.encode())
        offsets = dict(known.offsets)
        # Most of it before it listens: what it has to read by itself need not wait for it.
        async for event in self._catch_up(build, offsets, await self._ends()):
            yield event
        listener = await self.tail.join()
        try:
            async for event in self._catch_up(build, offsets, listener.since):
                yield event
            async for event in self._live(build, offsets, listener, until):
                yield event
        finally:
            self.tail.leave(listener)

    async def _ends(self) -> dict[int, int]:
        ends = await self.runtime.log.ends(self.tail.topic)
        return {partition.number: end for partition, end in ends.items()}

    def _reset(self, known: Place | None, build: Build, ends: dict[int, int]) -> str | None:
        """Say why the client cannot go on from where it was, if so."""
        if known is None:
            return "no place of ours was given"
        away_s = self.clock.now().timestamp() - known.at_s
        same = known.offsets.keys() == ends.keys()
        reasons = {
            "the view was built anew": known.build != build,
            "away for longer than deletions are kept": away_s > AWAY_S_MAX,
            "the topic was made anew": not same,
            "the topic does not reach as far": same
            and any(offset > ends[number] for number, offset in known.offsets.items()),
            "the log has forgotten what it said": known.epoch != self.epoch,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    async def _snapshot(self, build: Build) -> AsyncIterator[ServerSentEvent]:
        after = ""
        while True:
            documents = await self.runtime.store.find(
                build.collection,
                {"_id": {"$gt": after}},
                sort=(("_id", 1),),
                limit=SNAPSHOT_PAGE,
            )
            for document in await self.runtime.seals.opened(documents):
                rev = Rev(build.version, build.generation, document["rev"])
                if document["view"] is not None:
                    yield _changed(document["_id"], str(rev), document["view"])
            if len(documents) < SNAPSHOT_PAGE:
                return
            after = documents[-1]["_id"]

    async def _catch_up(
        self, build: Build, offsets: dict[int, int], ends: dict[int, int]
    ) -> AsyncIterator[ServerSentEvent]:
        for number, end in ends.items():
            if offsets[number] >= end:
                continue
            partition = Partition(self.tail.topic, number)
            async for records in self.runtime.log.read(partition, offsets[number], end):
                for record in records:
                    offsets[number] = record.offset + 1
                    yield await self._recorded(record, self._place(build, offsets).encode())
            offsets[number] = end

    async def _live(
        self, build: Build, offsets: dict[int, int], listener: Listener, until: float
    ) -> AsyncIterator[ServerSentEvent]:
        now = asyncio.get_running_loop().time
        ask_at = now() + ADMITTED_S
        while (records := await listener.take(min(until, ask_at))) or ask_at <= now() < until:
            if now() >= ask_at:
                ask_at = now() + ADMITTED_S
                if self.still_admitted is not None and not await self.still_admitted():
                    yield ServerSentEvent(event="end", data={"reason": NOT_ADMITTED})
                    return
            for record in records:
                if record.offset >= offsets[record.partition]:
                    offsets[record.partition] = record.offset + 1
                    yield await self._recorded(record, self._place(build, offsets).encode())
        if listener.ended is not None:
            EVENT_STREAMS_ENDED.labels(self.projection.name).inc()
            yield ServerSentEvent(event="end", data={"reason": listener.ended})

    def _place(self, build: Build, offsets: dict[int, int]) -> Place:
        return Place(build, int(self.clock.now().timestamp()), dict(offsets), self.epoch)

    async def _recorded(self, record: Record, place: str) -> ServerSentEvent:
        rev = dict(record.headers)["ce_rev"].decode()
        view = None if record.value is None else orjson.loads(record.value)
        (view,) = await self.runtime.seals.opened([view])
        return _changed((record.key or b"").decode(), rev, view, place)


def _changed(key: str, rev: str, view: Any, place: str | None = None) -> ServerSentEvent:
    """`view` null: it is gone. Of two events for a key the one with the greater `rev` holds."""
    return ServerSentEvent(event="view", data={"key": key, "rev": rev, "view": view}, id=place)


async def _subscription(name: str, request: Request) -> Changes:
    """Find the published view before the answer begins: afterwards there is no 404 any more."""
    runtimes = await started_runtimes(request)
    found = {
        projection.name: (projection, runtime)
        for runtime in runtimes.values()
        for projection in runtime.domain.projections
        if projection.published
    }
    if name not in found:
        raise NotFoundError(f"no published view {name!r}; there are {', '.join(sorted(found))}")
    projection, runtime = found[name]
    topic = topic_of(projection)
    tail = request.app.state.tails.setdefault(topic, Tail(runtime.log, topic))
    admitted = getattr(request.state, "still_admitted", None)
    return Changes(projection, runtime, tail, runtime.clock, still_admitted=admitted)


async def _last(
    name: str, last_event_id: Annotated[str | None, Header(max_length=2_000)] = None
) -> Place | None:
    return Place.decode(name, last_event_id) if last_event_id else None


@router.get("/views/{name}/changes", response_class=EventSourceResponse)
async def changes(
    subscription: Annotated[Changes, Depends(_subscription)],
    last: Annotated[Place | None, Depends(_last)],
) -> AsyncIterator[ServerSentEvent]:
    """Subscribe to a published view: `reset`, the documents, `ready`, then every change.

    `end` tells a client that it is let go of, and why: it comes back with its `Last-Event-ID`.
    """
    with EVENT_STREAMS.labels(subscription.projection.name).track_inprogress():
        async with aclosing(subscription.stream(last)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event
