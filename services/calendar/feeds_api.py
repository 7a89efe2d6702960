"""HTTP for reading a calendar along in another program (K-11): by an address that is a secret.

Such programs send no headers, so the address says it all. Of its token we keep a hash; who revokes
the feed ends it at once.
"""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from hashlib import sha256
from typing import Annotated

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from services.calendar.about import Text
from services.calendar.agenda_views import FeedAccess, access_key, feed_access
from services.calendar.days import Held, Span, together
from services.calendar.ics_writing import busy_events, free_busy, written
from services.calendar.model import OpenFeed, RevokeFeed
from services.calendar.reads import Calendar, agenda_of, held_by, span_of, zone_of
from shared.command import Day
from shared.events.calendar import FeedScope
from shared.reading import Token
from shared.references import ID
from shared.runtime import Runtime
from shared.web import AtLeast, CommandMeta, Recorded, StreamId, record
from shared.web.described import text_answer
from shared.web.router import LenientRoute, Router

router = Router(prefix="/calendar", tags=["calendar"], route_class=LenientRoute)
ICS = "text/calendar; charset=utf-8"
TOKEN_BYTES = 32
BACK, AHEAD = timedelta(days=31), timedelta(days=365)
# Whatever its reader is called: no stream, `feed-` before it is part of its name.
FeedName = Annotated[str, Path(pattern=f"^{ID}$")]
FeedToken = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{43}$")]
# A secret address is not to be kept by what lies between, nor found, nor handed on.
SECRET = {
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


class Wanted(BaseModel):
    """How much a feed shows, and where it is read, for who looks at the list later."""

    model_config = ConfigDict(extra="forbid")
    scope: FeedScope = "details"
    name: Text | None = None


class FeedOpened(Recorded):
    """The address is told once: nobody, not even we, can tell it again."""

    path: str
    # The same calendar for programs that read it by CalDAV.
    caldav: str


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


@router.post("/agendas/{employee}/feeds/{feed}/open", status_code=202)
async def open_feed(
    employee: StreamId,
    feed: FeedName,
    wanted: Wanted,
    runtime: Calendar,
    meta: CommandMeta,
    response: Response,
) -> FeedOpened:
    """Open an address at which another program reads a seller's calendar."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    command = OpenFeed(
        feed=feed,
        seller=f"employee-{employee}",
        token_hash=_hash(token),
        scope=wanted.scope,
        name=wanted.name,
    )
    done = await record(runtime, f"agenda-{employee}", command, meta, response)
    return FeedOpened(
        **done.model_dump(),
        path=f"/calendar/feeds/{employee}/{token}.ics",
        caldav=f"/calendar/dav/{employee}/{token}/",
    )


@router.post("/agendas/{employee}/feeds/{feed}/revoke", status_code=202)
async def revoke_feed(
    employee: StreamId, feed: FeedName, runtime: Calendar, meta: CommandMeta, response: Response
) -> Recorded:
    """Who has the address reads along no more."""
    return await record(runtime, f"agenda-{employee}", RevokeFeed(feed=feed), meta, response)


@router.get(
    "/feeds/{employee}/{token}.ics",
    response_class=Response,
    responses=text_answer("text/calendar"),
)
async def read_feed(
    employee: StreamId, token: FeedToken, runtime: Calendar, at_least: AtLeast, request: Request
) -> Response:
    """The calendar as other programs read it; of a feed that shows only busy times, those."""
    access = await access_of(runtime, employee, token, at_least)
    seller, scope = access.seller or "", access.scope
    held, span, today = await _standing(runtime, seller)
    standing = together(held.entries, held.series, held.taken_out, span)
    if scope == "busy":
        return _answer(free_busy(seller, standing, span, today), request)
    return _answer(written(seller, held, standing, span, today), request)


async def access_of(
    runtime: Runtime, employee: str, token: str, at_least: Token | None
) -> FeedAccess:
    """Return what whoever holds a token may read."""
    key = access_key(f"agenda-{employee}", _hash(token))
    found = await runtime.reader(feed_access).get(key, at_least)
    if found is None or found.value.seller is None:
        raise HTTPException(404, "no such feed")
    access: FeedAccess = found.value
    return access


async def events_of(runtime: Runtime, access: FeedAccess) -> bytes:
    """Return what a feed may show as events, also where it shows only when somebody is busy."""
    seller = access.seller or ""
    held, span, today = await _standing(runtime, seller)
    standing = together(held.entries, held.series, held.taken_out, span)
    if access.scope == "busy":
        return busy_events(seller, standing, span, today)
    return written(seller, held, standing, span, today)


async def _standing(runtime: Runtime, seller: str) -> tuple[Held, Span, date]:
    zone = zone_of(runtime, await agenda_of(runtime, seller, None))
    today = runtime.clock.now().astimezone(zone).date()
    span = Span(today - BACK, today + AHEAD, zone)
    return await held_by(runtime, seller, span, None), span, today


@router.get(
    "/agendas/{employee}/free-busy.ics",
    response_class=Response,
    responses=text_answer("text/calendar"),
)
async def read_free_busy(
    employee: StreamId,
    runtime: Calendar,
    at_least: AtLeast,
    request: Request,
    first: Day | None = None,
    last: Day | None = None,
) -> Response:
    """When a seller is busy, as VFREEBUSY."""
    seller = f"employee-{employee}"
    span = await span_of(runtime, seller, first, last, at_least)
    held = await held_by(runtime, seller, span, at_least)
    standing = together(held.entries, held.series, held.taken_out, span)
    return _answer(free_busy(seller, standing, span, runtime.today), request)


def _answer(content: bytes, request: Request) -> Response:
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, **SECRET}
    told = request.headers.get("if-none-match", "").split(",")
    known = [tag.strip().removeprefix("W/") for tag in told]
    if etag in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=ICS, headers=headers)
