"""C_04: touches are counted by grade and function of who made them."""

from __future__ import annotations

from datetime import date, timedelta

from services.contacts.main import domain, router
from services.contacts.sources import Entered, months_between, report, touch_sources
from services.contacts.tests.client import get, post, touch
from shared.events.touches import TouchRecorded
from shared.testing import check_projection, recorded, serving
from shared.testing.histories import BEGIN


def test_c_04_touches_of_every_grade_and_function_are_counted_in_their_month() -> None:
    told = [
        recorded(
            TouchRecorded(
                publisher="crm",
                publisher_id=str(number),
                person=f"person-{number % 3}",
                channel="call",
                company="company-1" if number < 4 else None,
                grade=("staff", "staff", "CEO", None, "CEO")[number],
                function="sales" if number else "support",
            ),
            stream=f"touch-{number}",
            occurred_at=BEGIN + timedelta(days=20 * number),
        )
        for number in range(5)
    ]
    views = check_projection(touch_sources, told)
    there = [view for view in views.values() if view.of == "company-1"]
    assert sorted(view.month for view in there) == ["2026-01", "2026-02", "2026-03"]
    found = report(there, {"person-1": "person-0"})
    assert found.by_grade == (
        Entered("staff", 2, 0.5, 1),
        Entered("CEO", 1, 0.25, 1),
        Entered("unstated", 1, 0.25, 1),
    )
    everybody = report([view for view in views.values() if view.of == "all"], {})
    assert everybody.touches == 5
    assert {one.key: one.touches for one in everybody.by_function} == {"sales": 4, "support": 1}
    assert {one.people for one in everybody.by_grade} == {None}


def test_c_04_months_are_whole() -> None:
    assert months_between(date(2025, 12, 31), date(2026, 2, 1)) == ["2025-12", "2026-01", "2026-02"]
    assert months_between(date(2026, 2, 1), date(2026, 1, 1)) == []


async def test_c_04_coverage_by_grade_is_one_call() -> None:
    async with serving(domain, router) as client:
        await post(client, "/contacts/people/1/register", {"name": "Kim"})
        told = {"company": "company-1", "grade": "CEO", "function": "management"}
        after = await touch(client, "person-1", "2026-03-02", **told)
        asked = "/contacts/touch-sources?first=2026-01-01&last=2026-03-31"
        for path in (asked, f"{asked}&company=company-1"):
            found = await get(client, path, after)
            assert found["months"] == ["2026-01", "2026-03"]
            assert [(one["key"], one["touches"]) for one in found["by_grade"]] == [("CEO", 1)]
        assert found["by_function"][0]["people"] == 1
        assert (await get(client, f"{asked}&company=company-2", after))["touches"] == 0
        backwards = "/contacts/touch-sources?first=2026-03-01&last=2026-01-01"
        assert (await client.get(backwards)).status_code == 422
