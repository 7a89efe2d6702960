"""What was known at an instant, folded once for all who ask for it (C-06).

What had been recorded by a past instant hardly changes: what came to the log since was recorded
later, but for a fact that a slow clock dates back, or that lay aside. So what was folded is kept,
and with it how far the log was looked at: whoever asks next looks at what came since, and folds
again only if any of that had been recorded by then.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from shared import builds
from shared.batch import decoded, identity
from shared.events import Envelope
from shared.log import Record
from shared.projection import Projection
from shared.projector import Collections, dropped_by
from shared.reached import Reached, reached
from shared.runtime import Runtime
from shared.store import Reads
from shared.verify import BREATH, facts_until

# So much is kept of each domain, what was asked for last.
KEPT_MAX = 64
KEPT_BYTES_MAX = 256 << 20
# What the place of a stream takes in memory.
HEAD_BYTES = 170
# So many heads are asked for at once.
HEADS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Looked:
    """What a build had folded when it was looked at, and what of it was recorded later."""

    collection: str
    reached: Reached
    # How far each stream is folded.
    heads: Mapping[str, int]
    # The records that an operator left out for good, by what `identity` says of them.
    dropped: frozenset[str]
    # Of each stream, how many have been folded by now and were recorded later than the instant.
    later: Mapping[str, int]


async def look(runtime: Runtime, projection: Projection[Any]) -> Looked:
    """Look at what is folded by now of the build that is served."""
    async with runtime.store.transaction() as tx:
        collection = (await builds.read(tx, projection)).active.collection
        heads = await tx.find(Collections(collection).heads, {}, fields=("version",))
        return Looked(
            collection,
            await reached(tx, collection),
            {head["_id"]: head["version"] for head in heads},
            await dropped_by(tx, projection.name),
            {},
        )


@dataclass(slots=True)
class Known:
    """The facts of what was looked at, up to an instant.

    A stream ends at the first fact that was recorded later: clocks of two processes differ, and a
    stream without one of its facts was never known to anybody.
    """

    runtime: Runtime
    looked: Looked
    known_at: datetime
    later: Counter[str] = field(default_factory=Counter)

    async def facts(self, topics: Sequence[str]) -> AsyncIterator[Envelope]:
        looked = self.looked
        cursors = dict(looked.reached.cursors)
        async for fact in facts_until(self.runtime.log, topics, cursors, dropped=looked.dropped):
            if fact.version > looked.heads.get(fact.stream, 0):
                continue
            if fact.stream in self.later or fact.recorded_at > self.known_at:
                self.later[fact.stream] += 1
            else:
                yield fact


class Folded(NamedTuple):
    """What was known, up to where the log was looked at, and how many bytes it takes."""

    looked: Looked
    value: Any
    size: int


# Folds what was known, and says how many bytes that takes.
Fold = Callable[[Known], Awaitable[tuple[Any, int]]]


@dataclass(slots=True)
class KnownThen:
    """Keeps what was folded last, by the projection and the instant."""

    runtime: Runtime
    _kept: dict[tuple[str, datetime], Folded] = field(default_factory=dict)
    # One at a time: each holds all of it, and keeps the process busy.
    _folding: asyncio.Lock = field(default_factory=asyncio.Lock)

    @staticmethod
    def of(runtime: Runtime) -> KnownThen:
        """Return what a domain keeps."""
        kept: KnownThen = runtime.remembered.setdefault("known then", KnownThen(runtime))
        return kept

    async def at(
        self, known_at: datetime, projection: Projection[Any], topics: Sequence[str], fold: Fold
    ) -> Folded:
        """Return what was known at an instant; who asks while it is folded waits for that."""
        found = await self._still(known_at, projection, topics)
        if found is not None:
            return found
        async with self._folding:
            found = await self._still(known_at, projection, topics)
            if found is not None:
                return found
            known = Known(self.runtime, await look(self.runtime, projection), known_at)
            value, size = await fold(known)
            looked = replace(known.looked, later=known.later)
            found = Folded(looked, value, size + HEAD_BYTES * len(looked.heads))
            self._keep((projection.name, known_at), found)
        return found

    async def _still(
        self, known_at: datetime, projection: Projection[Any], topics: Sequence[str]
    ) -> Folded | None:
        """Return what is kept, if it still is what was known by all that is folded by now."""
        mark = projection.name, known_at
        kept = self._kept.get(mark)
        if kept is None:
            return None
        looked = await _further(self.runtime, kept.looked, known_at, projection, topics)
        if looked is None:
            return None
        found = kept._replace(looked=looked)
        self._keep(mark, found)
        return found

    def _keep(self, mark: tuple[str, datetime], found: Folded) -> None:
        self._kept.pop(mark, None)
        self._kept[mark] = found
        size = sum(one.size for one in self._kept.values())
        while len(self._kept) > KEPT_MAX or size > KEPT_BYTES_MAX:
            size -= self._kept.pop(next(iter(self._kept))).size


async def _further(
    runtime: Runtime,
    before: Looked,
    known_at: datetime,
    projection: Projection[Any],
    topics: Sequence[str],
) -> Looked | None:
    """Look at what was folded since; None where some of it had been recorded by the instant."""
    async with runtime.store.transaction() as tx:
        collection = (await builds.read(tx, projection)).active.collection
        now = await reached(tx, collection)
        dropped = await dropped_by(tx, projection.name)
    since = now.since(before.reached)
    if (collection, dropped) != (before.collection, before.dropped) or since is None or since.again:
        return None
    facts = await _facts(since.on(topics).read(runtime.log), dropped)
    folded = await _heads(runtime.store, collection, {stream for stream, _ in facts})
    later, heads = Counter(before.later), dict[str, int]()
    for (stream, version), recorded_at in sorted(facts.items()):
        if not before.heads.get(stream, 0) < version <= folded.get(stream, 0):
            continue  # It came twice, or is set aside.
        if stream not in later and recorded_at <= known_at:
            return None
        later[stream] += 1
        # Not as far as it is folded by now: what follows was not looked at.
        heads[stream] = version
    return Looked(collection, now, {**before.heads, **heads}, dropped, later)


async def _facts(
    read: AsyncIterator[Sequence[Record]], dropped: frozenset[str]
) -> dict[tuple[str, int], datetime]:
    """Say of the facts in records, each once by its stream and version, when each was recorded."""
    found: dict[tuple[str, int], datetime] = {}
    async for records in read:
        for place, record in enumerate(records):
            if place % BREATH == 0:
                await asyncio.sleep(0)
            fact = decoded(record)
            if isinstance(fact, Envelope) and not (dropped and identity(record) in dropped):
                found.setdefault((fact.stream, fact.version), fact.recorded_at)
    return found


async def _heads(reads: Reads, collection: str, streams: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    wanted = sorted(streams)
    for first in range(0, len(wanted), HEADS_AT_ONCE):
        some = wanted[first : first + HEADS_AT_ONCE]
        held = await reads.get_many(Collections(collection).heads, some)
        found |= {stream: head["version"] for stream, head in held.items()}
    return found
