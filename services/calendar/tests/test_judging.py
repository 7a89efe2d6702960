"""A week with too much work is told to the seller once, when it is over (K-07)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.calendar import judging
from services.calendar.agenda_views import AgendaCard
from services.calendar.defaults import CalendarDefaults
from services.calendar.finding import FindOverwork
from services.calendar.judging import judge, week_over
from services.calendar.main import build, domain
from services.calendar.reads import agenda_of
from shared.errors import UnavailableError
from shared.events import Envelope, encode
from shared.events.calendar import (
    AgendaZoneSet,
    EntryDone,
    EntryPlanned,
    OverworkFound,
)
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeJoined,
    UnitCalendarAssigned,
    UnitFormed,
    WorkcalendarHoursSet,
)
from shared.log import Log
from shared.memory import MemoryLog, MemoryStore
from shared.reading import Token
from shared.runtime import Runtime
from shared.settings import Settings
from shared.testing import given, recorded
from shared.tests.tiny import running as started

SEOUL, HONOLULU = ZoneInfo("Asia/Seoul"), ZoneInfo("Pacific/Honolulu")
MONDAY = date(2026, 1, 5)
NEXT = MONDAY + timedelta(days=7)
CHOSEN = CalendarDefaults(outside_minutes_week=60, own_first_days=7)
FOUND = OverworkFound(
    seller="employee-1", week=MONDAY, minutes=120, most=60, own_until=NEXT + timedelta(days=8)
)


class Stopped:
    """A clock that stands until it is set."""

    def __init__(self, now: datetime) -> None:
        self.at, self._ids = now, 0

    def now(self) -> datetime:
        return self.at

    def new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-7000-8000-{self._ids:012}"


def at(day: date, hour: int, zone: ZoneInfo = SEOUL) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone)


def evening(
    n: int, day: date, hours: int, *, seller: str = "employee-1", zone: ZoneInfo = SEOUL
) -> list[Envelope]:
    begin = at(day, 19, zone)
    end = begin + timedelta(hours=hours)
    planned = EntryPlanned(seller=seller, category="reporting", starts_at=begin, ends_at=end)
    done = EntryDone(started_at=begin, ended_at=end)
    return recorded(planned, done, stream=f"entry-{n}", occurred_at=begin.astimezone(UTC))


async def tell(log: Log, facts: list[Envelope]) -> None:
    for fact in facts:
        await log.append(fact.data.topic, fact.stream, encode(fact))


def running(log: MemoryLog, clock: Stopped) -> AbstractAsyncContextManager[Runtime]:
    return started(Runtime(build(CHOSEN), MemoryStore(), log, clock, Settings()))


async def always() -> bool:
    return True


async def found_of(runtime: Runtime, overwork: str) -> list[Any]:
    facts = await runtime.journal.histories(runtime.store, [overwork])
    told = facts.get(overwork, [])
    return [fact.data for fact in told]


def test_k_07_a_week_is_looked_at_when_it_is_over_where_the_seller_lives() -> None:
    sunday_night = at(NEXT - timedelta(days=1), 23)
    assert week_over(sunday_night, SEOUL) == MONDAY - timedelta(days=7)
    assert week_over(at(NEXT, 11), SEOUL) == MONDAY - timedelta(days=7)
    assert week_over(at(NEXT, 12), SEOUL) == MONDAY
    # At that moment it is Sunday evening there.
    assert week_over(at(NEXT, 12), HONOLULU) == MONDAY - timedelta(days=7)
    assert week_over(at(NEXT + timedelta(days=7), 11), SEOUL) == MONDAY


def test_k_07_a_week_is_told_once_however_much_it_grows() -> None:
    decider = domain.deciders["overwork"]
    find = FindOverwork(**FOUND.model_dump())
    given(decider).when(find).then(FOUND)
    given(decider, FOUND).when(find).then_nothing()
    given(decider, FOUND).when(find.model_copy(update={"minutes": 500})).then_nothing()
    other = find.model_copy(update={"week": NEXT})
    given(decider, FOUND).when(other).then(FOUND.model_copy(update={"week": NEXT}))
    assert not decider.commands


async def test_k_07_it_is_told_of_a_week_that_is_over_and_of_nobody_else() -> None:
    log, clock = MemoryLog(2), Stopped(at(NEXT, 11))
    async with running(log, clock) as runtime:
        await tell(log, evening(1, MONDAY, 2))
        await tell(log, evening(2, MONDAY, 1, seller="employee-2"))
        await judge(runtime, always)
        assert await found_of(runtime, "overwork-1") == []
        clock.at = at(NEXT + timedelta(days=1), 9)
        await judge(runtime, always)
        assert await found_of(runtime, "overwork-1") == [FOUND]
        assert await found_of(runtime, "overwork-2") == []
        # What is entered late makes it no second time, nor does a restart: nothing is remembered.
        await tell(log, evening(3, MONDAY + timedelta(days=1), 3))
        await judge(runtime, always)
        assert await found_of(runtime, "overwork-1") == [FOUND]
    async with running(log, clock) as again:
        await judge(again, always)
        assert await found_of(again, "overwork-1") == [FOUND]


async def test_k_07_what_is_entered_late_counts_until_the_next_week_is_over() -> None:
    log, clock = MemoryLog(2), Stopped(at(NEXT, 13))
    async with running(log, clock) as runtime:
        await judge(runtime, always)
        await tell(log, [*evening(1, MONDAY, 2), *evening(2, MONDAY - timedelta(days=7), 9)])
        await judge(runtime, always)
        assert [one.week for one in await found_of(runtime, "overwork-1")] == [MONDAY]


async def test_k_07_whose_hours_are_in_the_evening_does_not_work_too_much() -> None:
    log, clock = MemoryLog(2), Stopped(at(NEXT, 13))
    hours = WorkcalendarHoursSet(weekday="monday", starts=time(13), ends=time(22))
    works_by = UnitCalendarAssigned(calendar="workcalendar-late")
    await tell(log, recorded(hours, stream="workcalendar-late"))
    await tell(log, recorded(UnitFormed(name="Late", kind="team"), works_by, stream="unit-1"))
    joined = EmployeeJoined(name="Ada"), EmployeeAssigned(unit="unit-1")
    await tell(log, recorded(*joined, stream="employee-1"))
    await tell(log, evening(1, MONDAY, 2))
    await tell(log, evening(2, MONDAY, 2, seller="employee-2"))
    async with running(log, clock) as runtime:
        await judge(runtime, always)
        assert await found_of(runtime, "overwork-1") == []
        assert len(await found_of(runtime, "overwork-2")) == 1


async def test_k_07_whose_week_is_not_over_yet_is_told_later() -> None:
    log, clock = MemoryLog(2), Stopped(at(NEXT, 13))
    async with running(log, clock) as runtime:
        await tell(log, recorded(AgendaZoneSet(zone="Pacific/Honolulu"), stream="agenda-1"))
        await tell(log, evening(1, MONDAY, 2, zone=HONOLULU))
        await judge(runtime, always)
        assert await found_of(runtime, "overwork-1") == []
        clock.at = at(NEXT, 12, HONOLULU)
        await judge(runtime, always)
        assert len(await found_of(runtime, "overwork-1")) == 1


async def test_k_07_it_is_told_by_whoever_runs_and_nobody_asks() -> None:
    log, clock = MemoryLog(2), Stopped(at(NEXT, 13))
    await tell(log, evening(1, MONDAY, 2))
    async with running(log, clock) as runtime, asyncio.timeout(10):
        while not await found_of(runtime, "overwork-1"):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.05)


async def test_k_07_what_one_calendar_lacks_keeps_nobody_else_from_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lacking(runtime: Runtime, seller: str, at_least: Token | None) -> AgendaCard:
        if seller == "employee-1":
            raise UnavailableError("its agenda is parked")
        return await agenda_of(runtime, seller, at_least)

    monkeypatch.setattr(judging, "agenda_of", lacking)
    log, clock = MemoryLog(2), Stopped(at(NEXT, 13))
    async with running(log, clock) as runtime:
        await tell(log, [*evening(1, MONDAY, 2), *evening(2, MONDAY, 2, seller="employee-2")])
        await judge(runtime, always)
        assert await found_of(runtime, "overwork-1") == []
        assert len(await found_of(runtime, "overwork-2")) == 1


async def test_k_07_who_lost_the_lease_looks_no_further() -> None:
    async def lost() -> bool:
        return False

    log, clock = MemoryLog(2), Stopped(at(NEXT, 13))
    async with running(log, clock) as runtime:
        await tell(log, evening(1, MONDAY, 2))
        await judge(runtime, lost)
        assert await found_of(runtime, "overwork-1") == []


async def test_k_07_where_nothing_was_there_yet_it_is_looked_again_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A platform that is loaded after its start need not wait for the next hour."""
    looks: list[bool] = []

    async def looking(runtime: Runtime, go_on: Callable[[], Awaitable[bool]]) -> bool:
        looks.append(await judge(runtime, go_on))
        return looks[-1]

    monkeypatch.setattr(judging, "judge", looking)
    monkeypatch.setattr(judging, "SOON_S", 0.05)
    monkeypatch.setattr(judging, "LOOK_S", 0.01)
    log, clock = MemoryLog(2), Stopped(at(NEXT, 13))
    async with running(log, clock) as runtime, asyncio.timeout(20):
        while len(looks) < 2:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)
        assert not any(looks)
        await tell(log, evening(1, MONDAY, 2))
        while not await found_of(runtime, "overwork-1"):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.05)
        while not looks[-1]:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)
        whole = len(looks)
        await asyncio.sleep(0.3)
        assert len(looks) == whole, "all were judged: not again before the hour is over"
