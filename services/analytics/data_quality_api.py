"""HTTP for the quality of data (N-08), and what is wanting of which thing."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from services.analytics import data_quality as report
from services.analytics.api import Analytics, At, Moment, Seller, Unit, employee, facts_of, unheard
from services.analytics.data_quality import Judged
from services.analytics.figures import Figures, Row
from services.analytics.pipeline import Reason, in_order, not_theirs
from services.analytics.report_by import QualityBy
from services.analytics.row_keys import ANY, OURS, Keys, one_of
from services.analytics.spans import in_calendar
from services.analytics.why import each_entity, left_out
from services.analytics.workload_api import defaults_of
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

KINDS = ("opportunity", "issue", "entry")
LeftOut = dict[Reason, list[str]]

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


async def _judged(
    runtime: Runtime, moment: Moment, row: Row, unit: str | None, seller: str | None
) -> tuple[Figures, list[Judged], LeftOut]:
    """Return what is judged, and why the rest is not."""
    owner, day = employee(seller), in_calendar(moment.day(runtime), "as_of")
    figures = await moment.figures(runtime, (), owner=owner, row=row)
    within = defaults_of(runtime).told_within_days

    def judge() -> tuple[list[Judged], LeftOut]:
        found: list[Judged] = []
        rest: LeftOut = defaultdict(list)
        for entity in each_entity(figures.entities):
            one = report.judged(entity, day, within)
            if one is None:
                rest["not_counted"].append(entity.stream)
            elif owner not in (None, one.owner):
                rest["other_seller"].append(entity.stream)
            elif not_theirs(unit, one.owner, day, figures.organization):
                rest["other_unit"].append(entity.stream)
            else:
                found.append(one)
        return found, rest

    return figures, *await asyncio.to_thread(judge)


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
    figures, told, _ = await _judged(runtime, moment, _row(by, None, ANY), unit, seller)
    rows = report.rows_of(by, told, figures.organization, moment.day(runtime))
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **report.document(rows[key])}
            for key in in_order(rows)
        ],
        "by": by,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/data-quality/why")
async def explain_data_quality(
    runtime: Analytics,
    moment: At,
    by: QualityBy,
    key: str | None = None,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Each thing behind a row of `/analytics/data-quality`, and what is wanting of which.

    `not_counted` is what nobody has to do anything about on that day: it is closed, say.
    """
    figures, told, rest = await _judged(runtime, moment, _row(by, key, KEYS[by]), unit, seller)
    day = moment.day(runtime)
    held = []
    for one in told:
        if report.key_of(by, one, figures.organization, day) in figures.keys:
            held.append(one)
        else:
            rest["other_row"].append(one.stream)
    rows = report.rows_of("total", held, figures.organization, day)
    return {
        "key": key,
        "ids": figures.ids,
        "total": report.document(rows.get("total", Counter())),
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
        "left_out": left_out(rest, named=seller is not None),
        "by": by,
        **moment.document(),
        **unheard(figures),
    }
