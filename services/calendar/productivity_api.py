"""HTTP for productivity (K-10) of a person, team, division or the company: reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from pydantic import BaseModel

from services.calendar.days import Span
from services.calendar.figures import Told, figures
from services.calendar.imports_api import defaults_of
from services.calendar.productivity import Productivity, productivity
from services.calendar.reads import Calendar, span_of
from services.calendar.result_views import OpportunityResult, opportunity_result
from services.calendar.time_api import time_told
from services.calendar.workplaces import Workplaces, one_of
from shared.command import Day
from shared.reading import Token
from shared.references import EmployeeStream, UnitStream
from shared.runtime import Runtime
from shared.web import AtLeast, Viewer
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/calendar", tags=["calendar"], route_class=Noticed)


class Productive(BaseModel):
    """One seller or unit, and what came of its hours."""

    of: str
    name: str | None
    productivity: Productivity


class ProductivityPage(BaseModel):
    """What came of the hours of a seller or a unit, of the units right under it, and of each."""

    of: str
    first: date
    last: date
    total: Productivity
    units: list[Productive]
    sellers: list[Productive]


@dataclass(slots=True)
class _Known:
    """What is known of sellers on some days, each read once."""

    runtime: Runtime
    span: Span
    at_least: Token | None
    told: dict[str, Told] = field(default_factory=dict)
    results: dict[str, list[OpportunityResult]] = field(default_factory=dict)

    async def read(self, places: Workplaces, sellers: Iterable[str], viewer: str) -> None:
        span = self.span
        between = {"$gte": span.first.isoformat(), "$lte": span.last.isoformat()}
        reader = self.runtime.reader(opportunity_result)
        for seller in sellers:
            where = {"won_by": seller, "won_on": between}
            self.told[seller] = await time_told(
                self.runtime, places, seller, span, viewer, self.at_least
            )
            self.results[seller] = [one async for one in reader.every(where, self.at_least)]

    def of(self, sellers: Iterable[str]) -> Productivity:
        some = [seller for seller in sellers if seller in self.told]
        told, span = [self.told[seller] for seller in some], self.span
        today, chosen = self.runtime.today, defaults_of(self.runtime)
        met = sum(
            card.category == "customer" and card.status == "done"
            for one in told
            for card in one.on(span.first, span.last)
        )
        time = figures(told, span.first, span.last, today, chosen)
        won = [one for seller in some for one in self.results[seller]]
        return productivity(len(some), time, met, won)


@router.get("/productivity")
async def get_productivity(
    runtime: Calendar,
    viewer: Viewer,
    at_least: AtLeast,
    seller: EmployeeStream | None = None,
    unit: UnitStream | None = None,
    first: Day | None = None,
    last: Day | None = None,
) -> ProductivityPage:
    """What was won, beside the hours of work and those with customers; this week."""
    of = one_of(seller, unit)
    span = await span_of(runtime, seller or "", first, last, at_least)
    places = Workplaces(runtime, at_least)
    names = await places.asked_for(seller, unit, span.last)
    known = _Known(runtime, span, at_least)
    await known.read(places, names, viewer)
    under = {} if unit is None else await places.right_under(unit, span.last)
    units = [
        Productive(
            of=one,
            name=name,
            productivity=known.of(await places.sellers_of(one, span.last)),
        )
        for one, name in under.items()
    ]
    return ProductivityPage(
        of=of,
        first=span.first,
        last=span.last,
        total=known.of(names),
        units=units,
        sellers=[
            Productive(of=one, name=names[one], productivity=known.of([one])) for one in names
        ],
    )
