"""Which facts are in no figure: set aside, left out for good, or recorded after what was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from services.analytics.sink import MEASURES
from services.analytics.why import NAMED_MAX
from shared.known import was_recorded
from shared.projector import DROPPED, Collections
from shared.store import Document, Reads, Where

# So many are looked through at a time.
READ_MAX = 1_000
TOLD = ("stream", "version", "fact")
NONE_LATER: Mapping[str, int] = MappingProxyType({})
# Why a fact is in no figure at all.
ASIDE_SAYS = {
    "parked": "It cannot be folded, or waits behind one that cannot; of which row nobody can say.",
    "dropped": "An operator left it out for good.",
    "recorded_later": "It was recorded after `known_at`, of a thing that may make the row.",
}
# Answers which of these streams may make a row.
Theirs = Callable[[Collection[str]], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class Known:
    """What figures are of: all that is known, or what had been recorded until an instant.

    `later`: of each stream, how many facts that are known by now were recorded after it.
    """

    at: datetime | None = None
    later: Mapping[str, int] = field(default_factory=lambda: NONE_LATER)

    def knows(self, held: Document) -> bool:
        """Say whether a fact that is set aside had been recorded by then."""
        return self.at is None or was_recorded(held, self.at)


async def facts_left_out(
    reads: Reads, collection: str, known: Known, theirs: Theirs, *, named: bool
) -> list[dict[str, Any]]:
    """Return how many facts are in no figure of a build, for which reason.

    Whether what is set aside belongs to one row or another nobody can say before it is folded; so
    all of it is counted, and `named` is what is of streams that may make the row. Of others whoever
    operates the platform is told (`/parked`). What was recorded later is counted of those streams.
    """
    aside: tuple[tuple[str, str, Where], ...] = (
        ("parked", Collections(collection).parked, {}),
        ("dropped", DROPPED, {"sink": MEASURES.name}),
    )
    told: list[dict[str, Any]] = []
    for reason, kept, where in aside:
        count = 0
        facts: list[Document] = []
        async for held in _aside(reads, kept, where, known):
            count += len(held)
            if named and len(facts) < NAMED_MAX:
                own = await theirs({one["stream"] for one in held})
                facts += [{n: one[n] for n in TOLD} for one in held if one["stream"] in own]
        told.append({"reason": reason, "count": count, "facts": facts[:NAMED_MAX]})
    count = sum(known.later[stream] for stream in await theirs(known.later))
    told.append({"reason": "recorded_later", "count": count, "facts": []})
    return [one for one in told if one["count"]]


async def parked_facts(reads: Reads, collection: str, known: Known) -> int:
    """Return how many facts are set aside, of those that had been recorded by then."""
    parked = Collections(collection).parked
    if known.at is None:
        return await reads.count(parked, {})
    return sum([len(held) async for held in _aside(reads, parked, {}, known)])


async def _aside(
    reads: Reads, kept: str, where: Where, known: Known
) -> AsyncIterator[list[Document]]:
    """Yield what is set aside, some at a time."""
    when = () if known.at is None else ("value", "parked_at", "dropped_at")
    after = ""
    while True:
        held = await reads.find(
            kept,
            {**where, "_id": {"$gt": after}},
            sort=(("_id", 1),),
            limit=READ_MAX,
            fields=(*TOLD, *when),
        )
        yield [one for one in held if known.knows(one)]
        if len(held) < READ_MAX:
            return
        after = held[-1]["_id"]
