"""HTTP for what repeats in a calendar: a POST records, a GET reads one view. Never both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from services.calendar.days import UNTOLD
from services.calendar.model import EndSeries, PlanSeries, Reassign, SkipOccurrence
from services.calendar.projections import SeriesCard, series_card
from services.calendar.reads import Calendar
from shared.events.calendar import Activity
from shared.references import EmployeeStream
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    Viewer,
    page,
    record,
    seen,
)
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/calendar", tags=["calendar"], route_class=Noticed)


@router.post("/series/{series}/plan", status_code=202)
async def plan_series(
    series: StreamId, command: PlanSeries, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """Plan something that repeats, or plan it otherwise from its first time on."""
    return await record(runtime, f"series-{series}", command, meta, response)


@router.post("/series/{series}/skip-occurrence", status_code=202)
async def skip_occurrence(
    series: StreamId,
    command: SkipOccurrence,
    runtime: Calendar,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """One of its times does not take place."""
    return await record(runtime, f"series-{series}", command, meta, response)


@router.post("/series/{series}/end", status_code=202)
async def end_series(
    series: StreamId, command: EndSeries, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """It takes place no more after that day."""
    return await record(runtime, f"series-{series}", command, meta, response)


@router.post("/series/{series}/reassign", status_code=202)
async def reassign_series(
    series: StreamId, command: Reassign, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """Its times from that day on are another seller's."""
    return await record(runtime, f"series-{series}", command, meta, response)


def _seen_by(card: SeriesCard, viewer: str) -> SeriesCard:
    """Of somebody else's private series not even how it repeats is told (K-02)."""
    if card.category != "private" or card.seller == viewer:
        return card
    return SeriesCard(UNTOLD, seller=card.seller, category="private")


@router.get("/series/{series}")
async def get_series(
    series: StreamId,
    runtime: Calendar,
    viewer: Viewer,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> SeriesCard:
    """How something repeats."""
    found = await runtime.reader(series_card).get(f"series-{series}", at_least)
    if found is None:
        raise HTTPException(404, "no such series")
    told = found._replace(value=_seen_by(replace(found.value), viewer))
    response.headers["Vary"] = "X-Actor"
    card: SeriesCard = seen(told, "series", request, response)
    return card


@router.get("/series")
async def list_series(
    runtime: Calendar,
    wanted: PageWanted,
    viewer: Viewer,
    at_least: AtLeast,
    seller: EmployeeStream | None = None,
    person: str | None = None,
    company: str | None = None,
    activity: Activity | None = None,
) -> dict[str, Any]:
    """What repeats, by seller, person, company or what the customer gets out of it (K-13)."""
    where = {"seller": seller, "people": person, "company": company, "activity": activity}
    found = await page(runtime.reader(series_card), where, wanted, at_least)
    return found | {"items": [_seen_by(card, viewer) for card in found["items"]]}
