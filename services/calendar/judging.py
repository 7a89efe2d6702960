"""Tells a seller when a week that is over had too much work in free time (K-07, K-09).

Of each seller always the last week that is over is looked at, every hour: what is entered late
still counts until the next one is over. Weeks long past are never told, however much of them is
imported. The views are read as they are; what was told once, `decide` does not tell again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, datetime, timedelta, timezone, tzinfo

import structlog

from services.calendar.days import Span
from services.calendar.entry_views import entry_card
from services.calendar.finding import FindOverwork, overwork_of
from services.calendar.imports_api import defaults_of
from services.calendar.improving import own_until
from services.calendar.overwork import WEEK, Overwork, Worked, overworked
from services.calendar.projections import agenda_card, series_card
from services.calendar.reads import agenda_of, zone_of
from services.calendar.time_api import time_told
from services.calendar.workplace_views import PLACES
from services.calendar.workplaces import Workplaces
from shared.firing import Lease
from shared.runtime import Progress, Runtime
from shared.service import Request

NAME = "overwork"
# Who works on Sunday night tells of it on Monday morning.
GRACE = timedelta(hours=12)
EVERY_S, SOON_S, LOOK_S = 3600.0, 60.0, 1.0
FOLDED_S, FOLDED_MAX_S = 1.0, 60.0
# Somewhere it is still, or already, another day than here.
EASTMOST, WESTMOST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
READ = (entry_card, series_card, agenda_card, *PLACES)

log = structlog.get_logger()


def week_over(now: datetime, zone: tzinfo) -> date:
    """Return the Monday of the last week that is over there, and has been for the grace."""
    day = (now.astimezone(zone) - GRACE).date()
    return day - timedelta(days=day.weekday()) - WEEK


async def judge_weeks(runtime: Runtime) -> None:
    """Look every hour while the lease is ours, until cancelled."""
    await runtime.service.ready.wait()
    holder = f"{runtime.settings.instance}/{runtime.clock.new_id()}"
    lease = Lease(NAME, holder, runtime.store, runtime.clock)
    looked_at = float("-inf")
    try:
        while True:
            now = asyncio.get_running_loop().time()
            due = await lease.held() and now - looked_at >= EVERY_S
            if due:
                whole = await judge(runtime, lease.held)
                looked_at = now if whole else now + SOON_S - EVERY_S
            await asyncio.sleep(LOOK_S)
    finally:
        await lease.release()


async def judge(runtime: Runtime, go_on: Callable[[], Awaitable[bool]]) -> bool:
    """Record of each seller whether the last week that is over had too much work in free time.

    Return whether all were judged; nobody is not all.
    """
    if not await _folded(runtime, go_on):
        return False
    places = Workplaces(runtime)
    sellers = {seller async for seller in _at_work(runtime)}
    if not sellers:
        return False  # Nothing is loaded yet, or nobody works here: it costs one question to know.
    for seller in sorted(sellers):
        if not await go_on():
            return False
        try:
            for found in await _found(runtime, places, seller):
                await _record(runtime, found)
        except Exception:  # What one seller's calendar makes it raise must not stop the others.
            log.exception("overwork_not_judged", seller=seller)
    return True


async def _folded(runtime: Runtime, go_on: Callable[[], Awaitable[bool]]) -> bool:
    """Wait until the views know all that was known when we came: who reads less judges wrongly.

    Not for ever: one that has stopped never gets there.
    """
    wanted = {one.name: (await _progress(runtime, one.name)).written for one in READ}
    for name, written in wanted.items():
        if not await _reached(runtime, name, written, go_on):
            return False
    return True


async def _reached(
    runtime: Runtime, name: str, written: int, go_on: Callable[[], Awaitable[bool]]
) -> bool:
    clock = asyncio.get_running_loop()
    deadline = clock.time() + FOLDED_MAX_S
    while (await _progress(runtime, name)).folded < written:
        if clock.time() > deadline or not await go_on():
            log.warning("weeks_not_judged", waiting_for=name)
            return False
        await asyncio.sleep(FOLDED_S)
    return True


async def _progress(runtime: Runtime, name: str) -> Progress:
    runner = runtime.runners[name]
    return await runtime.progress(await runner.collection(), runner.projection.topics)


async def _at_work(runtime: Runtime) -> AsyncIterator[str]:
    """Yield whose week has something that was done, wherever they live; the same more than once."""
    now, a_day = runtime.clock.now(), timedelta(days=1)
    first = week_over(now, WESTMOST) - a_day
    last = week_over(now, EASTMOST) + WEEK + a_day
    where = {"day": {"$gte": first.isoformat(), "$lte": last.isoformat()}}
    async for card in runtime.reader(entry_card).every(where):
        if card.seller is not None and card.ended_at is not None:
            yield card.seller


async def _found(runtime: Runtime, places: Workplaces, seller: str) -> list[Overwork]:
    agenda = await agenda_of(runtime, seller, None)
    zone = zone_of(runtime, agenda)
    monday = week_over(runtime.clock.now(), zone)
    span = Span(monday, monday + WEEK - timedelta(days=1), zone)
    told = await time_told(runtime, places, seller, span, seller, None)
    worked = Worked(seller, None, told, agenda)
    return list(overworked(worked, span, runtime.today, defaults_of(runtime)))


async def _record(runtime: Runtime, found: Overwork) -> None:
    command = FindOverwork(
        seller=found.seller,
        week=found.week,
        minutes=found.minutes,
        most=found.most,
        own_until=own_until(runtime.today, defaults_of(runtime)),
    )
    stream = overwork_of(found.seller)
    told = await runtime.service.handle(
        Request(stream=stream, command=command, actor=f"timer:{NAME}")
    )
    if told.recorded:
        log.info("overwork_found", stream=stream, week=found.week.isoformat())
