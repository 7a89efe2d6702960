"""HTTP for all that is held about a colleague, for that colleague alone (N-13)."""

from __future__ import annotations

from typing import Any, TypeVar

from services.analytics.about import index, review_link
from services.analytics.api import Analytics
from services.analytics.assessment_views import assessment_card
from services.analytics.kpi_views import kpi_review
from services.analytics.looks import looks
from services.analytics.sink import MEASURES, behind, entities_of
from shared import builds
from shared.projection import Projection
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import AtLeast, StreamId
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"])
V = TypeVar("V")
# What the figures hold of somebody, thing by thing.
KINDS = ("touch", "opportunity", "issue", "entry", "series")


@router.get("/about/{employee}")
async def about(employee: StreamId, runtime: Analytics, at_least: AtLeast) -> dict[str, Any]:
    """All that is held about oneself: what there is, how much of it, and where it stands (N-13).

    Nobody else is told, whatever they lead. `count` tells of things that are or were one's own, of
    `looks` how often somebody looked; null where only its own address tells how much there is. Each
    talk about a figure is listed by itself, and so are figures of the company, at
    `/analytics/kpis`.
    """
    who = f"employee-{employee}"
    counts = await _counts(runtime, who)
    told = await _of(runtime, assessment_card, who, at_least)
    months = await _of(runtime, looks, who, at_least)
    talks = await _of(runtime, kpi_review, who, at_least)
    counts |= {"assessment": len(told), "look": sum(len(month.looks) for month in months)}
    reviews = [review_link(one.kpi_review) for one in talks]
    return {"of": who, "items": [*index(who, counts), *reviews], "next_cursor": None}


async def _of(
    runtime: Runtime, projection: Projection[V], who: str, at_least: Token | None
) -> list[V]:
    """Return these views of somebody; as fresh as the reader's last write, where it follows it."""
    own = at_least if at_least is not None and projection.follows(at_least.stream) else None
    return [one async for one in runtime.reader(projection).every({"of": who}, own)]


async def _counts(runtime: Runtime, who: str) -> dict[str, int]:
    async with runtime.store.transaction() as tx:
        collection = entities_of((await builds.read(tx, MEASURES)).active.collection)
        return {kind: await tx.count(collection, behind(kind, "", (), who)) for kind in KINDS}
