"""HTTP for adoption (N-04, H16): who enters what happens, who answers it, week by week."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, NamedTuple

from services.analytics import adoption as report
from services.analytics.adoption import Entries
from services.analytics.adoption_why import Opened
from services.analytics.api import Analytics, At, Moment, Seller, Unit, employee, facts_of, unheard
from services.analytics.figures import Figures, Row
from services.analytics.forecast import Span
from services.analytics.forecast_api import Period
from services.analytics.paged import PagedWhy
from services.analytics.pipeline import Key, in_order
from services.analytics.report_by import AdoptionBy
from services.analytics.row_keys import OURS
from services.analytics.spans import span_of
from services.analytics.workload_api import defaults_of
from shared.exports import note_names
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


class _Read(NamedTuple):
    """What adoption is told by: figures, the time asked about, and what was entered in it."""

    figures: Figures
    span: Span
    entries: Entries
    functions: frozenset[str]

    def measured(self, unit: Key, sellers: Collection[Key] | None) -> report.Measured:
        places = self.figures.organization
        return report.Measured(places, self.functions, self.span, unit, sellers)


async def _read(runtime: Runtime, moment: Moment, period: Span, row: Row | None = None) -> _Read:
    asked = Span(period.first, min(period.last or date.max, moment.day(runtime)))
    span = span_of(moment, asked, runtime, USUALLY, years=5)
    figures = await moment.figures(runtime, report.AXES, row=row, grain_of=None)
    assert span.last is not None
    entries = await asyncio.to_thread(Entries, figures.tables, span.last)
    functions = frozenset(defaults_of(runtime).seller_functions)
    return _Read(figures, _begun(span, entries, period), entries, functions)


def _row(by: AdoptionBy, key: str | None) -> Row:
    # What was entered is told by the cells of all these: of none of them more has to be read.
    return Row(
        by, key, OURS[by], "opportunity", ("touch", "entry", "review", "assessment"), read=False
    )


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
    read = await _read(runtime, moment, period)
    figures, span = read.figures, read.span
    measured = read.measured(unit, None if seller is None else {employee(seller)})

    def summed() -> dict[Key, Counter[str]]:
        counted = (one for one, reason in measured.told(read.entries) if reason is None)
        return report.rows_of(by, counted, figures.organization)

    rows = await asyncio.to_thread(summed)
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
    paged: PagedWhy,
    period: Period,
    by: AdoptionBy,
    key: str | None = None,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """Each week and month behind a row of `/analytics/adoption`, with how much was entered in it.

    Weeks come first, then months; all pages add up to `total`, the row. `left_out` counts the weeks
    and months that are not in it: of another unit or row, `away` from work, when it was not theirs
    to enter (`other_function`), or months of whom no week is measured (`not_counted`). Of one
    seller's nothing of others is counted. What was entered in a week: `/analytics/touches/why`,
    `/analytics/workload/why` and `/analytics/inflow/why` of its days.
    """
    read = await _read(runtime, moment, period, _row(by, key))
    figures, span = read.figures, read.span
    # Of one seller's nothing of others is told, not even how much there is of it.
    whose = figures.keys if by == "seller" else None
    measured = read.measured(unit, {employee(seller)} if seller is not None else whose)
    found = Opened(paged.page())
    await asyncio.to_thread(
        found.add, by, figures.keys, measured.told(read.entries), figures.organization
    )
    # Weeks and months tell different things: a file has columns for both.
    note_names(report.TOLD, all_pages=True)
    return {
        "key": key,
        "ids": figures.ids,
        "total": report.document(by, found.total),
        "contributions": [report.told(one) for one in found.page.items],
        "left_out": found.left_out(),
        "next_cursor": paged.next_cursor(found.page),
        "by": by,
        "from": span.first,
        "to": span.last,
        **moment.document(),
        **unheard(figures),
    }
