"""HTTP for the calendar: a POST records, a GET reads one view. Never both."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.calendar.model import Cancel, Done, Plan, Reassign
from services.calendar.projections import EntryCard, entry_card
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    runtime_of,
    seen,
)

router = APIRouter(prefix="/calendar", tags=["calendar"])
Calendar = Annotated[Runtime, Depends(runtime_of("calendar"))]


@router.post("/entries/{entry}/plan", status_code=202)
async def plan(
    entry: StreamId, command: Plan, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"entry-{entry}", command, meta, response)


@router.post("/entries/{entry}/done", status_code=202)
async def done(
    entry: StreamId, command: Done, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(
        runtime, f"entry-{entry}", command, meta, response, occurred_at=command.ended_at
    )


@router.post("/entries/{entry}/cancel", status_code=202)
async def cancel(
    entry: StreamId, command: Cancel, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"entry-{entry}", command, meta, response)


@router.post("/entries/{entry}/reassign", status_code=202)
async def reassign(
    entry: StreamId, command: Reassign, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"entry-{entry}", command, meta, response)


@router.get("/entries/{entry}")
async def get_entry(
    entry: StreamId, runtime: Calendar, at_least: AtLeast, request: Request, response: Response
) -> EntryCard:
    found = await runtime.reader(entry_card).get(f"entry-{entry}", at_least)
    card: EntryCard = seen(found, "entry", request, response)
    return card


@router.get("/entries")
async def list_entries(
    runtime: Calendar,
    wanted: PageWanted,
    at_least: AtLeast,
    seller: str | None = None,
    day: date | None = None,
    person: str | None = None,
    company: str | None = None,
) -> dict[str, Any]:
    where = {
        "seller": seller,
        "day": day.isoformat() if day else None,
        "person": person,
        "company": company,
    }
    return await page(runtime.reader(entry_card), where, wanted, at_least)
