"""HTTP for calendars of other programs: files and addresses in, with a reason for what is not.

Read in again, what is new is taken over, and nothing is there twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, StringConstraints

from services.calendar.agendas import NoteFetched
from services.calendar.defaults import CalendarDefaults
from services.calendar.fetching import Limits, fetch
from services.calendar.ics_events import Mirrored
from services.calendar.ics_reading import Refused, read_calendar
from services.calendar.ics_times import Owner
from services.calendar.model import Cancel, EndSeries, Mirror
from services.calendar.projections import entry_card, series_card
from services.calendar.reads import Calendar, agenda_of, zone_of
from shared.command import Command
from shared.events.calendar import Category
from shared.reading import Token
from shared.runtime import Runtime
from shared.service import Accepted, Outcome
from shared.service import Request as CommandRequest
from shared.web import AtLeast, CommandMeta, Meta, StreamId
from shared.web.media import read_only
from shared.web.router import Router

router = Router(prefix="/calendar", tags=["calendar"])
ICS = "text/calendar"
AT_ONCE = 200


class Address(Command):
    """Where a calendar is. It is asked once; what is kept of it is a hash."""

    url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class Imported(BaseModel):
    """What came of a calendar: how much of it is ours now, and what is none of ours, and why.

    `token` reads what was recorded last. `fetched` is false where nothing was new there.
    """

    events: int
    recorded: int
    unchanged: int
    refused: list[Refused]
    fetched: bool = True
    token: str | None = None


def defaults_of(runtime: Runtime) -> CalendarDefaults:
    """Return what this deployment chose."""
    defaults = runtime.domain.defaults
    assert isinstance(defaults, CalendarDefaults)
    return defaults


@router.post(
    "/agendas/{employee}/import.ics",
    status_code=202,
    openapi_extra={"requestBody": {"content": {ICS: {"schema": {"type": "string"}}}}},
)
async def import_file(
    employee: StreamId,
    runtime: Calendar,
    meta: CommandMeta,
    at_least: AtLeast,
    request: Request,
    category: Category = "internal",
) -> Imported:
    """Read the events of an iCalendar file into a seller's calendar."""
    read_only(request, ICS)
    owner = await _owner(runtime, employee, category, at_least)
    return await _import(runtime, await request.body(), owner, meta)


@router.post("/agendas/{employee}/import-url", status_code=202)
async def import_url(
    employee: StreamId,
    address: Address,
    runtime: Calendar,
    meta: CommandMeta,
    at_least: AtLeast,
    category: Category = "internal",
) -> Imported:
    """Read a calendar that is published elsewhere into a seller's, if it is new there."""
    owner = await _owner(runtime, employee, category, at_least)
    url_hash = sha256(address.url.encode()).hexdigest()
    known = {one.url_hash: one.etag for one in owner.agenda.fetched}
    chosen = defaults_of(runtime)
    limits = Limits(chosen.fetch_seconds, chosen.fetch_bytes, chosen.networks)
    content, etag = await fetch(address.url, known.get(url_hash), limits)
    if content is None:
        return Imported(events=0, recorded=0, unchanged=0, refused=[], fetched=False)
    done = await _import(runtime, content, owner, meta)
    if etag is not None and 0 < len(etag) <= 500:  # noqa: PLR2004 - as NoteFetched says
        note = NoteFetched(url_hash=url_hash, etag=etag)
        await _decided(runtime, [(f"agenda-{employee}", note)], meta)
    return done


async def _owner(
    runtime: Runtime, employee: str, category: Category, at_least: Token | None
) -> Owner:
    agenda = await agenda_of(runtime, f"employee-{employee}", at_least)
    return Owner(f"employee-{employee}", zone_of(runtime, agenda), category, agenda)


async def _import(runtime: Runtime, content: bytes, owner: Owner, meta: Meta) -> Imported:
    # Away from the event loop: a large file takes its parser a while.
    found = await asyncio.to_thread(read_calendar, content, owner)
    done = Imported(events=len(found.mirrored), recorded=0, unchanged=0, refused=found.refused)
    for at in range(0, len(found.mirrored), AT_ONCE):
        some = found.mirrored[at : at + AT_ONCE]
        outcomes = await _decided(runtime, [(one.stream, one.command) for one in some], meta)
        for one, outcome in zip(some, outcomes, strict=True):
            _count(done, one, outcome)
        await _decided(runtime, await _replaced(runtime, some), meta)
    return done


def _count(done: Imported, one: Mirrored, outcome: Outcome) -> None:
    if not isinstance(outcome, Accepted):
        done.events -= 1
        done.refused.append(Refused("VEVENT", one.name, str(outcome.error)))
    elif outcome.recorded:
        done.recorded += 1
        done.token = Token(outcome.stream, outcome.version).encode()
    else:
        done.unchanged += 1


async def _replaced(runtime: Runtime, some: Sequence[Mirrored]) -> list[tuple[str, Command]]:
    """What happened once and repeats now, or the other way, is not there as both."""
    found: list[tuple[str, Command]] = []
    for one in some:
        kind, _, name = one.stream.partition("-")
        if kind == "series":
            entry = await runtime.reader(entry_card).get(f"entry-{name}")
            if entry is not None and entry.value.status not in ("cancelled", "done"):
                found.append((f"entry-{name}", Cancel()))
        elif isinstance(one.command, Mirror) and one.command.series is None:
            series = await runtime.reader(series_card).get(f"series-{name}")
            if series is not None and series.value.last_day is None:
                day = one.command.starts_at.date() - timedelta(days=1)
                found.append((f"series-{name}", EndSeries(last_day=day)))
    return found


async def _decided(
    runtime: Runtime, commands: Sequence[tuple[str, Command]], meta: Meta
) -> list[Outcome]:
    requests = [
        CommandRequest(
            stream=stream, command=command, actor=meta.actor, correlation_id=meta.correlation_id
        )
        for stream, command in commands
    ]
    return await runtime.service.handle_many(requests) if requests else []
