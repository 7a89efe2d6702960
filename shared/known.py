"""Views as they were known at an instant: folded anew from what the log held by then (C-06).

Views as they are know every fact. Here a fact counts only if it had been recorded by the instant
asked about, so what is answered comes out as it was read then. It costs a pass over the log.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from shared import builds
from shared.batch import decoded, identity
from shared.events import Envelope
from shared.log import Partition
from shared.memory.documents import matches
from shared.projection import Projection
from shared.projector import cursor_id
from shared.reading import Token
from shared.runtime import Runtime
from shared.verify import BREATH, Snapshot, facts_until, snapshot, standing

V = TypeVar("V")
T = TypeVar("T")
# So long after it was asked for last it is not held any more.
KEPT_S = 60.0
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
    # The last version of each of these streams.
    reached: dict[str, int] = field(default_factory=dict)

    async def facts(self, topics: Sequence[str]) -> AsyncIterator[Envelope]:
        cursors, dropped = self.held.cursors, self.held.dropped
        async for fact in facts_until(self.runtime.log, topics, cursors, dropped=dropped):
            if self._is_folded(fact) and not self._is_later(fact):
                yield fact

    def _is_folded(self, fact: Envelope) -> bool:
        head = self.held.heads.get(fact.stream)
        return head is not None and fact.version <= head["version"]

    def _is_later(self, fact: Envelope) -> bool:
        ended = self.reached.get(fact.stream, 0)
        if not ended and fact.recorded_at <= self.known_at:
            return False
        if fact.version > ended:  # It may lie in the log twice.
            self.reached[fact.stream] = fact.version
            self.later[fact.stream] += 1
        return True

    async def goes_on(self, topics: Sequence[str], held: Snapshot) -> bool:
        """Look through what was folded since; False: not all of that was recorded later.

        What is set aside, or left out, has to be the same: the facts since are folded then.
        """
        before = self.held
        if (held.parked, held.dropped) != (before.parked, before.dropped):
            return False
        for topic in topics:
            for partition in await self.runtime.log.ends(topic):
                place = cursor_id(partition)
                first, last = before.cursors.get(place, 0), held.cursors.get(place, 0)
                if last < first or not await self._are_later(partition, first, last):
                    return False
        self.held = held
        return True

    async def _are_later(self, partition: Partition, first: int, last: int) -> bool:
        if first == last:
            return True
        async with aclosing(self.runtime.log.read(partition, first, last)) as batches:
            async for records in batches:
                for record in records:
                    fact = decoded(record)
                    left_out = identity(record) in self.held.dropped
                    if isinstance(fact, Envelope) and not left_out and not self._is_later(fact):
                        return False
                await asyncio.sleep(0)
        return True


@dataclass(slots=True)
class _Folded:
    """What was folded of what was known, for whoever asks for the same instant next."""

    collection: str
    known: Known
    came_to: Any
    forgotten: asyncio.TimerHandle | None = None

    def kept(self, kept: dict[str, _Folded], name: str) -> None:
        """Keep it for as long as it is asked for: it may be large."""
        kept[name] = self
        self.forgotten = asyncio.get_running_loop().call_later(KEPT_S, kept.pop, name, None)

    @staticmethod
    def taken(kept: dict[str, _Folded], name: str) -> _Folded | None:
        found = kept.pop(name, None)
        if found is not None and found.forgotten is not None:
            found.forgotten.cancel()
        return found


async def folded_once(
    runtime: Runtime,
    projection: Projection[Any],
    topics: Sequence[str],
    known_at: datetime,
    fold: Callable[[Known], Awaitable[T]],
) -> tuple[str, Known, T]:
    """Fold what was known of a projection, unless it was just now; return the build and both.

    What was recorded after the instant changes nothing: only what came since is looked through.
    """
    kept: dict[str, _Folded] = runtime.remembered.setdefault("known", {})
    # One at a time: each holds all of it, and keeps the process busy.
    async with runtime.remembered.setdefault("knowing", asyncio.Lock()):
        collection = (await builds.read(runtime.store, projection)).active.collection
        found = _Folded.taken(kept, projection.name)
        if found is not None and (found.collection, found.known.known_at) == (collection, known_at):
            async with runtime.store.transaction() as tx:
                stand = await standing(tx, collection, projection.name)
            if await found.known.goes_on(topics, stand):
                found.kept(kept, projection.name)
                return collection, found.known, found.came_to
        held = await snapshot(runtime.store, collection, projection.name)
        known = Known(runtime, held, known_at)
        came_to = await fold(known)
        known.held = replace(held, heads={}, views={})
        _Folded(collection, known, came_to).kept(kept, projection.name)
        return collection, known, came_to


async def known_views(
    runtime: Runtime, projection: Projection[Any], known_at: datetime
) -> dict[str, Any]:
    """Return the views of a small projection as they were known."""
    # Days are the company's, as they are in the views that are kept.
    projection = projection.within(runtime.settings.zone)

    async def fold(known: Known) -> dict[str, Any]:
        views: dict[str, Any] = {}
        place = 0
        async for fact in known.facts(projection.topics):
            if projection.follows(fact.stream):
                projection.replay([fact], views)
                place += 1
                if place % BREATH == 0:
                    await asyncio.sleep(0)
        return views

    _, _, views = await folded_once(runtime, projection, projection.topics, known_at, fold)
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
