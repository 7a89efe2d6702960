"""HTTP for all that is held about a colleague, for that colleague alone (N-13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

from services.analytics.about import index, review_link
from services.analytics.api import Analytics
from services.analytics.assessment_views import assessment_card
from services.analytics.kpi_views import kpi_review
from services.analytics.looks import looks
from services.analytics.sink import MEASURES, behind, entities_of
from services.analytics.why import Page
from shared import builds
from shared.projection import Projection
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import AtLeast, PageWanted, StreamId, cursor_of, key_of
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"])
V = TypeVar("V")
# Keys of talks come after those of all else.
TALKS = "talk "
# What the figures hold of somebody, thing by thing.
KINDS = ("touch", "opportunity", "issue", "entry", "series")


@router.get("/about/{employee}")
async def about(
    employee: StreamId, runtime: Analytics, wanted: PageWanted, at_least: AtLeast
) -> dict[str, Any]:
    """All that is held about oneself: what there is, how much of it, and where it stands (N-13).

    Nobody else is told, whatever they lead. `count` tells of things that are or were one's own, of
    `looks` how often somebody looked; null where only its own address tells how much there is. Each
    talk about a figure is listed by itself, after all else, and so are figures of the company, at
    `/analytics/kpis`.
    """
    who = f"employee-{employee}"
    mark = f"about {who}"
    after = "" if wanted.cursor is None else key_of(wanted.cursor, mark)
    shown: Page[dict[str, str | int | None]] = Page(wanted.limit, after or None)
    if not after.startswith(TALKS):
        counts = await _counts(runtime, who)
        told, months = (
            _each(runtime, assessment_card, who, at_least),
            _each(runtime, looks, who, at_least),
        )
        counts |= {
            "assessment": sum([1 async for _ in told]),
            "look": sum([len(month.looks) async for month in months]),
        }
        for number, item in enumerate(index(who, counts)):
            shown.take(f"{number:03}", item)
    # One more than there is room for says whether there is another page.
    talks = await runtime.reader(kpi_review).page(
        {"of": who},
        limit=wanted.limit + 1,
        after=after.removeprefix(TALKS) if after.startswith(TALKS) else None,
        at_least=_own(kpi_review, at_least),
    )
    for talk in talks.items:
        shown.take(f"{TALKS}{talk.value.kpi_review}", review_link(talk.value.kpi_review))
    cursor = None if shown.next_key is None else cursor_of(shown.next_key, mark)
    return {"of": who, "items": shown.items, "next_cursor": cursor}


def _each(
    runtime: Runtime, projection: Projection[V], who: str, at_least: Token | None
) -> AsyncIterator[V]:
    """Read these views of somebody."""
    return runtime.reader(projection).every({"of": who}, _own(projection, at_least))


def _own(projection: Projection[Any], at_least: Token | None) -> Token | None:
    """Return how fresh a view has to be: as the reader's last write, where it follows it."""
    return at_least if at_least is not None and projection.follows(at_least.stream) else None


async def _counts(runtime: Runtime, who: str) -> dict[str, int]:
    async with runtime.store.transaction() as tx:
        collection = entities_of((await builds.read(tx, MEASURES)).active.collection)
        return {kind: await tx.count(collection, behind(kind, "", (), who)) for kind in KINDS}
