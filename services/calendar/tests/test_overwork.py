"""Weeks with too much work in free time are told until they are seen (K-07), own ones first."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from httpx2 import AsyncClient

from services.calendar.agenda_views import AgendaCard, SeenWeek, agenda_card
from services.calendar.agendas import SeeOverwork
from services.calendar.days import Span
from services.calendar.defaults import CalendarDefaults
from services.calendar.entry_views import EntryCard
from services.calendar.figures import Told
from services.calendar.judging import week_over
from services.calendar.main import build, domain, router
from services.calendar.overwork import Worked, overworked, own_first, own_week, whole_weeks
from services.calendar.overwork_views import overwork_told
from shared.clock import SystemClock
from shared.errors import InvalidError
from shared.events import encode
from shared.events.calendar import AgendaOverworkSeen, EntryDone, EntryPlanned, OverworkFound
from shared.memory import MemoryLog
from shared.own_first import Own
from shared.reading import Token
from shared.settings import Settings
from shared.testing import given, recorded, serving
from shared.workplaces import Workplace

SEOUL = ZoneInfo("Asia/Seoul")
MONDAY, SUNDAY = date(2026, 1, 5), date(2026, 1, 11)
CHOSEN = CalendarDefaults(outside_minutes_week=60, own_first_days=7)
SEEN = AgendaOverworkSeen(week=MONDAY, minutes=120, by="employee-9")


def evening(day: date, hours: int) -> EntryCard:
    begin = datetime(day.year, day.month, day.day, 19, tzinfo=SEOUL)
    end = begin + timedelta(hours=hours)
    return EntryCard(
        f"entry-{day}", seller="employee-1", category="administration", day=day,
        starts_at=begin, ends_at=end, started_at=begin, ended_at=end, status="done",
    )  # fmt: skip


def worked(*cards: EntryCard, agenda: AgendaCard | None = None) -> Worked:
    told = Told(cards, Workplace(SEOUL, CHOSEN))
    return Worked("employee-1", "Ada", told, agenda or AgendaCard("agenda-1"))


def test_k_07_a_week_with_too_much_work_in_the_evening_is_told() -> None:
    span = Span(MONDAY, SUNDAY + timedelta(days=7), SEOUL)
    busy = worked(evening(MONDAY, 2), evening(MONDAY + timedelta(days=7), 1))
    (found,) = overworked(busy, span, SUNDAY, CHOSEN)
    assert (found.week, found.minutes, found.most, found.seen_by) == (MONDAY, 120, 60, ())


def test_k_07_the_latest_week_comes_first() -> None:
    span = Span(MONDAY, SUNDAY + timedelta(days=7), SEOUL)
    busy = worked(evening(MONDAY, 2), evening(MONDAY + timedelta(days=7), 3))
    assert [one.minutes for one in overworked(busy, span, SUNDAY, CHOSEN)] == [180, 120]


def test_k_07_it_is_seen_until_it_grows() -> None:
    seen = AgendaCard("agenda-1", seen=(SeenWeek(MONDAY, 120, "employee-9"),))
    span = Span(MONDAY, SUNDAY, SEOUL)
    (same,) = overworked(worked(evening(MONDAY, 2), agenda=seen), span, SUNDAY, CHOSEN)
    assert same.seen_by == ("employee-9",)
    tuesday = evening(MONDAY + timedelta(days=1), 1)
    more = worked(evening(MONDAY, 2), tuesday, agenda=seen)
    (grown,) = overworked(more, span, SUNDAY, CHOSEN)
    assert (grown.minutes, grown.seen_by) == (180, ())


def test_k_07_weeks_are_looked_at_as_a_whole() -> None:
    some = Span(date(2026, 1, 7), date(2026, 1, 12), SEOUL)
    assert whole_weeks(some) == Span(MONDAY, date(2026, 1, 18), SEOUL)


def test_k_07_who_saw_it_says_so_once() -> None:
    decider = domain.deciders["agenda"]
    see = SeeOverwork(week=MONDAY, minutes=120, by="employee-9")
    given(decider).when(see).then(SEEN)
    given(decider, SEEN).when(see).then_nothing()
    more = see.model_copy(update={"minutes": 180})
    given(decider, SEEN).when(more).then(SEEN.model_copy(update={"minutes": 180}))
    card = agenda_card.replay(recorded(SEEN, SEEN, stream="agenda-1"))["agenda-1"]
    assert card.seen == (SeenWeek(MONDAY, 120, "employee-9"),)


def test_k_07_a_week_begins_on_a_monday() -> None:
    with pytest.raises(InvalidError, match="Monday"):
        SeeOverwork(week=SUNDAY, minutes=120, by="employee-9").check("agenda-1", SUNDAY)


def test_k_09_a_week_is_its_sellers_alone_for_some_days_after_its_end() -> None:
    until = SUNDAY + timedelta(days=7)
    assert own_week("employee-1", MONDAY, None, CHOSEN) == Own("employee-1", until)


@pytest.mark.parametrize("late", [-3, 0, 6])
def test_k_09_a_week_that_is_found_late_is_its_sellers_alone_from_then_on(late: int) -> None:
    until = SUNDAY + timedelta(days=7 + late)
    found = OverworkFound(seller="employee-1", week=MONDAY, minutes=90, most=60, own_until=until)
    told = overwork_told.replay(recorded(found, stream="overwork-1"))["overwork-1"]
    own = own_week("employee-1", MONDAY, told, CHOSEN)
    assert own == Own("employee-1", max(until, SUNDAY + timedelta(days=7)))
    (fact,) = recorded(found, stream="overwork-1")
    assert own_first(fact, CHOSEN) == Own("employee-1", until)


def test_k_09_that_sellers_saw_a_week_of_theirs_is_theirs_as_long() -> None:
    mine = SEEN.model_copy(update={"by": "employee-1"})
    (own, others) = recorded(mine, SEEN, stream="agenda-1")
    # It may be found until the next week is over, too: where they live, a day later than here.
    assert own_first(own, CHOSEN) == Own("employee-1", MONDAY + timedelta(days=14 + 1 + 7))
    assert own_first(others, CHOSEN) is None


async def test_k_09_no_page_tells_others_of_a_week_that_is_its_sellers_alone() -> None:
    zone = Settings().zone
    week = week_over(SystemClock().now(), zone)
    begin, end = (datetime.combine(week, time(hour), zone) for hour in (19, 22))
    planned = EntryPlanned(seller="employee-1", category="reporting", starts_at=begin, ends_at=end)
    log = MemoryLog(2)
    # It is looked at when the platform starts, and an hour later only.
    for fact in recorded(planned, EntryDone(started_at=begin, ended_at=end), stream="entry-1"):
        await log.append(fact.data.topic, fact.stream, encode(fact))
    last = week + timedelta(days=6)
    pages = (f"overwork?seller=employee-1&first={week}&last={last}&seen=true", "agendas/1/settings")
    me, other = {"X-Actor": "employee-1"}, {"X-Actor": "employee-9"}
    async with serving(build(CHOSEN), router, log=log) as client:

        async def post(path: str, body: dict[str, Any]) -> dict[str, str]:
            answer = await client.post(f"/calendar/{path}", json=body)
            assert answer.status_code == 202, answer.text
            return {"X-At-Least": answer.json()["token"]}

        async def facts(stream: str, headers: dict[str, str]) -> int:
            answer = await client.get(f"/calendar/history/{stream}", headers=headers)
            return len(answer.json()["facts"]) if answer.status_code == 200 else 0

        (mine,) = await inbox(client, pages[0], {"X-At-Least": Token("entry-1", 2).encode()} | me)
        assert (mine["week"], mine["minutes"]) == (week.isoformat(), 180)
        seen = {"week": mine["week"], "minutes": mine["minutes"]}
        await post("agendas/1/set-zone", {"zone": zone.key})
        await post("agendas/1/see-overwork", {**seen, "by": "employee-1"})
        told = await post("agendas/1/see-overwork", {**seen, "by": "employee-9"})

        own, shown = [
            [(await client.get(f"/calendar/{page}", headers=told | who)).json() for page in pages]
            for who in (me, other)
        ]
        until = (last + timedelta(days=7)).isoformat()
        assert (len(own[0]["items"]), own[0]["withheld_until"]) == (1, None)
        assert (shown[0]["items"], shown[0]["withheld_until"]) == ([], until)
        assert [len(own[1]["seen"]), len(shown[1]["seen"])] == [2, 1]
        # The zone was set before; what follows the first that is not told is not told either.
        assert [await facts("agenda-1", who) for who in (me, other)] == [3, 1]
        async with asyncio.timeout(20):
            while not await facts("overwork-1", me):
                continue
        assert await facts("overwork-1", other) == 0


async def test_k_07_it_is_in_the_inbox_until_it_is_seen() -> None:
    async with serving(build(CHOSEN), router) as client:

        async def post(path: str, body: dict[str, Any]) -> dict[str, str]:
            answer = await client.post(f"/calendar/{path}", json=body)
            assert answer.status_code == 202, answer.text
            return {"X-At-Least": answer.json()["token"], "X-Actor": "employee-9"}

        times = ("2026-01-05T19:00:00+09:00", "2026-01-05T21:00:00+09:00")
        await post("agendas/1/set-zone", {"zone": "Asia/Seoul"})
        plan = {"seller": "employee-1", "category": "reporting"}
        await post("entries/1/plan", {**plan, "starts_at": times[0], "ends_at": times[1]})
        done = {"started_at": times[0], "ended_at": times[1]}
        told = await post("entries/1/done", done)
        path = "overwork?seller=employee-1&first=2026-01-05&last=2026-01-09"
        (one,) = await inbox(client, path, told)
        assert (one["week"], one["minutes"]) == ("2026-01-05", 120)
        seen = {"week": one["week"], "minutes": one["minutes"], "by": "employee-9"}
        told = await post("agendas/1/see-overwork", seen)
        assert await inbox(client, path, told) == []
        assert len(await inbox(client, f"{path}&seen=true", told)) == 1
        assert len(await inbox(client, path, {**told, "X-Actor": "employee-8"})) == 1


async def inbox(client: AsyncClient, path: str, headers: dict[str, str]) -> list[Any]:
    answer = await client.get(f"/calendar/{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])
