"""Reads what a question about the calendar needs: entries, and the times of what repeats."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends

from services.calendar.days import BEFORE, Held, Span, together
from services.calendar.entries import Plan
from services.calendar.entry_state import EntryAlreadyPlannedError
from services.calendar.projections import (
    AgendaCard,
    EntryCard,
    SeriesCard,
    agenda_card,
    entry_card,
    series_card,
)
from services.calendar.series import entry_of, told_of
from shared.reading import Seen, Token
from shared.runtime import Runtime
from shared.service import Request as CommandRequest
from shared.web import Meta, runtime_of

Calendar = Annotated[Runtime, Depends(runtime_of("calendar"))]
# An entry that is one time of a series has the series in its name, and when it is.
ONE_TIME = re.compile(r"(?P<series>.{1,200})\.(?P<at>[0-9]{8}T[0-9]{6}Z)")
STAMP = "%Y%m%dT%H%M%SZ"
IN_MAX = 200


async def agenda_of(runtime: Runtime, seller: str, at_least: Token | None) -> AgendaCard:
    """Return a seller's own calendar; one who said nothing yet has an empty one."""
    agenda = f"agenda-{seller.partition('-')[2]}"
    found = await runtime.reader(agenda_card).get(agenda, at_least)
    return AgendaCard(agenda) if found is None else found.value


def zone_of(runtime: Runtime, agenda: AgendaCard) -> ZoneInfo:
    return ZoneInfo(agenda.zone) if agenda.zone is not None else runtime.settings.zone


async def span_of(
    runtime: Runtime, seller: str, first: date | None, last: date | None, at_least: Token | None
) -> Span:
    """Return the days asked for in the seller's zone, or this week."""
    zone = zone_of(runtime, await agenda_of(runtime, seller, at_least))
    today = runtime.clock.now().astimezone(zone).date()
    if first is None:
        first = today - timedelta(days=today.weekday()) if last is None else last
    return Span(first, last or first + timedelta(days=6), zone)


async def stands(
    runtime: Runtime, seller: str, span: Span, at_least: Token | None
) -> list[EntryCard]:
    """Return all that stands in a seller's calendar on these days, in order."""
    held = await held_by(runtime, seller, span, at_least)
    return together(held.entries, held.series, held.taken_out, span)


async def held_by(runtime: Runtime, seller: str, span: Span, at_least: Token | None) -> Held:
    """Return what a seller's calendar on these days is made of."""
    between = _days(span.first - BEFORE, span.last + timedelta(days=1))
    entries = await _all(runtime, {"seller": seller, "day": between}, at_least)
    reader = runtime.reader(series_card)
    every = [one async for one in reader.every({"owners": seller}, at_least)]
    series = [part for one in every for part in one.parts(seller)]
    return Held(entries, series, await _taken_out(runtime, series, span, at_least))


def _days(first: date, last: date) -> dict[str, str]:
    return {"$gte": first.isoformat(), "$lte": last.isoformat()}


async def _taken_out(
    runtime: Runtime, series: Sequence[SeriesCard], span: Span, at_least: Token | None
) -> list[EntryCard]:
    """Return the entries that take the place of a time of these series."""
    between = _days(span.first - BEFORE, span.last + timedelta(days=3))
    names, found = sorted({one.series for one in series}), list[EntryCard]()
    for at in range(0, len(names), IN_MAX):
        some = {"series": {"$in": names[at : at + IN_MAX]}, "occurrence": between}
        found += await _all(runtime, some, at_least)
    return found


async def _all(
    runtime: Runtime, where: dict[str, object], at_least: Token | None
) -> list[EntryCard]:
    return [one async for one in runtime.reader(entry_card).every(where, at_least)]


async def entry_seen(runtime: Runtime, entry: str, at_least: Token | None) -> Seen | None:
    """Return an entry, also one to which nothing has happened yet but that its series has it."""
    found = await runtime.reader(entry_card).get(entry, at_least)
    if found is not None:
        return found
    told = await _series_time(runtime, entry, at_least)
    if told is None:
        return None
    seen, begin = told
    card: SeriesCard = seen.value
    series = card.part_at(begin.astimezone(ZoneInfo(card.zone or "UTC")).date())
    for start, end in series.times(begin.date() - timedelta(1), begin.date() + timedelta(1)):
        if start == begin:
            return seen._replace(value=series.entry(start, end), version=0)
    return None


async def _series_time(
    runtime: Runtime, entry: str, at_least: Token | None
) -> tuple[Seen, datetime] | None:
    named = ONE_TIME.fullmatch(entry.partition("-")[2])
    if named is None:
        return None
    try:
        begin = datetime.strptime(named["at"], STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    stream = f"series-{named['series']}"
    found = await runtime.reader(series_card).get(stream, at_least)
    return None if found is None or entry_of(stream, begin) != entry else (found, begin)


async def take_out(runtime: Runtime, entry: str, meta: Meta) -> None:
    """Give one time of a series a stream of its own, before something happens to it.

    Of the series as it is recorded, whether or not its view knows that yet.
    """
    named = ONE_TIME.fullmatch(entry.partition("-")[2])
    if named is None:
        return
    series = f"series-{named['series']}"
    version = await runtime.journal.reached(runtime.store, series)
    seen = await entry_seen(runtime, entry, Token(series, version) if version else None)
    if seen is None or seen.version != 0:
        return
    card: EntryCard = seen.value
    plan = Plan.model_validate(
        {
            **told_of(card),
            "starts_at": card.starts_at,
            "ends_at": card.ends_at,
            "series": card.series,
            "occurrence": card.occurrence,
        }
    )
    request = CommandRequest(
        stream=entry,
        command=plan,
        actor=meta.actor,
        id=f"one time of {card.series}/{entry}",
        correlation_id=meta.correlation_id,
    )
    try:
        await runtime.service.handle(request)
    except EntryAlreadyPlannedError:
        return  # Somebody else was first: it has its stream.


def entry_owners(
    runtime: Callable[[], Runtime],
) -> Callable[[str], Awaitable[frozenset[str] | None]]:
    """Return what names whose an entry is, also of one that is a time of a series as yet."""

    async def owners(entry: str) -> frozenset[str] | None:
        seen = await entry_seen(runtime(), entry, None)
        if seen is None:
            return None
        card: EntryCard = seen.value
        return frozenset() if card.seller is None else frozenset({card.seller})

    return owners
