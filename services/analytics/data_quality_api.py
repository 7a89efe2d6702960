"""HTTP for the quality of data (N-08), and what is wanting of which thing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from services.analytics import data_quality as report
from services.analytics.api import Analytics, At, Moment, Seller, Unit, employee, facts_of, unheard
from services.analytics.figures import Figures, Row
from services.analytics.paged import PagedWhy
from services.analytics.pipeline import in_order
from services.analytics.report_by import QualityBy
from services.analytics.row_keys import ANY, OURS, Keys, one_of
from services.analytics.spans import in_calendar
from services.analytics.workload_api import defaults_of
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

KINDS = ("opportunity", "issue", "entry")

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


def _asked(
    runtime: Runtime, moment: Moment, figures: Figures, unit: str | None, seller: str | None
) -> report.Asked:
    day = in_calendar(moment.day(runtime), "as_of")
    within = defaults_of(runtime).told_within_days
    return report.Asked(day, within, figures.organization, unit, employee(seller))


KEYS: Mapping[str, Keys] = {**OURS, "kind": one_of(KINDS)}


def _row(by: QualityBy, key: str | None, keys: Keys) -> Row:
    # Whose something is on a day no index knows: all of them are looked at.
    return Row(f"quality of {by}", key, keys, "opportunity", ("issue", "entry"))


@router.get("/data-quality")
async def data_quality(
    runtime: Analytics,
    moment: At,
    by: QualityBy = "seller",
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """How fresh, complete and consistent what everybody has in hand is told, in percent (N-08).

    Fresh: something was told of an open opportunity within a month, and what became of an entry
    within the days that the company chose (`told_within_days`; entries of the last 90 days).
    Complete: owner, company, product, amount and closing day of an opportunity, owner and company
    of an issue. Consistent: no day by which it was to close or is stood by for has passed.
    Each is a share of what is asked for it, null of nothing; `quality` is the share of all of which
    nothing is wanting.
    """
    row, rows = _row(by, None, ANY), report.Rows(by)
    async with moment.opened(runtime, owner=employee(seller), row=row) as figures:
        asked = _asked(runtime, moment, figures, unit, seller)
        async for entities in figures.entities(""):
            await asyncio.to_thread(rows.add, asked, entities)
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **report.document(rows.sums[key])}
            for key in in_order(rows.sums)
        ],
        "by": by,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/data-quality/why")
async def explain_data_quality(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    by: QualityBy,
    key: str | None = None,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Each thing behind a row of `/analytics/data-quality`, and what is wanting of which.

    `wanting` tells of those on this page. `not_counted` is what nobody has to do anything about on
    that day: it is closed, say.
    """
    row, owner = _row(by, key, KEYS[by]), employee(seller)
    async with moment.opened(runtime, owner=owner, row=row) as figures:
        asked = _asked(runtime, moment, figures, unit, seller)
        add = partial(asked.explain, by, figures.keys)
        found = await paged.of(figures, report.Opened(paged.page()), add)
    held = found.page.items
    return {
        "key": key,
        "ids": figures.ids,
        "total": report.document(found.total),
        "wanting": [
            {
                "stream": one.stream,
                "owner": one.owner or None,
                **{
                    aspect: [why for about, why in one.wanting if about == aspect]
                    for aspect in report.ASPECTS
                },
            }
            for one in held
            if one.wanting
        ],
        "contributions": [
            {"stream": one.stream, "items": 1, "well": int(not one.wanting), "facts": one.facts}
            for one in held
        ],
        # Whose a thing is on a day no index knows: all of them are looked at.
        "left_out": found.left_out.document(named=seller is not None),
        "next_cursor": paged.next_cursor(found.page),
        "by": by,
        **moment.document(),
        **unheard(figures),
    }
