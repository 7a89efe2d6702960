"""HTTP for adoption (N-04, H16): who enters what happens, who answers it, week by week."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta
from typing import Any

from services.analytics import adoption as report
from services.analytics.adoption import Entries, Month, NoWeek, Week
from services.analytics.api import Analytics, At, Moment, Seller, Unit, employee, facts_of, unheard
from services.analytics.figures import Figures, Row
from services.analytics.forecast import Span, key_of
from services.analytics.forecast_api import Period
from services.analytics.pipeline import in_order, not_theirs, period_of
from services.analytics.report_by import AdoptionBy
from services.analytics.spans import span_of
from services.analytics.workload_api import defaults_of
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)
# Two years of weeks, as the review looks at them (H16).
USUALLY = timedelta(days=730)


def _begun(span: Span, entries: Entries, asked: Span) -> Span:
    """Leave out, unless they are asked for, the weeks before anybody entered anything here."""
    if asked.first is not None or entries.first is None or span.first is None:
        return span
    return Span(max(span.first, entries.first), span.last)


def _measured(
    figures: Figures,
    span: Span,
    entries: Entries,
    functions: frozenset[str],
    whose: tuple[str | None, str | None],
) -> tuple[list[Week], list[Month], Counter[str]]:
    unit, seller = whose
    held, rest = [], Counter[str]()
    for week in report.weeks(figures.organization.nodes, functions, entries, span):
        if isinstance(week, NoWeek):
            rest[week.reason] += 1
        elif seller not in (None, week.seller):
            rest["other_seller"] += 1
        elif not_theirs(unit, week.seller, week.first, figures.organization):
            rest["other_unit"] += 1
        else:
            held.append(week)
    # A month counts where the seller is measured at all.
    answered = [
        month
        for month in entries.months({week.seller for week in held}, span)
        if not not_theirs(unit, month.seller, month.last, figures.organization)
    ]
    return held, answered, rest


async def _read(
    runtime: Runtime,
    moment: Moment,
    period: Span,
    unit: str | None,
    seller: str | None,
    row: Row | None = None,
) -> tuple[Figures, Span, list[Week], list[Month], Counter[str]]:
    asked = Span(period.first, min(period.last or date.max, moment.day(runtime)))
    span = span_of(moment, asked, runtime, USUALLY, years=5)
    figures = await moment.figures(runtime, report.AXES, row=row, grain_of=None)
    assert span.last is not None
    entries = await asyncio.to_thread(Entries, figures.tables, span.last)
    span = _begun(span, entries, period)
    functions = frozenset(defaults_of(runtime).seller_functions)
    measured = await asyncio.to_thread(
        _measured, figures, span, entries, functions, (unit, employee(seller))
    )
    return figures, span, *measured


@router.get("/adoption")
async def adoption(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: AdoptionBy = "seller",
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """How regularly sellers enter what happens, and leaders answer it (N-04, H16).

    `activity_rate`: of the weeks that a seller was at work, those with a touch or with what became
    of an entry. `opportunity_rate`: those in which something was told of an opportunity.
    `feedback_rate`: of the months in which a seller entered something, those in which somebody
    coached or assessed them. Percent as text; of the last two years, from the first week on of
    which anybody entered anything here. Whose it is to enter the
    company says (`seller_functions`); a week away is none.
    """
    figures, span, weeks, months, _ = await _read(runtime, moment, period, unit, seller)
    rows = report.rows_of(by, weeks, months, figures.organization)
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **report.document(by, rows[key])}
            for key in in_order(rows)
        ],
        "by": by,
        "from": span.first,
        "to": span.last,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/adoption/why")
async def explain_adoption(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: AdoptionBy,
    key: str | None = None,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Each week and month behind a row of `/analytics/adoption`, with how much was entered in it.

    They add up to the row. `left_out` counts the weeks that are not in it: of somebody else or
    another row, `away` from work, or when it was not theirs to enter (`other_function`). What was
    entered in a week: `/analytics/touches/why`, `/analytics/workload/why` and
    `/analytics/inflow/why` of its days.
    """
    # The weeks are told by the cells: of no entity more has to be read.
    row = Row(by, key, None)
    figures, span, weeks, months, rest = await _read(runtime, moment, period, unit, seller, row)
    places = figures.organization
    held = [w for w in weeks if key_of(by, w.seller, places, w.first, w.first) in figures.keys]
    rest["other_row"] = len(weeks) - len(held)
    told = [
        month
        for month in months
        if by != "week" and key_of(by, month.seller, places, month.last, month.last) in figures.keys
    ]
    rows = report.rows_of("total", held, told, places)
    return {
        "key": key,
        "ids": figures.ids,
        "total": report.document(by, rows.get("total", Counter())),
        "weeks": [
            {
                "seller": week.seller,
                "week": period_of(week.first, "week"),
                "activities": week.activities,
                "opportunities": week.opportunities,
            }
            for week in held
        ],
        "months": [
            {
                "seller": month.seller,
                "month": period_of(month.first, "month"),
                "feedback": month.feedback,
            }
            for month in told
        ],
        "left_out": [
            {"reason": reason, "weeks": count} for reason, count in sorted(rest.items()) if count
        ],
        "by": by,
        "from": span.first,
        "to": span.last,
        **moment.document(),
        **unheard(figures),
    }
