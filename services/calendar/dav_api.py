"""CalDAV for calendar programs that read along by it (K-11): the same secret address, read only."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Header, Request, Response
from starlette.exceptions import HTTPException

from services.calendar.dav import (
    Asked,
    collection,
    member,
    multistatus,
    objects_of,
    read_asked,
    tag,
)
from services.calendar.feeds_api import ICS, SECRET, FeedToken, access_of, events_of
from services.calendar.reads import Calendar
from shared.web import AtLeast, StreamId
from shared.web.router import LenientRoute, Router

router = Router(prefix="/calendar", tags=["calendar"], route_class=LenientRoute)
XML = "application/xml; charset=utf-8"
MULTI_STATUS = 207
HEADERS = {**SECRET, "DAV": "1, calendar-access"}
HERE = "/dav/{employee}/{token}/"
Depth = Annotated[str, Header(pattern="^(0|1|infinity)$")]


@router.api_route(HERE, methods=["OPTIONS"], include_in_schema=False)
async def options(employee: StreamId, token: FeedToken) -> Response:
    """What can be asked here; nothing that writes."""
    return Response(headers={**HEADERS, "Allow": "OPTIONS, GET, PROPFIND, REPORT"})


@router.api_route(HERE, methods=["PROPFIND"], include_in_schema=False)
async def find(
    employee: StreamId,
    token: FeedToken,
    runtime: Calendar,
    at_least: AtLeast,
    request: Request,
    depth: Depth = "1",
) -> Response:
    """The calendar, and with a depth what is in it."""
    asked = read_asked(await request.body())
    access = await access_of(runtime, employee, token, at_least)
    objects = objects_of(await events_of(runtime, access))
    here = request.url.path
    found = [(here, collection(here, access.seller or "", objects))]
    if depth != "0":
        found += [(here + name, member(content)) for name, content in objects.items()]
    return Response(multistatus(found, asked), MULTI_STATUS, HEADERS, XML)


@router.api_route(HERE, methods=["REPORT"], include_in_schema=False)
async def report(
    employee: StreamId, token: FeedToken, runtime: Calendar, at_least: AtLeast, request: Request
) -> Response:
    """The objects asked for by name, or those of some time."""
    asked = read_asked(await request.body())
    access = await access_of(runtime, employee, token, at_least)
    written, here = await events_of(runtime, access), request.url.path
    if asked.what == "calendar-query":
        objects = objects_of(written, asked)
        found = [(here + name, member(content)) for name, content in objects.items()]
        return Response(multistatus(found, asked), MULTI_STATUS, HEADERS, XML)
    if asked.what != "calendar-multiget":
        raise HTTPException(403, "only calendar-query and calendar-multiget")
    return Response(_named(asked, objects_of(written)), MULTI_STATUS, HEADERS, XML)


def _named(asked: Asked, objects: dict[str, bytes]) -> bytes:
    found = []
    for href in asked.hrefs:
        content = objects.get(unquote(href).rpartition("/")[2])
        found.append((href, None if content is None else member(content)))
    return multistatus(found, asked)


@router.get(HERE + "{name}", include_in_schema=False)
async def read(
    employee: StreamId, token: FeedToken, name: str, runtime: Calendar, at_least: AtLeast
) -> Response:
    """One object."""
    access = await access_of(runtime, employee, token, at_least)
    content = objects_of(await events_of(runtime, access)).get(name)
    if content is None:
        raise HTTPException(404, "no such entry")
    return Response(content, headers={**HEADERS, "ETag": f'"{tag(content)}"'}, media_type=ICS)
