"""HTTP for work-life balance (K-07): an inbox of weeks with too much work, until they are seen."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import Response
from pydantic import BaseModel

from services.calendar.agendas import SeeOverwork
from services.calendar.finding import overwork_of
from services.calendar.imports_api import defaults_of
from services.calendar.improving import own_until
from services.calendar.overwork import Overwork, Worked, overworked, own_week, whole_weeks
from services.calendar.overwork_views import overwork_told
from services.calendar.reads import Calendar, agenda_of, span_of
from services.calendar.time_api import time_told
from services.calendar.workplaces import Workplaces, one_of
from shared.command import Day
from shared.own_first import Own
from shared.references import EmployeeStream, UnitStream
from shared.web import AtLeast, CommandMeta, Recorded, StreamId, Viewer, record
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/calendar", tags=["calendar"], route_class=Noticed)
BACK = timedelta(weeks=4)


class OverworkPage(BaseModel):
    """Weeks with too much work of a seller, or of all sellers of a unit; the latest first.

    `withheld_until`: up to that day some of these weeks are told to their sellers alone; longer,
    where they were found later.
    """

    of: str
    first: date
    last: date
    withheld_until: date | None
    items: list[Overwork]


@router.get("/overwork")
async def get_overwork(
    runtime: Calendar,
    viewer: Viewer,
    at_least: AtLeast,
    seller: EmployeeStream | None = None,
    unit: UnitStream | None = None,
    first: Day | None = None,
    last: Day | None = None,
    seen: bool = False,  # noqa: FBT001, FBT002 - a parameter of the address
) -> OverworkPage:
    """What the viewer has not seen yet of the last weeks; with `seen`, that too.

    Weeks of others come some days after these were told of them.
    """
    of = one_of(seller, unit)
    end = last or max(runtime.today, first or runtime.today)
    span = whole_weeks(await span_of(runtime, seller or "", first or end - BACK, end, at_least))
    places = Workplaces(runtime, at_least)
    names = await places.asked_for(seller, unit, span.last)
    told_of = await runtime.reader(overwork_told).many({overwork_of(one) for one in names})
    today, chosen = runtime.today, defaults_of(runtime)
    items = list[Overwork]()
    for one, name in names.items():
        told = await time_told(runtime, places, one, span, viewer, at_least)
        worked = Worked(one, name, told, await agenda_of(runtime, one, at_least))
        items += [
            found
            for found in overworked(worked, span, today, chosen)
            if own_week(one, found.week, told_of.get(overwork_of(one)), chosen).told_to(
                viewer, today
            )
        ]
    until = own_until(span.last, chosen)
    withheld = not Own(seller or "", until).told_to(viewer, today)
    shown = [one for one in items if seen or viewer not in one.seen_by]
    shown.sort(key=lambda one: (-one.week.toordinal(), one.seller))
    return OverworkPage(
        of=of,
        first=span.first,
        last=span.last,
        withheld_until=until if withheld else None,
        items=shown,
    )


@router.post("/agendas/{employee}/see-overwork", status_code=202)
async def see_overwork(
    employee: StreamId,
    command: SeeOverwork,
    runtime: Calendar,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Say that one has seen how much somebody worked in a week: it is told again when it grows."""
    return await record(runtime, f"agenda-{employee}", command, meta, response)
