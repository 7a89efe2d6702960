"""Subscriptions over HTTP: a published view's documents, then every change, as server-sent events.

A client is never wrong and never silently behind: the id of an event says how far it has read;
one too old for the topic's tombstones, or of another build, is told to start afresh.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from shared.clock import Clock
from shared.errors import NotFoundError
from shared.log import Log, Partition, Record
from shared.projection import Projection
from shared.published import Build, Rev, epoch_of, topic_of
from shared.runtime import Runtime
from shared.web import started_runtimes

# The topic keeps tombstones for a week: a client that was away longer could miss a deletion.
AWAY_S_MAX = 7 * 24 * 3600 - 3600
# A connection is handed back after this long, so that it meets new permissions and new releases.
LIFETIME_S = 900.0
POLL_S = 0.25
SNAPSHOT_PAGE = 500

router = APIRouter(tags=["subscriptions"])


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
            told = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            version, generation, at_s, offsets, epoch = told
            build = Build(name, int(version), int(generation))
            places = {int(number): int(offset) for number, offset in offsets}
            return Place(build, int(at_s), places, int(epoch))
        except (binascii.Error, ValueError, TypeError):
            return None


@dataclass(slots=True)
class Reach:
    """The ends of one topic, asked for at most four times a second for all clients together."""

    log: Log
    topic: str
    _ends: dict[Partition, int] = field(default_factory=dict)
    _asked_at: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ends(self) -> dict[Partition, int]:
        loop = asyncio.get_running_loop()
        async with self._lock:
            if loop.time() - self._asked_at >= POLL_S:
                self._ends = await self.log.ends(self.topic)
                self._asked_at = loop.time()
        return self._ends


@dataclass(slots=True)
class Changes:
    """One client's subscription to one published view."""

    projection: Projection[Any]
    runtime: Runtime
    reach: Reach
    clock: Clock
    epoch: int = 0

    async def stream(self, last_id: str | None) -> AsyncIterator[ServerSentEvent]:
        """Yield `reset` and the whole view unless `last_id` can be gone on from, then changes."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LIFETIME_S
        yield ServerSentEvent(comment=f"changes of {self.projection.name}", retry=1_000)
        build = await self.runtime.runners[self.projection.name].active()
        self.epoch = await epoch_of(self.runtime.store, self.projection)
        # Before the snapshot: what changes meanwhile comes twice, and `rev` tells.
        ends = {p.number: end for p, end in (await self.runtime.log.ends(self.reach.topic)).items()}
        known = Place.decode(build.name, last_id) if last_id else None
        reason = self._reset(known, build, ends)
        if known is None or reason is not None:
            yield ServerSentEvent(event="reset", data={"reason": reason or "no place given"})
            async for event in self._snapshot(build):
                yield event
            known = self._place(build, ends)
            yield ServerSentEvent(event="ready", data={}, id=known.encode())
        offsets = dict(known.offsets)
        while loop.time() < until:
            async for event in self._tail(build, offsets):
                yield event
            if any(offsets[p.number] > end for p, end in (await self.reach.ends()).items()):
                return  # The log has become shorter: the client comes back and starts afresh.
            await asyncio.sleep(POLL_S)

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
            for document in documents:
                rev = Rev(build.version, build.generation, document["rev"])
                if document["view"] is not None:
                    yield _changed(document["_id"], str(rev), document["view"])
            if len(documents) < SNAPSHOT_PAGE:
                return
            after = documents[-1]["_id"]

    async def _tail(self, build: Build, offsets: dict[int, int]) -> AsyncIterator[ServerSentEvent]:
        for partition, end in (await self.reach.ends()).items():
            start = offsets[partition.number]
            if start >= end:
                continue
            async for records in self.runtime.log.read(partition, start, end):
                for record in records:
                    offsets[partition.number] = record.offset + 1
                    yield _recorded(record, self._place(build, offsets).encode())
            offsets[partition.number] = end

    def _place(self, build: Build, offsets: dict[int, int]) -> Place:
        return Place(build, int(self.clock.now().timestamp()), dict(offsets), self.epoch)


def _recorded(record: Record, place: str) -> ServerSentEvent:
    rev = dict(record.headers)["ce_rev"].decode()
    view = None if record.value is None else orjson.loads(record.value)
    return _changed((record.key or b"").decode(), rev, view, place)


def _changed(key: str, rev: str, view: Any, place: str | None = None) -> ServerSentEvent:
    """`view` null: it is gone. Of two events for a key the one with the greater `rev` holds."""
    return ServerSentEvent(event="view", data={"key": key, "rev": rev, "view": view}, id=place)


def _subscription(name: str, request: Request) -> Changes:
    """Find the published view before the answer begins: afterwards there is no 404 any more."""
    runtimes = started_runtimes(request)
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
    reach = request.app.state.reaches.setdefault(topic, Reach(runtime.log, topic))
    return Changes(projection, runtime, reach, runtime.clock)


@router.get("/views/{name}/changes", response_class=EventSourceResponse)
async def changes(
    subscription: Annotated[Changes, Depends(_subscription)],
    last_event_id: Annotated[str | None, Header(max_length=2_000)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Subscribe to a published view: `reset`, the documents, `ready`, then every change."""
    async for event in subscription.stream(last_event_id):
        yield event
