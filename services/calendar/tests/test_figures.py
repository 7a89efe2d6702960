"""Where the time went (K-03 to K-10), evenings and days off (K-07), rhythms (K-13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from httpx2 import AsyncClient, Response

from services.calendar.days import Span
from services.calendar.defaults import CalendarDefaults
from services.calendar.entry_views import EntryCard
from services.calendar.figures import TimeFigures, Told, figures, weeks
from services.calendar.main import domain, router
from services.calendar.rhythms import rhythm_of
from services.calendar.series_views import SeriesCard
from services.calendar.worklife import Minutes, minutes
from services.calendar.workplaces import Workplaces
from shared.clock import SystemClock
from shared.events import Event, encode
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeJoined,
    UnitCalendarAssigned,
    UnitFormed,
    WorkcalendarHolidayDeclared,
    WorkcalendarHoursSet,
)
from shared.memory import MemoryLog, MemoryStore
from shared.reading import Token
from shared.runtime import Runtime
from shared.settings import Settings
from shared.testing import recorded, serving
from shared.through import Held
from shared.workplaces import SellerPlace, UnitPlace, WorkHours, Workplace
from shared.worktime import HoursFrom

SEOUL, NEW_YORK = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")
MONDAY, SUNDAY = date(2026, 1, 5), date(2026, 1, 11)
USUAL = CalendarDefaults()
PLACE = Workplace(SEOUL, USUAL)


def at(hour: int, minute: int = 0, day: date = MONDAY, zone: ZoneInfo = SEOUL) -> datetime:
    return datetime.combine(day, time(hour, minute), zone)


def entry(number: int, category: Any, begin: datetime, minutes: int, **told: Any) -> EntryCard:
    end = begin + timedelta(minutes=minutes)
    usual = {"starts_at": begin, "ends_at": end, "category": category, "day": begin.date()}
    return EntryCard(f"entry-{number}", seller="employee-1", **{**usual, **told})


def done(number: int, category: Any, begin: datetime, minutes: int, **told: Any) -> EntryCard:
    end = begin + timedelta(minutes=minutes)
    took = {"status": "done", "started_at": begin, "ended_at": end}
    return entry(number, category, begin, minutes, **{**took, **told})


def of(*cards: EntryCard, place: Workplace = PLACE) -> TimeFigures:
    return figures([Told(cards, place)], MONDAY, SUNDAY, SUNDAY, USUAL)


@pytest.mark.parametrize(
    ("begins", "lasted"),
    [
        (datetime(2026, 10, 31, 19, tzinfo=NEW_YORK), 420),  # The clocks are set back at two.
        (datetime(2026, 3, 7, 23, tzinfo=NEW_YORK), 240),  # And forth.
    ],
)
def test_k_04_an_hour_lasts_an_hour_while_clocks_are_set(begins: datetime, lasted: int) -> None:
    ends = (begins.astimezone(UTC) + timedelta(minutes=lasted)).astimezone(NEW_YORK)
    took = {"started_at": begins, "ended_at": ends, "status": "done"}
    card = entry(1, "customer", begins, 0, ends_at=ends, **took)
    day, place = begins.date(), Workplace(NEW_YORK, USUAL)
    (spent,) = figures([Told([card], place)], day, day, day, USUAL).categories
    assert (spent.planned_minutes, spent.actual_minutes) == (lasted, lasted)


def test_k_04_time_goes_by_category_as_planned_and_as_it_was() -> None:
    visit = done(1, "customer", at(9), 60, ended_at=at(10, 30))
    found = of(visit, done(2, "internal", at(13), 60), entry(3, "reporting", at(16), 30))
    assert [
        (one.category, one.planned_minutes, one.actual_minutes) for one in found.categories
    ] == [
        ("customer", 60, 90),
        ("internal", 60, 60),
        ("reporting", 30, 0),
    ]
    assert (found.work_minutes, found.customer_share, found.goal) == (150, 0.6, 0.4)


def test_k_02_private_time_is_no_work_and_no_plan() -> None:
    found = of(done(1, "private", at(20), 60), done(2, "customer", at(9), 60))
    assert (found.work_minutes, found.customer_share, found.evening_minutes) == (60, 1.0, 0)
    assert found.punctuality.planned == 1


def test_k_06_on_time_is_within_the_grace_that_the_company_chose() -> None:
    punctual = done(1, "customer", at(9), 60, started_at=at(9, 5), ended_at=at(10, 5))
    late = done(2, "customer", at(11), 60, started_at=at(11, 6), ended_at=at(12, 30))
    found = of(punctual, late)
    assert (found.punctuality.started_on_time, found.punctuality.ended_on_time) == (1, 1)
    assert found.on_time_share == 0.5


def test_k_03_of_a_time_of_a_series_that_nobody_touched_it_is_not_known_whether_it_was_kept() -> (
    None
):
    found = of(entry(1, "customer", at(9), 60, untouched=True), done(2, "customer", at(11), 60))
    assert (found.punctuality.planned, found.punctuality.done, found.kept_share) == (1, 1, 1.0)
    (customer,) = found.categories
    assert (customer.planned_minutes, customer.entries) == (120, 2)


def test_k_03_k_08_what_became_of_the_plan_is_counted() -> None:
    found = of(
        done(1, "customer", at(9), 60),
        entry(2, "customer", at(11), 60, status="missed"),
        entry(3, "internal", at(13), 60, status="displaced", displaced_by="entry-4"),
        done(4, "customer", at(13), 60, unplanned=True),
        entry(5, "internal", at(15), 60, status="cancelled", moves=1),
    )
    kept = found.punctuality
    assert (kept.planned, kept.done, kept.missed, kept.displaced) == (4, 1, 1, 1)
    assert (kept.cancelled, kept.moved, kept.unplanned, found.kept_share) == (1, 1, 1, 0.25)


def test_k_14_what_customers_get_out_of_it_is_counted_by_activity() -> None:
    found = of(
        done(1, "customer", at(9), 60, activity="workshop"),
        done(2, "customer", at(11), 60, activity="workshop"),
        entry(3, "customer", at(13), 60, activity="seminar"),
    )
    assert found.activities == {"workshop": 2}


def test_k_07_minutes_before_and_after_work_are_evening() -> None:
    assert minutes(PLACE, at(8), at(19)) == Minutes(working=540, evening=120)
    over_midnight = minutes(PLACE, at(23), at(1, day=MONDAY + timedelta(days=1)))
    assert over_midnight == Minutes(evening=120)
    assert minutes(PLACE, at(10, day=SUNDAY), at(11, day=SUNDAY)) == Minutes(weekend=60)


def test_k_07_they_are_reckoned_in_the_sellers_zone() -> None:
    abroad = Workplace(NEW_YORK, USUAL)
    assert minutes(abroad, at(9), at(10)) == Minutes(weekend=60)  # Sunday evening there.
    night = at(0, day=date(2026, 3, 8), zone=NEW_YORK)
    assert minutes(abroad, night, night + timedelta(days=1)).weekend == 23 * 60


def test_k_07_the_nearest_working_calendar_counts_with_its_holidays() -> None:
    early = tuple(HoursFrom("monday", time(7), time(15), None) for _ in range(1))
    place = Workplace(
        SEOUL,
        USUAL,
        SellerPlace("employee-1", units=(Held("unit-1", None),)),
        {
            "unit-1": UnitPlace("unit-1", parents=(Held("unit-2", None),)),
            "unit-2": UnitPlace("unit-2", calendars=(Held("workcalendar-1", None),)),
        },
        {"workcalendar-1": WorkHours("workcalendar-1", early, (date(2026, 1, 6),))},
    )
    assert minutes(place, at(7), at(16)) == Minutes(working=480, evening=60)
    tuesday = MONDAY + timedelta(days=1)
    assert minutes(place, at(9, day=tuesday), at(10, day=tuesday)) == Minutes(holiday=60)
    wednesday = MONDAY + timedelta(days=2)
    assert minutes(place, at(9, day=wednesday), at(10, day=wednesday)) == Minutes(working=60)


def test_k_07_units_in_a_circle_have_no_calendar() -> None:
    circle = {
        "unit-1": UnitPlace("unit-1", parents=(Held("unit-2", None),)),
        "unit-2": UnitPlace("unit-2", parents=(Held("unit-1", None),)),
    }
    seller = SellerPlace("employee-1", units=(Held("unit-1", None),))
    assert Workplace(SEOUL, USUAL, seller, circle).calendar_on(MONDAY) is None


def test_k_07_too_much_work_in_free_time_is_seen() -> None:
    found = of(done(1, "customer", at(9, day=SUNDAY), 301))
    assert (found.weekend_minutes, found.too_much) == (301, True)
    assert not of(done(1, "customer", at(9, day=SUNDAY), 300)).too_much


def test_k_05_weeks_begin_on_monday_and_are_cut_to_what_is_asked() -> None:
    span = Span(date(2026, 1, 7), date(2026, 1, 13), SEOUL)
    assert weeks(span) == [
        (date(2026, 1, 7), date(2026, 1, 11)),
        (date(2026, 1, 12), date(2026, 1, 13)),
    ]


def test_k_13_a_rhythm_tells_the_next_the_last_and_what_fell_out() -> None:
    weekly = SeriesCard(
        "series-1",
        seller="employee-1",
        category="customer",
        starts_at=at(9),
        ends_at=at(10),
        zone="Asia/Seoul",
        rule="FREQ=WEEKLY;COUNT=4",
        activity="rhythm",
    )
    cards = [weekly.entry(begin, end) for begin, end in weekly.times(MONDAY, date(2026, 2, 1))]
    held = done(1, "customer", at(9), 60, series="series-1")
    rhythm = rhythm_of(weekly, [held, *cards[1:]], at(12, day=date(2026, 1, 14)))
    assert (rhythm.next_at, rhythm.last_held_at) == (at(9, day=date(2026, 1, 19)), at(9))
    assert (rhythm.held, rhythm.fell_out) == (1, 1)


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


def after(answer: Response) -> dict[str, str]:
    assert answer.status_code == 202, answer.text
    return {"X-At-Least": answer.json()["token"]}


async def test_k_09_the_seller_and_others_get_the_same_figures(client: AsyncClient) -> None:
    visit = {"seller": "employee-1", "category": "customer"}
    visit |= {"starts_at": "2026-01-05T09:00:00+09:00", "ends_at": "2026-01-05T10:00:00+09:00"}
    await client.post("/calendar/entries/1/plan", json=visit)
    took = {"started_at": "2026-01-05T09:00:00+09:00", "ended_at": "2026-01-05T10:10:00+09:00"}
    told = after(await client.post("/calendar/entries/1/done", json=took))
    path = "/calendar/time?seller=employee-1&first=2026-01-05&last=2026-01-18"
    own = (await client.get(path, headers=told | {"X-Actor": "employee-1"})).json()
    other = (await client.get(path, headers=told | {"X-Actor": "employee-2"})).json()
    assert own == other
    assert own["total"]["work_minutes"] == 70
    assert [week["work_minutes"] for week in own["weeks"]] == [70, 0]
    assert (await client.get("/calendar/time")).status_code == 422


async def test_k_13_rhythms_are_listed_by_company(client: AsyncClient) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    series = {
        "seller": "employee-1",
        "category": "customer",
        "company": "company-1",
        "activity": "rhythm",
        "zone": "Asia/Seoul",
        "rule": "FREQ=WEEKLY",
        "starts_at": tomorrow.isoformat(),
        "ends_at": (tomorrow + timedelta(hours=1)).isoformat(),
    }
    told = after(await client.post("/calendar/series/1/plan", json=series))
    found = (await client.get("/calendar/rhythms?company=company-1", headers=told)).json()
    (one,) = found["items"]
    assert (one["series"], one["held"]) == ("series-1", 0)
    assert datetime.fromisoformat(one["next_at"]) == tomorrow


async def test_k_10_the_sellers_of_a_unit_are_those_under_it_on_that_day() -> None:
    runtime = Runtime(domain, MemoryStore(), MemoryLog(2), SystemClock(), Settings())
    await runtime.start()
    try:
        facts: dict[str, tuple[Event, ...]] = {
            "unit-1": (UnitFormed(name="Division", kind="division"),),
            "unit-2": (UnitFormed(name="Team", kind="team", parent="unit-1"),),
            "employee-1": (EmployeeJoined(name="Ada"), EmployeeAssigned(unit="unit-2")),
            "employee-2": (
                EmployeeJoined(name="Bob"),
                EmployeeAssigned(unit="unit-2"),
                EmployeeAssigned(unit="unit-3", on=MONDAY),
            ),
            "workcalendar-1": (
                WorkcalendarHoursSet(weekday="monday", starts=time(7), ends=time(15)),
                WorkcalendarHolidayDeclared(day=date(2026, 1, 6), name="Holiday"),
            ),
        }
        facts["unit-1"] += (UnitCalendarAssigned(calendar="workcalendar-1"),)
        for stream, events in facts.items():
            for fact in recorded(*events, stream=stream):
                await runtime.log.append(fact.data.topic, stream, encode(fact))
        for stream, events in facts.items():
            places = Workplaces(runtime, Token(stream, len(events)))
            await places.sellers_of("unit-1", MONDAY)
            place = await places.of("employee-1", SEOUL, USUAL)
        assert await places.sellers_of("unit-1", SUNDAY) == {"employee-1": "Ada"}
        before = MONDAY - timedelta(days=1)
        assert set(await places.sellers_of("unit-1", before)) == {"employee-1", "employee-2"}
        assert minutes(place, at(7), at(16)) == Minutes(working=480, evening=60)
    finally:
        await runtime.stop()
