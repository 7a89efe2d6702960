"""Which facts are in no figure: set aside, left out for good, or recorded after what was asked."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from services.analytics.sink import MEASURES
from services.analytics.why import NAMED_MAX
from shared.projector import DROPPED, Collections
from shared.store import Reads, Where

# So many are looked through for those that are named.
READ_MAX = 1_000
TOLD = ("stream", "version", "fact")


async def facts_left_out(
    reads: Reads, collection: str, streams: Collection[str], later: int = 0
) -> list[dict[str, Any]]:
    """Return how many facts are in no figure of a build, for which reason.

    `later`: so many were recorded after the instant asked about. Whether what is set aside belongs
    to one row or another nobody can say before it is folded; so those of `streams`, which may make
    the row, are named, and of others whoever operates the platform is told (`/parked`).
    """
    parked = await _told(reads, Collections(collection).parked, {}, streams)
    dropped = await _told(reads, DROPPED, {"sink": MEASURES.name}, streams)
    told: list[dict[str, Any]] = [
        {"reason": "parked", **parked},
        {"reason": "dropped", **dropped},
        {"reason": "recorded_later", "count": later, "facts": []},
    ]
    return [one for one in told if one["count"]]


async def _told(
    reads: Reads, collection: str, where: Where, streams: Collection[str]
) -> dict[str, Any]:
    held = await reads.find(collection, where, sort=(("_id", 1),), limit=READ_MAX, fields=TOLD)
    count = await reads.count(collection, where) if len(held) == READ_MAX else len(held)
    theirs = [{name: one[name] for name in TOLD} for one in held if one["stream"] in streams]
    return {"count": count, "facts": theirs[:NAMED_MAX]}
