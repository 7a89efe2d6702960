"""HTTP for what became of what was won, each row opened into what it is made of (X-01, O-12)."""

from __future__ import annotations

from typing import Any

from services.analytics import flows
from services.analytics import orders as report
from services.analytics.api import (
    Analytics,
    At,
    Moment,
    Seller,
    Unit,
    employee,
    explained,
    facts_of,
)
from services.analytics.figures import Row
from services.analytics.forecast import Span
from services.analytics.forecast_api import Period
from services.analytics.orders import Look
from services.analytics.paged import PagedWhy
from services.analytics.pipeline import tallied
from services.analytics.report_by import OrdersBy
from services.analytics.row_keys import ORDERS
from services.analytics.workload_api import defaults_of, until
from shared.runtime import Runtime
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


def _look(runtime: Runtime, moment: Moment, period: Span, unit: str | None) -> Look:
    span = until(moment, period, runtime)
    return Look(flows.Look(span, moment.day(runtime), unit), defaults_of(runtime).called_off)


@router.get("/orders")
async def orders(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: OrdersBy = "month",
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """What was won, and what was ordered, contracted, fulfilled and invoiced beside it (X-01).

    `from` and `to` are about the day of winning and, of an order, contract, delivery or invoice,
    the day on which its system told of it first; whoever had the opportunity on that day is
    credited. The newest report of each number holds. `ordered_share` and `invoiced_share` are in
    percent of what was won in the same time, whichever deals those are of; null where nothing was.
    `called_off` counts those whose status says so (`hand_off_called_off`): they are in no value.
    By `company` rows are of customers, by `our_company` and `region` of our companies and
    divisions; by `step` of what each column is, where nothing is a share of anything. None of it is
    open, so it bears no mark of what is stale (N-08).
    """
    look = _look(runtime, moment, period, unit)
    figures = await moment.figures(
        runtime,
        report.axes_of(by),
        owner=employee(seller),
        grain_of=lambda held: report.grain(by, held, look),
    )
    part_of = report.in_orders(by, figures.organization, look, figures.segments)
    rows, currency = tallied(figures.cells, part_of), runtime.settings.currency
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **report.document(by, rows[key], currency)}
            for key in report.ordered(by, rows)
        ],
        "by": by,
        "currency": currency,
        **moment.document(),
        **facts_of(figures),
    }


@router.get("/orders/why")
async def explain_orders(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    period: Period,
    by: OrdersBy,
    key: str | None = None,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities behind a row of `/analytics/orders`, with what each adds by step.

    `order`, `contract`, `fulfilment` and `finance` count; with a currency they are money in
    ten-thousandths, as `value_...` is of what was won.
    """
    owner = employee(seller)
    row, look = Row(by, key, ORDERS[by], unit=unit), _look(runtime, moment, period, unit)
    async with moment.opened(runtime, owner=owner, row=row) as figures:
        part_of = report.in_orders(by, figures.organization, look, figures.segments)
        told = await explained(figures, key, part_of, owner, paged)
    return {"by": by, **moment.document(), **told}
