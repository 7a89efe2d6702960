"""Views as they were known at an instant: folded anew from what the log held by then (C-06).

Views as they are know every fact. Here a fact counts only if it had been recorded by the instant
asked about, so what is answered comes out as it was read then. It costs a pass over the log.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from shared import builds
from shared.events import Envelope
from shared.memory.documents import matches
from shared.projection import Projection
from shared.reading import Token
from shared.runtime import Runtime
from shared.verify import BREATH, Snapshot, facts_until, snapshot

V = TypeVar("V")
NO_CONDITION: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True)
class Known:
    """The facts of what one sink has folded, up to an instant.

    A stream ends at the first fact that was recorded later: clocks of two processes differ, and a
    stream without one of its facts was never known to anybody.
    """

    runtime: Runtime
    held: Snapshot
    known_at: datetime
    # Of each stream, how many have been folded by now and were recorded later.
    later: Counter[str] = field(default_factory=Counter)

    async def facts(self, topics: Sequence[str]) -> AsyncIterator[Envelope]:
        ended: set[str] = set()
        cursors, dropped = self.held.cursors, self.held.dropped
        async for fact in facts_until(self.runtime.log, topics, cursors, dropped=dropped):
            if not self._is_folded(fact):
                continue
            if fact.stream in ended or fact.recorded_at > self.known_at:
                ended.add(fact.stream)
                self.later[fact.stream] += 1
            else:
                yield fact

    def _is_folded(self, fact: Envelope) -> bool:
        head = self.held.heads.get(fact.stream)
        return head is not None and fact.version <= head["version"]


async def known_views(
    runtime: Runtime, projection: Projection[Any], known_at: datetime
) -> dict[str, Any]:
    """Return the views of a small projection as they were known."""
    # One at a time: each holds all of it, and keeps the process busy.
    async with runtime.remembered.setdefault("known views", asyncio.Lock()):
        return await _known_views(runtime, projection, known_at)


async def _known_views(
    runtime: Runtime, projection: Projection[Any], known_at: datetime
) -> dict[str, Any]:
    # Days are the company's, as they are in the views that are kept.
    projection = projection.within(runtime.settings.zone)
    build = (await builds.read(runtime.store, projection)).active
    held = await snapshot(runtime.store, build.collection, projection.name)
    views: dict[str, Any] = {}
    place = 0
    async for fact in Known(runtime, held, known_at).facts(projection.topics):
        if projection.follows(fact.stream):
            projection.replay([fact], views)
            place += 1
            if place % BREATH == 0:
                await asyncio.sleep(0)
    if not projection.personal:
        return views
    # Known then, and read now: of who was erased since, nobody is told any more.
    documents = [projection.to_document(view) for view in views.values()]
    opened = await runtime.seals.opened(documents)
    return {key: projection.from_document(one) for key, one in zip(views, opened, strict=True)}


async def each_at(
    runtime: Runtime,
    projection: Projection[V],
    known_at: datetime | None,
    where: Mapping[str, Any] = NO_CONDITION,
    at_least: Token | None = None,
) -> AsyncIterator[V]:
    """Yield the views of a small projection as they are or, with an instant, as they were known.

    In the order of their keys; `where` means to either what it means to the store. Whoever answers
    by what was known asks here: one that stands as it is now would tell of later.
    """
    if known_at is None:
        async for view in runtime.reader(projection).every(dict(where), at_least):
            yield view
        return
    for _, one in sorted((await known_views(runtime, projection, known_at)).items()):
        if not where or matches(projection.to_document(one), where):
            yield one


async def views_at(
    runtime: Runtime,
    projection: Projection[V],
    known_at: datetime | None,
    where: Mapping[str, Any] = NO_CONDITION,
    at_least: Token | None = None,
) -> list[V]:
    """Return all views that `each_at` yields."""
    return [one async for one in each_at(runtime, projection, known_at, where, at_least)]


async def view_at(
    runtime: Runtime,
    projection: Projection[V],
    key: str,
    known_at: datetime | None,
    at_least: Token | None = None,
) -> V | None:
    """Return one of these views; None: there is none, or nobody knew of it then."""
    if known_at is not None:
        return (await known_views(runtime, projection, known_at)).get(key)
    read = await runtime.reader(projection).get(key, at_least)
    return read.value if read is not None else None
