"""HTTP for entries of a calendar: a POST records, a GET reads one view. Never both."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from services.calendar.before import Around, Before
from services.calendar.days import seen_by
from services.calendar.model import (
    Cancel,
    Describe,
    Displace,
    Done,
    Miss,
    Move,
    Plan,
    Reassign,
    Start,
)
from services.calendar.projections import EntryCard, entry_card
from services.calendar.reads import Calendar, entry_seen, take_out
from services.calendar.series import entry_of
from shared.command import Command, Day
from shared.errors import InvalidError
from shared.events.calendar import Activity
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    Meta,
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


@router.post("/entries/{entry}/plan", status_code=202)
async def plan(
    entry: StreamId, command: Plan, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """Put something into a seller's calendar."""
    if command.series is not None and command.occurrence is not None:
        # It is known by its time: by two names it would count twice.
        one = entry_of(command.series, command.occurrence)
        if one != f"entry-{entry}":
            raise InvalidError(f"this time of the series is {one}", field="#/occurrence")
    return await record(runtime, f"entry-{entry}", command, meta, response)


async def _happened(
    runtime: Runtime,
    entry: str,
    command: Command,
    meta: Meta,
    response: Response,
    at: datetime | None = None,
) -> Recorded:
    """Record what happened to an entry, also where it was one time of a series until now."""
    stream = f"entry-{entry}"
    await take_out(runtime, stream, meta)
    return await record(runtime, stream, command, meta, response, occurred_at=at)


@router.post("/entries/{entry}/describe", status_code=202)
async def describe(
    entry: StreamId, command: Describe, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """Tell anew what it is about, in place of all that had been told."""
    return await _happened(runtime, entry, command, meta, response)


@router.post("/entries/{entry}/move", status_code=202)
async def move(
    entry: StreamId, command: Move, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """It takes place at another time."""
    return await _happened(runtime, entry, command, meta, response)


@router.post("/entries/{entry}/start", status_code=202)
async def start(
    entry: StreamId, command: Start, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """It has begun."""
    return await _happened(runtime, entry, command, meta, response, command.started_at)


@router.post("/entries/{entry}/done", status_code=202)
async def done(
    entry: StreamId, command: Done, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """It took place, from then to then."""
    return await _happened(runtime, entry, command, meta, response, command.ended_at)


@router.post("/entries/{entry}/miss", status_code=202)
async def miss(
    entry: StreamId, command: Miss, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """It did not take place, though nobody had cancelled it."""
    return await _happened(runtime, entry, command, meta, response)


@router.post("/entries/{entry}/displace", status_code=202)
async def displace(
    entry: StreamId, command: Displace, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """Something urgent came in its place."""
    return await _happened(runtime, entry, command, meta, response)


@router.post("/entries/{entry}/cancel", status_code=202)
async def cancel(
    entry: StreamId, command: Cancel, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """It does not take place."""
    return await _happened(runtime, entry, command, meta, response)


@router.post("/entries/{entry}/reassign", status_code=202)
async def reassign(
    entry: StreamId, command: Reassign, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """It is another seller's from that day on."""
    return await _happened(runtime, entry, command, meta, response)


@router.get("/entries/{entry}")
async def get_entry(
    entry: StreamId,
    runtime: Calendar,
    viewer: Viewer,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> EntryCard:
    """An entry, or one time of a series; of somebody else's private one only when it is."""
    stream = f"entry-{entry}"
    found = await entry_seen(runtime, stream, at_least)
    if found is None:
        raise HTTPException(404, "no such entry")
    told = found._replace(value=replace(seen_by(found.value, viewer), entry=stream))
    # What is answered depends on who asks, so the tag of one is not that of another.
    response.headers["Vary"] = "X-Actor"
    card: EntryCard = seen(told, "entry", request, response)
    return card


@router.get("/entries/{entry}/before")
async def get_before(
    entry: StreamId, runtime: Calendar, viewer: Viewer, at_least: AtLeast
) -> Before:
    """Before a meeting: its people and company, what is open, what we owe them (K-12)."""
    found = await entry_seen(runtime, f"entry-{entry}", at_least)
    if found is None:
        raise HTTPException(404, "no such entry")
    card = replace(seen_by(found.value, viewer), entry=f"entry-{entry}")
    return await Around(runtime, at_least, runtime.today).before(card)


@router.get("/entries")
async def list_entries(  # noqa: PLR0913, PLR0917 - one for each thing that is asked by
    runtime: Calendar,
    wanted: PageWanted,
    viewer: Viewer,
    at_least: AtLeast,
    seller: EmployeeStream | None = None,
    day: Day | None = None,
    person: str | None = None,
    company: str | None = None,
    series: str | None = None,
    displaced_by: str | None = None,
    activity: Activity | None = None,
) -> dict[str, Any]:
    """Entries by seller, day, person, company, or by the urgent one that came in their place."""
    where = {
        "seller": seller,
        "day": day.isoformat() if day else None,
        "people": person,
        "company": company,
        "series": series,
        "displaced_by": displaced_by,
        "activity": activity,
    }
    found = await page(runtime.reader(entry_card), where, wanted, at_least)
    return found | {"items": [seen_by(card, viewer) for card in found["items"]]}
