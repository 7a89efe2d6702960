"""Views as they were known at an instant: folded anew from what the log held by then (C-06).

Views as they are know every fact. Here a fact counts only if it had been recorded by the instant
asked about, so what is answered comes out as it was read then. It costs a pass over the log; what
it came to is kept for the next who asks for that instant (`shared/known_then.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from shared import builds
from shared.events import UndecodableError, decode
from shared.known_then import Known, KnownThen
from shared.memory.documents import matches
from shared.projection import Projection
from shared.projector import Collections
from shared.reading import Token
from shared.runtime import Runtime
from shared.store import Document
from shared.verify import BREATH

V = TypeVar("V")
NO_CONDITION: Mapping[str, Any] = MappingProxyType({})
# By so many of them it is reckoned what all views take, as objects so much more than written down.
WEIGHED, AS_OBJECTS = 100, 4
# So many views are asked about at once.
KEYS_AT_ONCE = 1_000


async def known_views(
    runtime: Runtime, projection: Projection[Any], known_at: datetime
) -> dict[str, Any]:
    """Return the views of a small projection as they were known."""
    # Days are the company's, as they are in the views that are kept.
    projection = projection.within(runtime.settings.zone)

    async def folded(known: Known) -> tuple[dict[str, Any], int]:
        views: dict[str, Any] = {}
        place = 0
        async for fact in known.facts(projection.topics):
            if projection.follows(fact.stream):
                projection.replay([fact], views)
                place += 1
                if place % BREATH == 0:
                    await asyncio.sleep(0)
        return views, _weight(projection, views)

    found = await KnownThen.of(runtime).at(known_at, projection, projection.topics, folded)
    views: dict[str, Any] = found.value
    if not projection.personal:
        return dict(views)
    # Known then, and read now: of who was erased since, nobody is told any more.
    documents = [projection.to_document(view) for view in views.values()]
    opened = await runtime.seals.opened(documents)
    return {key: projection.from_document(one) for key, one in zip(views, opened, strict=True)}


def _weight(projection: Projection[Any], views: Mapping[str, Any]) -> int:
    some = [projection.to_document(view) for view in islice(views.values(), WEIGHED)]
    written = len(msgspec.json.encode(some))
    return written * AS_OBJECTS * len(views) // max(len(some), 1)


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


async def parked_at(
    runtime: Runtime, projection: Projection[Any], keys: Collection[str], known_at: datetime
) -> list[str]:
    """Return the streams of which these views lack facts that had been recorded by an instant."""
    parked = Collections((await builds.read(runtime.store, projection)).active.collection).parked
    found: set[str] = set()
    wanted = sorted(keys)
    for first in range(0, len(wanted), KEYS_AT_ONCE):
        where = {"keys": {"$in": wanted[first : first + KEYS_AT_ONCE]}}
        fields = ("stream", "value", "parked_at")
        held = await runtime.store.find(parked, where, fields=fields)
        found |= {one["stream"] for one in held if was_recorded(one, known_at)}
    return sorted(found)


def was_recorded(aside: Document, known_at: datetime) -> bool:
    """Say whether a fact that is set aside, or left out for good, had been recorded by an instant.

    Of one that cannot be read: whether it had been set aside, for it lay in the log by then.
    """
    try:
        recorded_at = decode(aside["value"]).recorded_at
    except UndecodableError:
        recorded_at = datetime.fromisoformat(aside.get("parked_at") or aside["dropped_at"])
    return recorded_at <= known_at
