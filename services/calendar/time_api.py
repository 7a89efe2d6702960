"""HTTP for where the time went (K-03 to K-10) and for customers' rhythms (K-13): reads only.

The same figures for the seller and for whoever leads them, at the same moment (K-09).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel

from services.calendar.days import Span
from services.calendar.defaults import CalendarDefaults
from services.calendar.figures import TimeFigures, Told, figures, weeks
from services.calendar.imports_api import defaults_of
from services.calendar.reads import Calendar, agenda_of, span_of, stands, zone_of
from services.calendar.rhythms import Rhythm, rhythm_of
from services.calendar.series_views import series_card
from services.calendar.workplaces import Workplaces, one_of
from shared.command import Day
from shared.events.calendar import Activity
from shared.exports import note_columns
from shared.reading import Token
from shared.references import EmployeeStream, UnitStream
from shared.runtime import Runtime
from shared.web import AtLeast, PageWanted, Viewer, page
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/calendar", tags=["calendar"], route_class=Noticed)


class SellerTime(BaseModel):
    """The figures of one seller of a unit."""

    seller: str
    name: str | None
    figures: TimeFigures


class TimePage(BaseModel):
    """Where the time of a seller, or of all sellers of a unit, went; week by week, too."""

    of: str
    first: date
    last: date
    total: TimeFigures
    weeks: list[TimeFigures]
    sellers: list[SellerTime]


@router.get("/time")
async def get_time(
    runtime: Calendar,
    viewer: Viewer,
    at_least: AtLeast,
    seller: EmployeeStream | None = None,
    unit: UnitStream | None = None,
    first: Day | None = None,
    last: Day | None = None,
) -> TimePage:
    """Minutes by category, plan against actual, punctuality, work in free time; this week."""
    of = one_of(seller, unit)
    span = await span_of(runtime, seller or "", first, last, at_least)
    places = Workplaces(runtime, at_least)
    names = await places.asked_for(seller, unit, span.last)
    told = {name: await time_told(runtime, places, name, span, viewer, at_least) for name in names}
    chosen, today = defaults_of(runtime), runtime.today

    def count(some: list[Told], begin: date, end: date) -> TimeFigures:
        return figures(some, begin, end, today, chosen)

    everybody = list(told.values())
    return TimePage(
        of=of,
        first=span.first,
        last=span.last,
        total=count(everybody, span.first, span.last),
        weeks=[count(everybody, begin, end) for begin, end in weeks(span)],
        sellers=[
            SellerTime(seller=name, name=names[name], figures=count([one], span.first, span.last))
            for name, one in told.items()
        ],
    )


async def time_told(
    runtime: Runtime,
    places: Workplaces,
    seller: str,
    span: Span,
    viewer: str,
    at_least: Token | None,
) -> Told:
    """Return a seller's entries of some days as the viewer may count them, and the workplace."""
    chosen: CalendarDefaults = defaults_of(runtime)
    zone = zone_of(runtime, await agenda_of(runtime, seller, at_least))
    cards = await stands(runtime, seller, replace(span, zone=zone), at_least)
    # How much time is private is the seller's own business.
    own = [card for card in cards if card.category != "private" or card.seller == viewer]
    return Told(own, await places.of(seller, zone, chosen))


@router.get("/rhythms")
async def list_rhythms(
    runtime: Calendar,
    wanted: PageWanted,
    at_least: AtLeast,
    company: str | None = None,
    seller: EmployeeStream | None = None,
    activity: Activity = "rhythm",
) -> dict[str, Any]:
    """Regular meetings with customers: when the next is, when the last was, how many fell out."""
    where = {"company": company, "seller": seller, "activity": activity}
    found = await page(runtime.reader(series_card), where, wanted, at_least)
    note_columns(Rhythm)
    today = runtime.today
    items = []
    for card in found["items"]:
        if card.seller is None:
            continue
        span = Span(today - timedelta(days=200), today + timedelta(days=190), runtime.settings.zone)
        # Whoever had it before met this customer too.
        cards = [
            one for owner in card.owners for one in await stands(runtime, owner, span, at_least)
        ]
        items.append(rhythm_of(card, cards, runtime.clock.now()))
    return found | {"items": items}
