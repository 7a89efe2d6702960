"""HTTP for commitments, frozen forecasts, targets and deals across divisions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from services.opportunities.lists_api import cut, found_or_404, read_all
from services.opportunities.record.forecasts import (
    ForecastCard,
    FreezeForecast,
    FrozenLine,
    forecast_card,
    roll_up,
)
from services.opportunities.record.lists import SharedDeal, committed, shared_deal
from services.opportunities.record.targets import (
    Attained,
    SetTarget,
    TargetCard,
    WithdrawTarget,
    attainment,
    target_card,
)
from services.opportunities.record.views import OpportunityRecord
from services.opportunities.record_api import take
from shared.command import Day
from shared.errors import InvalidError
from shared.exports import note_columns
from shared.reading import Token
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import AtLeast, PageWanted, StreamId, composed, page, runtime_of, seen
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(tags=["opportunities"], route_class=Noticed)
Opportunities = Annotated[Runtime, Depends(runtime_of("opportunities"))]

take(router, "/forecasts", "forecast", "freeze", FreezeForecast)
take(router, "/targets", "target", "set", SetTarget)
take(router, "/targets", "target", "withdraw", WithdrawTarget)


@router.get("/commitments")
async def list_commitments(
    runtime: Opportunities,
    wanted: PageWanted,
    at_least: AtLeast,
    owner: EmployeeStream | None = None,
    close_from: Day | None = None,
    close_to: Day | None = None,
) -> dict[str, Any]:
    """What sellers stand by now, each for their own open opportunities, with the sums of all."""
    where = {"committed": True, "committed_by": owner}
    views, parked = await read_all(runtime, where, at_least)
    lines = [
        line
        for line in map(committed, views)
        if line is not None
        and (close_from is None or line.close_on >= close_from)
        and (close_to is None or line.close_on <= close_to)
    ]
    note_columns(FrozenLine)
    shown, cursor = cut(lines, wanted, lambda line: ((), line.opportunity), "commitments")
    return {
        "items": shown,
        "rolled": roll_up(tuple(lines)),
        "next_cursor": cursor,
        "parked": parked,
    }


@router.get("/opportunities/cross-division")
async def list_cross_division(
    runtime: Opportunities,
    wanted: PageWanted,
    at_least: AtLeast,
    introduced_by: str | None = None,
    division: str | None = None,
) -> dict[str, Any]:
    """Deals of which several divisions have credit: who introduced them, and what came of it."""
    views, parked = await read_all(runtime, {"shared": True}, at_least)
    items = [
        item
        for item in map(shared_deal, views)
        if introduced_by in (None, item.introduced_by)
        and division in (None, *(share.division for share in item.shares))
    ]
    note_columns(SharedDeal)
    shown, cursor = cut(items, wanted, lambda item: item.rank, "cross-division")
    return {"items": shown, "next_cursor": cursor, "parked": parked}


@router.get("/forecasts/{forecast}")
async def get_forecast(
    forecast: StreamId,
    runtime: Opportunities,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> ForecastCard:
    found = await runtime.reader(forecast_card).get(f"forecast-{forecast}", at_least)
    card: ForecastCard = seen(found, "forecast", request, response)
    return card


@router.get("/forecasts")
async def list_forecasts(
    runtime: Opportunities,
    wanted: PageWanted,
    at_least: AtLeast,
    owner: EmployeeStream | None = None,
    unit: str | None = None,
) -> dict[str, Any]:
    where = {"owner": owner, "unit": unit}
    return await page(runtime.reader(forecast_card), where, wanted, at_least)


@router.get("/targets/{target}")
async def get_target(
    target: StreamId,
    runtime: Opportunities,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> Attained:
    own, others = _whose(at_least)
    reader = runtime.reader(target_card)
    found = found_or_404(await reader.get(f"target-{target}", own), "target")
    attained = await _attained(runtime, found.value, others)
    answer: Attained = composed(found, attained, request, response)
    return answer


@router.get("/targets")
async def list_targets(
    runtime: Opportunities,
    wanted: PageWanted,
    at_least: AtLeast,
    owner: EmployeeStream | None = None,
    unit: str | None = None,
    product: str | None = None,
) -> dict[str, Any]:
    """Targets with what was reached of each; a unit's is told by `/analytics/attainment`."""
    own, others = _whose(at_least)
    where = {"owner": owner, "unit": unit, "product": product}
    found = await page(runtime.reader(target_card), where, wanted, own)
    note_columns(Attained)
    found["items"] = [await _attained(runtime, card, others) for card in found["items"]]
    return found


def _whose(at_least: Token | None) -> tuple[Token | None, Token | None]:
    """Say which of the views is to wait: a target's own, or those of the opportunities."""
    if at_least is not None and at_least.stream.startswith("target-"):
        return at_least, None
    return None, at_least


async def _attained(runtime: Runtime, card: TargetCard, at_least: Token | None) -> Attained:
    """Return a target with what its seller or product has reached, or why that is not told here."""
    if card.unit is not None:
        # Who belongs to a unit is told elsewhere: its figures are added up where that is known.
        return Attained(card, None, "a unit's is told by /analytics/attainment")
    try:
        views = await _concerned(runtime, card, at_least)
    except InvalidError as error:
        return Attained(card, None, str(error))
    return Attained(card, attainment(card, views), None)


async def _concerned(
    runtime: Runtime, card: TargetCard, at_least: Token | None
) -> list[OpportunityRecord]:
    if card.owner is None:
        views, _ = await read_all(runtime, {"product": card.product}, at_least)
        return views
    won, _ = await read_all(runtime, {"won_by": card.owner}, at_least)
    promised, _ = await read_all(runtime, {"committed_by": card.owner}, at_least)
    return [*won, *promised]
