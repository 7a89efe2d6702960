"""Which facts are in no figure: set aside, left out for good, or recorded after what was asked."""

from __future__ import annotations

from typing import Any

from services.analytics.sink import MEASURES
from services.analytics.why import NAMED_MAX
from shared.projector import DROPPED, Collections
from shared.store import Reads, Where

TOLD = ("stream", "version", "fact")


async def facts_left_out(reads: Reads, collection: str, later: int = 0) -> list[dict[str, Any]]:
    """Return how many facts are in no figure of a build, for which reason, the first by name.

    `later`: so many were recorded after the instant asked about. Whether what is set aside belongs
    to one row or another nobody can say before it is folded.
    """
    parked = await _told(reads, Collections(collection).parked, {})
    dropped = await _told(reads, DROPPED, {"sink": MEASURES.name})
    told: list[dict[str, Any]] = [
        {"reason": "parked", **parked},
        {"reason": "dropped", **dropped},
        {"reason": "recorded_later", "count": later, "facts": []},
    ]
    return [one for one in told if one["count"]]


async def _told(reads: Reads, collection: str, where: Where) -> dict[str, Any]:
    named = await reads.find(collection, where, sort=(("_id", 1),), limit=NAMED_MAX, fields=TOLD)
    count = await reads.count(collection, where) if len(named) == NAMED_MAX else len(named)
    return {"count": count, "facts": [{name: one[name] for name in TOLD} for one in named]}
