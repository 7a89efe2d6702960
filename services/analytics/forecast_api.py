"""HTTP for forecasts, targets and yield: each figure opens into the facts behind it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request

from services.analytics import forecast as report
from services.analytics.api import (
    Analytics,
    At,
    Moment,
    Seller,
    Unit,
    days_between,
    employee,
    explained,
    facts_of,
)
from services.analytics.cells import Axis
from services.analytics.coaching import Talks
from services.analytics.coaching_reads import read_talks
from services.analytics.figures import Figures, Row
from services.analytics.forecast import Span
from services.analytics.marks import NEWS, mark
from services.analytics.paged import PagedWhy
from services.analytics.pipeline import NOBODY, in_order
from services.analytics.projections import Target, frozen_forecasts, targets
from services.analytics.promised import by_outcome, kept
from services.analytics.report_by import ForecastBy, YieldBy
from services.analytics.row_keys import ANY, THEIRS
from shared.access.principal import Principal
from shared.access.roles import Scope
from shared.command import Day
from shared.errors import NotFoundError
from shared.known import view_at, views_at
from shared.reading import Token
from shared.references import ProductStream
from shared.runtime import Runtime
from shared.web import StreamId
from shared.web.looking import Noticed
from shared.web.router import Router

# The axes whose cells tell what was reached of a target, and what was spent for what.
REACHED: tuple[Axis, ...] = ("owner", "product", "commitment", NEWS)
SPENT: tuple[Axis, ...] = ("owner", "touch")

router = Router(prefix="/analytics", tags=["analytics"], route_class=Noticed)


async def _span(
    first: Annotated[Day | None, Query(alias="from", description="its first day")] = None,
    last: Annotated[Day | None, Query(alias="to", description="its last day")] = None,
) -> Span:
    return days_between(first, last, "query/from")


Period = Annotated[Span, Depends(_span)]


@router.get("/forecast")
async def forecast(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: ForecastBy = "seller",
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """What sellers stand by, rolled up (O-06): their own commitments, neither weighed nor guessed.

    `from` and `to` are about the day on which each says that it closes; rows by day, week, month or
    quarter are the roadmap (O-13). Who belongs where is as of `as_of`, or today. `stale` is of how
    much that is open, of this seller or unit, nobody has told anything for a month (N-08).
    """
    owner, day = employee(seller), moment.day(runtime)
    figures = await moment.figures(
        runtime,
        ("commitment", NEWS),
        owner=owner,
        grain_of=lambda _: report.forecast_grain(by, day, period, unit),
    )
    rows = report.forecast(by, figures.cells, figures.organization, day, period, unit)
    currency = runtime.settings.currency
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **rows[key].document(currency)}
            for key in in_order(rows)
        ],
        "by": by,
        **moment.document(),
        "currency": currency,
        "stale": mark(figures, day, owner, unit),
        **facts_of(figures),
    }


@router.get("/forecast/why")
async def explain_forecast(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    period: Period,
    by: ForecastBy,
    key: str | None = None,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities behind a row of `/analytics/forecast`."""
    owner = employee(seller)
    async with moment.opened(
        runtime, owner=owner, row=Row(by, key, THEIRS[by], unit=unit)
    ) as figures:
        part_of = report.in_forecast(by, figures.organization, moment.day(runtime), period, unit)
        told = await explained(figures, key, part_of, owner, paged)
    return {"by": by, **moment.document(), **told}


@router.get("/forecasts/{forecast}")
async def what_became_of_it(forecast: StreamId, runtime: Analytics, moment: At) -> dict[str, Any]:
    """Each time that this roll-up was frozen: what was won, lost, or slipped of it since (O-06)."""
    stream, at = f"forecast-{forecast}", moment.known_at
    told = await view_at(runtime, frozen_forecasts, stream, at, moment.at_least)
    if told is None:
        raise NotFoundError("no such forecast")
    day = moment.day(runtime)
    named = {line.opportunity for frozen in told.frozen for line in frozen.lines}
    async with moment.opened(runtime) as figures:
        known = await figures.opportunities(named)
    lines = [(frozen, kept(frozen, known, day)) for frozen in told.frozen]
    return {
        "forecast": told.frozen_forecast,
        "owner": told.owner,
        "unit": told.unit,
        **moment.document(),
        "frozen": [
            {
                "on": frozen.on,
                "period_from": frozen.period_from,
                "period_to": frozen.period_to,
                "by_outcome": by_outcome(of_it),
                "lines": of_it,
            }
            for frozen, of_it in lines
        ],
    }


@router.get("/attainment")
async def attainment(
    request: Request,
    runtime: Analytics,
    moment: At,
    owner: Seller = None,
    unit: Unit = None,
    product: ProductStream | None = None,
    on: Day | None = None,
) -> dict[str, Any]:
    """Targets, and how far each is reached by what was won and committed (O-07, O-13).

    With `on`, those whose period that day is in. A unit's target counts everybody who was in it, or
    below it, when they won; what is committed, who is in it on the day asked about. `stale` marks
    what is open and committed of the owner, unit and product asked about, whatever the targets are
    for: of how much of it nobody has told anything for a month (N-08).
    `coached` counts the talks in its period up to that day with its owner, with who was in its
    unit, or about deals with its product: about deals (O-03) and about figures (N-03); `coaching`
    lists the latest of them, and where each opens.
    """
    where = {"owner": employee(owner), "unit": unit, "product": product}
    wanted = await _targets(runtime, {name: v for name, v in where.items() if v}, on, moment)
    day = moment.day(runtime)
    at = _but_for_targets(moment)
    # Whoever a target is for, something is known of them.
    asked = replace(at, of=NOBODY) if wanted else at
    async with asked.opened(
        runtime, REACHED, grain_of=lambda held: report.target_grain(wanted, held, day)
    ) as figures:
        sessions = await read_talks(runtime, wanted, day, moment, figures)
    asking: Principal | None = getattr(request.state, "principal", None)
    listed = asking is None or asking.reach("coaching.read") > Scope.NONE

    def rows() -> list[dict[str, Any]]:
        talks = Talks(sessions, figures.organization)
        reached = report.Reached(figures.cells, figures.organization, day)
        return [
            {
                **_told(target, figures),
                **asdict(reached.of(target)),
                **talks.beside(target, listed=listed),
            }
            for target in wanted
        ]

    return {
        # A company has thousands of targets, and of talks: nobody else has to wait for them.
        "rows": await asyncio.to_thread(rows),
        "stale": mark(figures, day, employee(owner), unit, product),
        **moment.document(),
        **facts_of(figures),
    }


def _told(target: Target, figures: Figures) -> dict[str, Any]:
    return {
        "target": target.target,
        "owner": target.owner,
        "unit": target.unit,
        "product": target.product,
        "name": figures.name(target.owner or target.unit or target.product),
        "measure": target.measure,
        "amount": target.amount,
        "currency": target.currency,
        "period_from": target.period_from,
        "period_to": target.period_to,
    }


@router.get("/attainment/why")
async def explain_attainment(
    runtime: Analytics, moment: At, paged: PagedWhy, target: str
) -> dict[str, Any]:
    """The opportunities behind what was won, and is committed, for one target."""
    found = await view_at(runtime, targets, target, moment.known_at, _own(moment))
    if found is None:
        raise NotFoundError("no such target", field="query/target")
    row = Row("product" if found.product else "target", found.product, ANY, unit=found.unit)
    at = _but_for_targets(moment)
    async with at.opened(runtime, row=row, owner=found.owner) as figures:
        figures.keys.add(target)
        part_of = report.in_target(found, figures.organization, moment.day(runtime))
        told = await explained(figures, target, part_of, None, paged, told_by=found)
    return {"owner": found.owner, **moment.document(), **told}


@router.get("/yield")
async def yields(
    runtime: Analytics,
    moment: At,
    period: Period,
    by: YieldBy = "seller",
    seller: Seller = None,
) -> dict[str, Any]:
    """What the touches of a period were spent for, and what was won in it (O-13).

    `value_per_touch` and `touches_per_won` are null where there is nothing to divide by. Of what
    is open it tells nothing, so it bears no mark of what is stale (N-08).
    """
    owner, day = employee(seller), moment.day(runtime)
    figures = await moment.figures(
        runtime,
        SPENT,
        owner=owner,
        grain_of=lambda held: report.yield_grain(by, held, period, day),
    )
    rows = report.yields(by, figures.cells, figures.organization, period, day)
    currency = runtime.settings.currency
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **rows[key].document(currency)}
            for key in in_order(rows)
        ],
        "by": by,
        **moment.document(),
        "currency": currency,
        **facts_of(figures),
    }


@router.get("/yield/why")
async def explain_yield(
    runtime: Analytics,
    moment: At,
    paged: PagedWhy,
    period: Period,
    by: YieldBy,
    key: str | None = None,
    kind: Literal["opportunity", "touch"] = "opportunity",
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities, or the touches, behind a row of `/analytics/yield`."""
    owner, row = employee(seller), Row(by, key, THEIRS[by], kind)
    async with moment.opened(runtime, owner=owner, row=row) as figures:
        part_of = report.in_yield(by, figures.organization, period, moment.day(runtime))
        told = await explained(figures, key, part_of, owner, paged)
    return {"by": by, **moment.document(), **told}


async def _targets(
    runtime: Runtime, where: dict[str, str], on: date | None, moment: Moment
) -> list[Target]:
    found = await views_at(runtime, targets, moment.known_at, where, _own(moment))
    return [
        target for target in found if not target.withdrawn and (on is None or _covers(target, on))
    ]


def _own(moment: Moment) -> Token | None:
    """Return what the reader wrote last, if it was a target."""
    at_least = moment.at_least
    return at_least if at_least is not None and at_least.stream.startswith("target-") else None


def _but_for_targets(moment: Moment) -> Moment:
    """The measures know nothing of targets: who wrote one does not wait for them to."""
    return replace(moment, at_least=None) if _own(moment) else moment


def _covers(target: Target, day: date) -> bool:
    begin, end = target.period_from, target.period_to
    return begin is not None and end is not None and begin <= day <= end
