"""HTTP for the growth of accounts (N-10), each row opened into what it is made of."""

from __future__ import annotations

from typing import Any

from services.analytics import growth as report
from services.analytics.api import Analytics, At, Moment, Seller, employee, explained, facts_of
from services.analytics.figures import Figures, Row
from services.analytics.forecast import Span
from services.analytics.forecast_api import Period
from services.analytics.growth import Accounts
from services.analytics.paged import PagedWhy
from services.analytics.pipeline import in_order, tallied
from services.analytics.report_by import GrowthBy
from services.analytics.row_keys import THEIRS
from services.analytics.spans import span_of
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


def _accounts(by: GrowthBy, figures: Figures, span: Span, moment: Moment, on: Runtime) -> Accounts:
    day = moment.day(on)
    bought = report.first_bought(figures.cells, day)
    return Accounts(by, figures.organization, span, day, figures.segments, bought)


@router.get("/growth")
async def growth(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: GrowthBy = "company",
    seller: Seller = None,
) -> dict[str, Any]:
    """What accounts bought, left us and said in a year, beside the year before (N-10).

    `from` and `to` are about winning and losing; the time before is as long. A customer is
    existing once they have bought. `retention`: of those who bought before, who bought now;
    `satisfaction` the mean score after a case (0 to 10); `profit` null where nobody told any.
    `reference` is what sources state of other companies, for comparison only. Of what is open it
    tells nothing, so it bears no mark of what is stale (N-08).
    """
    span = span_of(moment, period, runtime)
    # Whether somebody is a customer does not depend on who sold to them.
    figures = await moment.figures(runtime, report.AXES)
    accounts = _accounts(by, figures, span, moment, runtime)
    owner = employee(seller)
    cells = {c: n for c, n in figures.cells.items() if owner in (None, c.owner)}
    rows, customers = tallied(cells, accounts.part_of()), accounts.customers(cells)
    currency = runtime.settings.currency
    return {
        "rows": [
            {
                "id": key,
                "key": figures.name(key),
                **report.document(rows[key], customers.get(key, report.NOBODY), currency),
            }
            for key in in_order(rows)
        ],
        "by": by,
        "from": span.first,
        "to": span.last,
        "reference": report.REFERENCE,
        "currency": currency,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/growth/why")
async def explain_growth(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    period: Period,
    by: GrowthBy,
    key: str | None = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities and cases behind a row of `/analytics/growth`, now and before."""
    owner, row = employee(seller), Row(by, key, THEIRS[by], "opportunity", ("issue",))
    span = span_of(moment, period, runtime)
    async with moment.opened(runtime, ("company",), row=row) as figures:
        part_of = _accounts(by, figures, span, moment, runtime).part_of()
        told = await explained(figures, key, part_of, owner, paged)
    return {"by": by, **moment.document(), **told}
