"""HTTP for forecasts, targets and yield: each figure opens into the facts behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from services.analytics import forecast as report
from services.analytics.api import Analytics, AsOf, Day, Seller, employee, explained
from services.analytics.entities import Opportunity
from services.analytics.figures import Figures, Row, read_entities, read_figures
from services.analytics.forecast import ForecastBy, Span, YieldBy
from services.analytics.measures import Axis
from services.analytics.pipeline import in_order
from services.analytics.projections import Target, frozen_forecasts, targets
from services.analytics.promised import by_outcome, kept
from shared.errors import NotFoundError
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import AtLeast

# The axes whose cells tell what was reached of a target, and what was spent for what.
REACHED: tuple[Axis, ...] = ("owner", "product", "commitment")
SPENT: tuple[Axis, ...] = ("owner", "touch")

router = APIRouter(prefix="/analytics", tags=["analytics"])
Unit = Annotated[str | None, Query(description="who is in this unit or below it: `unit-...`")]


@dataclass(frozen=True, slots=True)
class Asked:
    """About which period somebody asks, and as of the end of which day."""

    span: Span
    as_of: date | None

    def day(self, runtime: Runtime) -> date:
        return self.as_of or runtime.today


def _asked(
    first: Annotated[date | None, Query(alias="from", description="its first day")] = None,
    last: Annotated[date | None, Query(alias="to", description="its last day")] = None,
    as_of: AsOf = None,
) -> Asked:
    return Asked(Span(first, last), as_of)


When = Annotated[Asked, Depends(_asked)]


@router.get("/forecast")
async def forecast(
    runtime: Analytics,
    at_least: AtLeast,
    when: When,
    by: ForecastBy = "seller",
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """What sellers stand by, rolled up (O-06): their own commitments, neither weighed nor guessed.

    `from` and `to` are about the day on which each says that it closes; rows by day, week, month or
    quarter are the roadmap (O-13). Who belongs where is as of `as_of`, or today.
    """
    owner = employee(seller)
    figures = await read_figures(runtime, ("commitment",), owner=owner, at_least=at_least)
    day = when.day(runtime)
    rows = report.forecast(by, figures.cells, figures.organization, day, when.span, unit)
    currency = runtime.settings.currency
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **rows[key].document(currency)}
            for key in in_order(rows)
        ],
        "by": by,
        "as_of": when.as_of,
        "currency": currency,
        **_facts(figures),
    }


@router.get("/forecast/why")
async def explain_forecast(
    runtime: Analytics,
    at_least: AtLeast,
    when: When,
    by: ForecastBy,
    key: str | None = None,
    unit: Unit = None,
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities behind a row of `/analytics/forecast`."""
    owner = employee(seller)
    figures = await read_figures(runtime, (), owner=owner, row=Row(by, key), at_least=at_least)
    part_of = report.in_forecast(by, figures.organization, when.day(runtime), when.span, unit)
    return {"by": by, "as_of": when.as_of, **await explained(figures, key, part_of, owner)}


@router.get("/forecasts/{forecast}")
async def what_became_of_it(
    forecast: str, runtime: Analytics, at_least: AtLeast, as_of: AsOf = None
) -> dict[str, Any]:
    """Each time that this roll-up was frozen: what was won, lost, or slipped of it since (O-06)."""
    told = await runtime.reader(frozen_forecasts).get(f"forecast-{forecast}", at_least)
    if told is None:
        raise NotFoundError("no such forecast")
    day = as_of or runtime.today
    named = {line.opportunity for frozen in told.value.frozen for line in frozen.lines}
    found = await read_entities(runtime, named)
    known = {stream: one for stream, one in found.items() if isinstance(one, Opportunity)}
    lines = [(frozen, kept(frozen, known, day)) for frozen in told.value.frozen]
    return {
        "forecast": told.value.frozen_forecast,
        "owner": told.value.owner,
        "unit": told.value.unit,
        "as_of": as_of,
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
    runtime: Analytics,
    at_least: AtLeast,
    owner: str | None = None,
    unit: str | None = None,
    product: str | None = None,
    on: Day = None,
    as_of: AsOf = None,
) -> dict[str, Any]:
    """Targets, and how far each is reached by what was won and committed (O-07, O-13).

    With `on`, those whose period that day is in. A unit's target counts everybody who was in it, or
    below it, when they won; what is committed, who is in it on the day asked about.
    """
    where = {"owner": employee(owner), "unit": unit, "product": product}
    wanted = await _targets(runtime, {name: v for name, v in where.items() if v}, on, at_least)
    figures = await read_figures(runtime, REACHED, at_least=_not_a_target(at_least))
    day = as_of or runtime.today
    return {
        "rows": [
            {
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
                **_document(report.attained(target, figures.cells, figures.organization, day)),
            }
            for target in wanted
        ],
        "as_of": as_of,
        **_facts(figures),
    }


@router.get("/attainment/why")
async def explain_attainment(
    runtime: Analytics, at_least: AtLeast, target: str, as_of: AsOf = None
) -> dict[str, Any]:
    """The opportunities behind what was won, and is committed, for one target."""
    found = await runtime.reader(targets).get(target, at_least)
    if found is None:
        raise NotFoundError("no such target")
    row = Row("product" if found.value.product else "target", found.value.product)
    figures = await read_figures(runtime, (), row=row, owner=found.value.owner)
    figures.keys.add(target)
    part_of = report.in_target(found.value, figures.organization, as_of or runtime.today)
    return {"as_of": as_of, **await explained(figures, target, part_of, None)}


@router.get("/yield")
async def yields(
    runtime: Analytics,
    at_least: AtLeast,
    when: When,
    by: YieldBy = "seller",
    seller: Seller = None,
) -> dict[str, Any]:
    """What the touches of a period were spent for, and what was won in it (O-13).

    `value_per_touch` and `touches_per_won` are null where there is nothing to divide by.
    """
    owner = employee(seller)
    figures = await read_figures(runtime, SPENT, owner=owner, at_least=at_least)
    day = when.day(runtime)
    rows = report.yields(by, figures.cells, figures.organization, when.span, day)
    currency = runtime.settings.currency
    return {
        "rows": [
            {"id": key, "key": figures.name(key), **rows[key].document(currency)}
            for key in in_order(rows)
        ],
        "by": by,
        "as_of": when.as_of,
        "currency": currency,
        **_facts(figures),
    }


@router.get("/yield/why")
async def explain_yield(
    runtime: Analytics,
    at_least: AtLeast,
    when: When,
    by: YieldBy,
    key: str | None = None,
    kind: Literal["opportunity", "touch"] = "opportunity",
    seller: Seller = None,
) -> dict[str, Any]:
    """The opportunities, or the touches, behind a row of `/analytics/yield`."""
    owner, row = employee(seller), Row(by, key, kind)
    figures = await read_figures(runtime, (), owner=owner, row=row, at_least=at_least)
    part_of = report.in_yield(by, figures.organization, when.span, when.day(runtime))
    return {"by": by, **await explained(figures, key, part_of, owner)}


async def _targets(
    runtime: Runtime, where: dict[str, str], on: date | None, at_least: Token | None
) -> list[Target]:
    own = at_least if at_least and at_least.stream.startswith("target-") else None
    return [
        target
        async for target in runtime.reader(targets).every(where, own)
        if not target.withdrawn and (on is None or _covers(target, on))
    ]


def _covers(target: Target, day: date) -> bool:
    begin, end = target.period_from, target.period_to
    return begin is not None and end is not None and begin <= day <= end


def _not_a_target(at_least: Token | None) -> Token | None:
    return None if at_least is None or at_least.stream.startswith("target-") else at_least


def _document(attained: report.Attained) -> dict[str, Any]:
    return {
        "won": attained.won,
        "committed": attained.committed,
        "percent": attained.percent,
        "gap": attained.gap,
    }


def _facts(figures: Figures) -> dict[str, Any]:
    return {"positions": figures.positions, "parked_facts": figures.parked}
