"""Recompute every view from the log and compare; compare the log with the journal. Writes nothing.

Cursor, heads and views are read in one snapshot, so a view that is being folded while we look is
compared with exactly the facts it knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from shared.batch import decoded, identity
from shared.events import Envelope
from shared.journal import JOURNAL, OUTBOX
from shared.log import Log, Partition
from shared.projection import Projection
from shared.projector import Collections, cursor_id, dropped_by
from shared.runtime import Runtime
from shared.sinks import KEEPER
from shared.store import Document, Store

DIFFERENCES_MAX = 100
# After so many facts, everybody else on the event loop has a turn: an API stays an API.
BREATH = 100
NO_HEAD: Document = {"version": 0}
# Asked only where a record lies behind the cursor: the log is read while heads are.
Heads = Callable[[], Awaitable[Mapping[str, Document]]]


@dataclass(slots=True)
class Check:
    """What was compared under one name, and what differs (the first hundred)."""

    name: str
    checked: int = 0
    # Records of the log that nothing was compared with: no facts, set aside, or left out for good.
    skipped: int = 0
    differences: list[str] = field(default_factory=list)

    def differs(self, what: str) -> None:
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(what)

    def is_folded(self, fact: Envelope, heads: Mapping[str, Document]) -> bool:
        """Say whether it must be in what is compared; count it where it was set aside instead."""
        head = heads.get(fact.stream)
        if head is not None and fact.version <= head["version"]:
            return True
        if head is not None and head["parked"]:
            self.skipped += 1
        else:
            self.differs(f"{fact.stream}@{fact.version}: in the log, not folded")
        return False

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "checked": self.checked,
            "skipped": self.skipped,
            "differences": self.differences,
        }


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one projection held at one moment."""

    cursors: dict[str, int]
    heads: dict[str, Document]
    views: dict[str, Document]
    # The records that an operator left out for good, by what `identity` says of them.
    dropped: frozenset[str]


async def snapshot(store: Store, collection: str, sink: str) -> Snapshot:
    names = Collections(collection)
    async with store.transaction() as tx:
        dropped = await dropped_by(tx, sink)
        cursors = await tx.find(names.cursors, {})
        heads = await tx.find(names.heads, {})
        views = await tx.find(names.views, {})
    return Snapshot(
        {cursor["_id"]: cursor["offset"] for cursor in cursors},
        {head["_id"]: head for head in heads},
        {view["_id"]: view for view in views},
        dropped,
    )


async def facts_until(
    log: Log,
    topics: Sequence[str],
    cursors: dict[str, int],
    *,
    dropped: AbstractSet[str] = frozenset(),
    check: Check | None = None,
) -> AsyncIterator[Envelope]:
    """Yield every fact of these topics before the cursors, once, each stream in order."""
    async for facts in histories_until(log, topics, cursors, dropped=dropped, check=check):
        for fact in facts:
            yield fact


async def histories_until(
    log: Log,
    topics: Sequence[str],
    cursors: dict[str, int],
    *,
    dropped: AbstractSet[str] = frozenset(),
    check: Check | None = None,
    heads: Heads | None = None,
) -> AsyncIterator[list[Envelope]]:
    """Yield every fact of these topics before the cursors, those of one partition together.

    What is a fact, the projectors say (`decoded`); `check` counts what is none, and what was
    dropped. A fact may lie in the log behind its successor (it waited in `parked` then), or twice:
    the first one at its version counts. Beyond the cursors those are yielded that the heads say
    are folded: after a log that forgot was repaired, it is read again from its beginning.
    """
    for topic in topics:
        for partition, end in (await log.ends(topic)).items():
            bounds = cursors.get(cursor_id(partition), 0), end if heads else 0
            yield await _facts(log, partition, bounds, dropped, check, heads)


async def _facts(
    log: Log,
    partition: Partition,
    bounds: tuple[int, int],
    dropped: AbstractSet[str],
    check: Check | None,
    heads: Heads | None,
) -> list[Envelope]:
    """Return the facts of one partition, each stream in the order of its versions.

    `bounds`: all before the first, and of those before the second what the heads know.
    """
    streams: dict[str, dict[int, Envelope]] = {}
    cursor = bounds[0]
    async with aclosing(log.read(partition, 0, max(bounds))) as batches:
        async for records in batches:
            for place, record in enumerate(records):
                if place % BREATH == 0:
                    await asyncio.sleep(0)
                fact, beyond = decoded(record), record.offset >= cursor
                if isinstance(fact, Envelope) and not (dropped and identity(record) in dropped):
                    if not beyond or await _knows(heads, fact):
                        streams.setdefault(fact.stream, {}).setdefault(fact.version, fact)
                elif check is not None and not beyond:
                    check.skipped += 1
    return [versions[version] for versions in streams.values() for version in sorted(versions)]


async def _knows(heads: Heads | None, fact: Envelope) -> bool:
    """Say whether a fact behind the cursor is folded all the same."""
    known = (await heads()).get(fact.stream, NO_HEAD) if heads else NO_HEAD
    return bool(fact.version <= known["version"])


async def verify_projection(runtime: Runtime, projection: Projection[Any]) -> Check:
    """Compare the stored views of a projection with the fold of the log.

    Partition by partition, where a view is of one stream: then only one is held in memory.
    """
    build = await runtime.runners[projection.name].active()
    held = await snapshot(runtime.store, build.collection, projection.name)

    async def heads() -> Mapping[str, Document]:
        return held.heads

    check = Check(f"{runtime.domain.name}/{build.collection}")
    expected: dict[str, Any] = {}
    unseen = dict(held.views)
    for topic in projection.topics:
        for partition, end in (await runtime.log.ends(topic)).items():
            bounds = held.cursors.get(cursor_id(partition), 0), end
            facts = await _facts(runtime.log, partition, bounds, held.dropped, check, heads)
            folded = [
                fact
                for fact in facts
                if projection.follows(fact.stream) and check.is_folded(fact, held.heads)
            ]
            for first in range(0, len(folded), BREATH):
                piece = folded[first : first + BREATH]
                if projection.opens:
                    words = await runtime.seals.words_of(piece)
                    piece = [replace(fact, words=words) for fact in piece]
                projection.replay(piece, expected)
                await asyncio.sleep(0)
            if projection.keyed_by_stream and len(projection.topics) == 1:
                await _compare(projection, expected, unseen, check)
                expected = {}
    await _compare(projection, expected | dict.fromkeys(unseen.keys() - expected), unseen, check)
    return check


async def _compare(
    projection: Projection[Any],
    expected: dict[str, Any],
    unseen: dict[str, Document],
    check: Check,
) -> None:
    """Compare these views with the stored ones, and take those out of the unseen."""
    for place, key in enumerate(sorted(expected)):
        if place % BREATH == 0:
            await asyncio.sleep(0)
        check.checked += 1
        document, view = unseen.pop(key, None), expected[key]
        stored = document["view"] if document is not None else None
        wanted = None if view is None else projection.to_document(view)
        if wanted != stored:
            check.differs(f"{key}: {_difference(wanted, stored)}")


def _difference(wanted: Document | None, stored: Document | None) -> str:
    if wanted is None or stored is None:
        return "missing" if stored is None else "should not be there"
    names = sorted(wanted.keys() | stored.keys())
    return "; ".join(
        f"{name} is {stored.get(name)!r}, the log says {wanted.get(name)!r}"
        for name in names
        if wanted.get(name) != stored.get(name)
    )


async def verify_journal(runtime: Runtime) -> Check:
    """Compare the journal with the log: the same facts at the same places, without holes."""
    check = Check(f"{runtime.domain.name}/journal")
    # One moment for all three, then the log: what left the outbox before it is in the log, and what
    # the keeper had compared with the journal is in the journal.
    async with runtime.store.transaction() as tx:
        kept = await tx.find(Collections(KEEPER).cursors, {})
        outgoing = await tx.find(OUTBOX, {})
        journaled = await tx.find(JOURNAL, {}, fields=("stream", "version"))
    pending: dict[str, int] = {}
    for stream, first, _ in (bounds for entry in outgoing for bounds in entry["ranges"]):
        pending[stream] = min(first, pending.get(stream, first))
    in_journal = {(d["stream"], d["version"]): d["_id"] for d in journaled}
    topics = ((runtime.domain.name,) if runtime.decides else ()) + runtime.domain.intake
    ends = {cursor_id(p): end for t in topics for p, end in (await runtime.log.ends(t)).items()}
    in_log: dict[tuple[str, int], str] = {}
    async for fact in facts_until(runtime.log, topics, ends, check=check):
        in_log[fact.stream, fact.version] = fact.id
    for place, fact_id in in_journal.items():
        check.checked += 1
        stream, version = place
        if version > 1 and (stream, version - 1) not in in_journal:
            check.differs(f"{stream}@{version}: the version before it is missing in the journal")
        if version >= pending.get(stream, version + 1):
            continue
        if place not in in_log:
            check.differs(f"{stream}@{version}: in the journal, not in the log")
        elif in_log[place] != fact_id:
            check.differs(f"{stream}@{version}: {in_log[place]} in the log, {fact_id} journaled")
    for place in await _not_journaled(runtime, in_log.keys() - in_journal.keys(), kept):
        check.differs(f"{place[0]}@{place[1]}: in the log, not in the journal")
    return check


async def _not_journaled(
    runtime: Runtime, lacking: AbstractSet[tuple[str, int]], kept: Sequence[Document]
) -> list[tuple[str, int]]:
    """Of what the journal lacks, return what the keeper has already compared with the log."""
    ours = {place for place in lacking if place[0].partition("-")[0] in runtime.domain.deciders}
    if not ours:
        return []
    until = {cursor["_id"]: cursor["offset"] for cursor in kept}
    compared = facts_until(runtime.log, (runtime.domain.name,), until)
    return [
        (fact.stream, fact.version)
        async for fact in compared
        if (fact.stream, fact.version) in ours
    ]


async def verify_domain(runtime: Runtime) -> AsyncIterator[Check]:
    """Yield one check after the other, as they are done."""
    if runtime.decides:
        yield await verify_journal(runtime)
    for projection in runtime.domain.projections:
        yield await verify_projection(runtime, projection)
