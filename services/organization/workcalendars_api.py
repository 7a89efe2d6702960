"""HTTP for working calendars: a POST records, a GET reads one view. Never both."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from services.organization.model import (
    DeclareHolidays,
    OpenWorkcalendar,
    SetHours,
    WithdrawHoliday,
)
from services.organization.projections import WorkcalendarCard, workcalendar_card
from services.organization.reads import Organization
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

router = APIRouter()


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
