"""HTTP for a seller's calendar as a whole: what stands on which days, when they are busy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from fastapi import Response
from pydantic import BaseModel

from services.calendar.agendas import RegisterKey, SetZone
from services.calendar.days import busy_times, shown
from services.calendar.entry_views import EntryCard
from services.calendar.projections import AgendaCard
from services.calendar.reads import Calendar, agenda_of, span_of, stands
from services.calendar.sealing import sealed_to
from shared.command import Day
from shared.web import AtLeast, CommandMeta, Recorded, StreamId, Viewer, record
from shared.web.looking import Noticed
from shared.web.router import Router

router = Router(prefix="/calendar", tags=["calendar"], route_class=Noticed)


class AgendaPage(BaseModel):
    """What stands in a seller's calendar on some days of their zone (K-01)."""

    seller: str
    zone: str
    first: date
    last: date
    items: list[EntryCard]


class Busy(BaseModel):
    """From when to when somebody is busy; nothing tells what with."""

    begin: datetime
    end: datetime


class FreeBusy(BaseModel):
    """When a seller is busy on some days of their zone."""

    seller: str
    zone: str
    first: date
    last: date
    busy: list[Busy]


@router.post("/agendas/{employee}/set-zone", status_code=202)
async def set_zone(
    employee: StreamId, command: SetZone, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """Say in which zone a seller's days and evenings are reckoned."""
    return await record(runtime, f"agenda-{employee}", command, meta, response)


@router.post("/agendas/{employee}/register-key", status_code=202)
async def register_key(
    employee: StreamId,
    command: RegisterKey,
    runtime: Calendar,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """From now on a seller's private entries are sealed to this public key."""
    sealed_to(command.public_key, b"")  # Refuses a key to which nothing can be sealed.
    return await record(runtime, f"agenda-{employee}", command, meta, response)


@router.get("/agendas/{employee}/settings")
async def get_settings(
    employee: StreamId, runtime: Calendar, viewer: Viewer, at_least: AtLeast
) -> AgendaCard:
    """Zone, public keys and open feeds of a seller; of weeks with too much work those one saw."""
    seller = f"employee-{employee}"
    card = await agenda_of(runtime, seller, at_least)
    if viewer == seller:
        return card
    return replace(card, seen=tuple(seen for seen in card.seen if seen.by == viewer))


@router.get("/agendas/{employee}")
async def get_agenda(
    employee: StreamId,
    runtime: Calendar,
    viewer: Viewer,
    at_least: AtLeast,
    first: Day | None = None,
    last: Day | None = None,
) -> AgendaPage:
    """All that stands in a seller's calendar on these days, or this week."""
    seller = f"employee-{employee}"
    span = await span_of(runtime, seller, first, last, at_least)
    found = await stands(runtime, seller, span, at_least)
    return AgendaPage(
        seller=seller,
        zone=span.zone.key,
        first=span.first,
        last=span.last,
        items=shown(found, viewer),
    )


@router.get("/agendas/{employee}/free-busy")
async def get_free_busy(
    employee: StreamId,
    runtime: Calendar,
    at_least: AtLeast,
    first: Day | None = None,
    last: Day | None = None,
) -> FreeBusy:
    """When a seller is busy, and nothing else: not what with, with whom, or how it repeats."""
    seller = f"employee-{employee}"
    span = await span_of(runtime, seller, first, last, at_least)
    found = await stands(runtime, seller, span, at_least)
    busy = [Busy(begin=begin, end=end) for begin, end in busy_times(found, span)]
    return FreeBusy(seller=seller, zone=span.zone.key, first=span.first, last=span.last, busy=busy)
