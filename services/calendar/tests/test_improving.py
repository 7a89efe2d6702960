"""What a seller can improve, and who is told first (K-09)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from services.calendar.defaults import CalendarDefaults
from services.calendar.figures import Spent, TimeFigures
from services.calendar.improving import Improvement, Period, improvements, own_until
from services.calendar.main import domain, router
from shared.testing import serving

MONDAY, SUNDAY = date(2026, 1, 5), date(2026, 1, 11)
CHOSEN = CalendarDefaults(customer_share_goal=0.4, on_time_goal=0.9, kept_goal=0.8)


def period(evening: int = 0, **told: float) -> Period:
    minutes = {"work_minutes": 100, "evening_minutes": evening, **told}
    total = TimeFigures(MONDAY, SUNDAY, **minutes)  # type: ignore[arg-type]
    return Period(total, [total])


def test_k_09_what_is_farthest_from_what_is_wanted_comes_first() -> None:
    now = period(customer_share=0.3, on_time_share=0.45, kept_share=0.9)
    before = period(customer_share=0.2, on_time_share=0.9, kept_share=0.9)
    assert improvements(now, before, CHOSEN) == [
        Improvement("on_time_share", 0.45, 0.9, 0.5, 0.9, better=False),
        Improvement("customer_share", 0.3, 0.4, 0.25, 0.2, better=True),
    ]


def test_k_09_too_much_is_to_be_improved_as_too_little_is() -> None:
    desk = TimeFigures(MONDAY, SUNDAY, (Spent("reporting", 0, 75),), work_minutes=100)
    chosen = CalendarDefaults(office_share_most=0.5, outside_minutes_week=300)
    busy = TimeFigures(MONDAY, SUNDAY, work_minutes=100, evening_minutes=350, weekend_minutes=100)
    found = improvements(Period(desk, [desk, busy]), period(), chosen)
    assert [(one.area, one.now, one.behind) for one in found] == [
        ("office_share", 0.75, 0.5),
        ("outside_minutes", 450, 0.5),
    ]


def test_k_09_where_nothing_is_known_nothing_is_to_be_improved() -> None:
    nothing = TimeFigures(MONDAY, SUNDAY)
    assert improvements(Period(nothing, [nothing]), period(), CHOSEN) == []


def test_k_09_others_are_told_as_many_days_later_as_the_company_chose() -> None:
    assert own_until(SUNDAY, CalendarDefaults(own_first_days=7)) == date(2026, 1, 18)


async def test_k_09_sellers_see_what_to_improve_before_anyone_else() -> None:
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    end = begin + timedelta(hours=1)
    times = {"starts_at": begin.isoformat(), "ends_at": end.isoformat()}
    async with serving(domain, router) as client:
        desk = {"seller": "employee-1", "category": "reporting", **times}
        await client.post("/calendar/entries/1/plan", json=desk)
        took = {"started_at": begin.isoformat(), "ended_at": end.isoformat()}
        told = await client.post("/calendar/entries/1/done", json=took)
        headers = {"X-At-Least": told.json()["token"]}
        day, last = begin.date(), begin.date() + timedelta(days=1)
        path = f"/calendar/improvement?seller=employee-1&first={day - timedelta(1)}&last={last}"
        own = (await client.get(path, headers=headers | {"X-Actor": "employee-1"})).json()
        other = (await client.get(path, headers=headers | {"X-Actor": "employee-2"})).json()
    assert {"customer_share", "office_share"} <= {one["area"] for one in own["areas"]}
    assert own["withheld_until"] is None
    assert other["areas"] == []
    assert other["withheld_until"] == (last + timedelta(days=7)).isoformat()
    assert other["now"] == own["now"]
