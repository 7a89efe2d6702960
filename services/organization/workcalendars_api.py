"""HTTP for working calendars: a POST records, a GET reads one view. Never both."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from fastapi import Request, Response

from services.organization.holidays import Skipped, read_holidays
from services.organization.model import (
    DeclareHolidays,
    Holiday,
    OpenWorkcalendar,
    SetHours,
    WithdrawHoliday,
)
from services.organization.projections import WorkcalendarCard, workcalendar_card
from services.organization.reads import Organization
from shared.command import Day
from shared.errors import InvalidError, TooLargeError
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    seen,
)
from shared.web.media import read_only
from shared.web.router import Router

ICS = "text/calendar"
FILE_BYTES_MAX = 1_000_000

router = Router(prefix="/organization", tags=["organization"])


@router.post("/workcalendars/{calendar}/open", status_code=202)
async def open_workcalendar(
    calendar: StreamId,
    command: OpenWorkcalendar,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"workcalendar-{calendar}", command, meta, response)


@router.post("/workcalendars/{calendar}/set-hours", status_code=202)
async def set_hours(
    calendar: StreamId,
    command: SetHours,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"workcalendar-{calendar}", command, meta, response)


@router.post("/workcalendars/{calendar}/declare-holidays", status_code=202)
async def declare_holidays(
    calendar: StreamId,
    command: DeclareHolidays,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"workcalendar-{calendar}", command, meta, response)


@router.post("/workcalendars/{calendar}/withdraw-holiday", status_code=202)
async def withdraw_holiday(
    calendar: StreamId,
    command: WithdrawHoliday,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"workcalendar-{calendar}", command, meta, response)


class HolidaysLoaded(Recorded):
    """How many holidays the file tells of the days asked for, and what in it is none."""

    days: int
    skipped: list[Skipped]


@router.post(
    "/workcalendars/{calendar}/holidays.ics",
    status_code=202,
    openapi_extra={"requestBody": {"content": {ICS: {"schema": {"type": "string"}}}}},
)
async def load_holidays(
    calendar: StreamId,
    runtime: Organization,
    meta: CommandMeta,
    request: Request,
    response: Response,
    first: Day | None = None,
    last: Day | None = None,
) -> HolidaysLoaded:
    """Declare the whole days of an iCalendar file, of this year and the next unless told."""
    read_only(request, ICS)
    year = runtime.today.year
    first, last = first or date(year, 1, 1), last or date(year + 1, 12, 31)
    content = await request.body()
    if len(content) > FILE_BYTES_MAX:
        raise TooLargeError(f"a file of holidays may have {FILE_BYTES_MAX} bytes at most")
    # Away from the event loop: a large file takes its parser a while.
    found = await asyncio.to_thread(read_holidays, content, first, last)
    if not found.days:
        why = "; ".join(f"{one.entry}: {one.why}" for one in found.skipped[:3])
        raise InvalidError(f"no holiday between {first} and {last} is in it. {why}".strip())
    days = tuple(Holiday(day=day, name=name) for day, name in sorted(found.days.items()))
    command = DeclareHolidays(holidays=days)
    done = await record(runtime, f"workcalendar-{calendar}", command, meta, response)
    return HolidaysLoaded(**done.model_dump(), days=len(days), skipped=found.skipped)


@router.get("/workcalendars/{calendar}")
async def get_workcalendar(
    calendar: StreamId,
    runtime: Organization,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> WorkcalendarCard:
    found = await runtime.reader(workcalendar_card).get(f"workcalendar-{calendar}", at_least)
    card: WorkcalendarCard = seen(found, "working calendar", request, response)
    return card


@router.get("/workcalendars")
async def list_workcalendars(
    runtime: Organization, wanted: PageWanted, at_least: AtLeast, name: str | None = None
) -> dict[str, Any]:
    return await page(runtime.reader(workcalendar_card), {"name": name}, wanted, at_least)
