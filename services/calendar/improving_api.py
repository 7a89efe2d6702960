"""HTTP for what a seller can improve (K-09): theirs first, reads only."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import BaseModel

from services.calendar.days import Span
from services.calendar.figures import TimeFigures, Told, figures, weeks
from services.calendar.imports_api import defaults_of
from services.calendar.improving import Improvement, Period, improvements, own_until
from services.calendar.reads import Calendar, span_of
from services.calendar.time_api import time_told
from services.calendar.workplaces import Workplaces
from shared.command import Day
from shared.own_first import Own
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import AtLeast, Viewer
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/calendar", tags=["calendar"], route_class=Noticed)


class ImprovementPage(BaseModel):
    """A seller's figures of some days and of as many before, and what is not as wanted.

    `withheld_until`: up to that day what to improve is told to the seller alone.
    """

    seller: str
    first: date
    last: date
    now: TimeFigures
    before: TimeFigures
    withheld_until: date | None
    areas: list[Improvement]


@router.get("/improvement")
async def get_improvement(
    runtime: Calendar,
    viewer: Viewer,
    at_least: AtLeast,
    seller: EmployeeStream,
    first: Day | None = None,
    last: Day | None = None,
) -> ImprovementPage:
    """What is not as wanted, the farthest off first; this week, beside the week before."""
    span = await span_of(runtime, seller, first, last, at_least)
    length = timedelta(days=(span.last - span.first).days + 1)
    earlier = Span(span.first - length, span.first - timedelta(days=1), span.zone)
    places = Workplaces(runtime, at_least)
    now, before = [
        _period(runtime, await time_told(runtime, places, seller, some, viewer, at_least), some)
        for some in (span, earlier)
    ]
    until = own_until(span.last, defaults_of(runtime))
    withheld = not Own(seller, until).told_to(viewer, runtime.today)
    return ImprovementPage(
        seller=seller,
        first=span.first,
        last=span.last,
        now=now.total,
        before=before.total,
        withheld_until=until if withheld else None,
        areas=[] if withheld else improvements(now, before, defaults_of(runtime)),
    )


def _period(runtime: Runtime, told: Told, span: Span) -> Period:
    def count(begin: date, end: date) -> TimeFigures:
        return figures([told], begin, end, runtime.today, defaults_of(runtime))

    return Period(count(span.first, span.last), [count(*week) for week in weeks(span)])
