"""The daily report that nobody writes (N-05): a day's facts, entered once, told line by line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.analytics.daily import next_workday
from services.analytics.tests.world import KIM, LEE, World, on
from shared.events import Event, issues
from shared.events.calendar import EntryDone, EntryMissed, EntryPlanned
from shared.events.contacts import PersonDetailsStated, PersonRegistered
from shared.events.opportunities import (
    NextStepAgreed,
    OpportunityDiscovered,
    OpportunityReassigned,
    OpportunityWon,
    StageAdvanced,
)
from shared.events.touches import TouchRecorded
from shared.reading import Token
from shared.testing import recorded

# Friday, 10 in Seoul.
FRIDAY = datetime(2026, 3, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def touch(employee: str | None, number: int, at: datetime) -> tuple[str, list[Any]]:
    told = TouchRecorded(
        publisher="p",
        publisher_id=f"d{number}",
        person="person-1",
        company="company-p",
        channel="visit",
        about="opportunity",
        employee=employee,
        subject="The offer",
        note="They want it in May.",
    )
    stream = f"touch-d{number}"
    return stream, recorded(told, stream=stream, occurred_at=at)


def entry(number: int, category: Any, hour: int, *more: Event) -> tuple[str, list[Any]]:
    at = FRIDAY + hour * HOUR
    planned = EntryPlanned(
        seller=KIM,
        category=category,
        title=None if category == "private" else "Visit",
        company="company-p",
        starts_at=at,
        ends_at=at + HOUR,
    )
    stream = f"entry-d{number}"
    return stream, recorded(planned, *more, stream=stream, occurred_at=FRIDAY - 24 * HOUR)


@pytest.fixture
async def day(world: World) -> World:
    told: list[tuple[str, list[Any]]] = [
        ("person-1", recorded(PersonRegistered(name="Park"), stream="person-1")),
        touch(KIM, 1, FRIDAY + HOUR),
        touch(LEE, 2, FRIDAY),
        # Late on Friday in Seoul it is Friday still; an hour after midnight it is Saturday.
        touch(KIM, 3, datetime(2026, 3, 6, 14, 59, tzinfo=UTC)),
        touch(KIM, 4, datetime(2026, 3, 6, 16, tzinfo=UTC)),
        entry(1, "customer", 0, EntryDone(started_at=FRIDAY, ended_at=FRIDAY + 2 * HOUR)),
        entry(2, "customer", 3, EntryMissed(reason="They were ill.")),
        entry(3, "private", 4),
        entry(4, "internal", 72),
    ]
    deal = (
        OpportunityDiscovered(title="Ten", stage="Engaging", owner=LEE, on=on("03-02")),
        OpportunityReassigned(owner=KIM, reason="territory", on=on("03-05")),
        StageAdvanced(stage="Proposal", on=on("03-06")),
        NextStepAgreed(stage="Proposal", what="Call", due_on=on("03-09"), on=on("03-06")),
    )
    told.append(("opportunity-d", recorded(*deal, stream="opportunity-d")))
    case = (
        issues.IssueRegistered(
            kind="complaint",
            words="Late again.",
            owner=KIM,
            person="person-1",
            category="delivery",
            on=on("03-06"),
        ),
    )
    told.append(("issue-d", recorded(*case, stream="issue-d")))
    for _, facts in told:
        await world.append(facts)
    for stream, facts in told:
        token = {"X-At-Least": Token(stream, len(facts)).encode()}
        asked = {"seller": KIM, "day": "2026-03-06"}
        read = await world.client.get("/analytics/daily-report", params=asked, headers=token)
        assert read.status_code == 200, read.text
    return world


async def report(world: World, **query: Any) -> dict[str, Any]:
    page = await world.get("daily-report", **{"seller": KIM, "day": "2026-03-06", **query})
    found: dict[str, Any] = page["report"]
    return found


async def test_n_05_a_day_is_told_by_what_was_entered_anyway(day: World) -> None:
    told = await report(day)
    assert told["name"] == "김"
    assert [(one["item"], one["person"], one["company"]) for one in told["touches"]] == [
        ("touch-d1", "Park", "P & Co."),
        ("touch-d3", "Park", "P & Co."),
    ]
    assert [(one["what"], one["detail"]) for one in told["opportunities"]] == [
        ("advanced", "Engaging → Proposal"),
        ("next step agreed", "Call"),
    ]
    assert [(one["what"], one["title"], one["detail"]) for one in told["issues"]] == [
        ("registered", "delivery", "Late again.")
    ]
    assert all(one["event"] for part in ("touches", "opportunities") for one in told[part])


async def test_n_05_the_calendar_stands_as_planned_and_as_it_was(day: World) -> None:
    told = await report(day)
    assert [(one["entry"], one["status"]) for one in told["calendar"]] == [
        ("entry-d1", "done"),
        ("entry-d2", "missed"),
        ("entry-d3", "planned"),
    ]
    # Private time is nobody's business, not even its length.
    assert (told["planned_minutes"], told["actual_minutes"]) == (120, 120)
    assert told["next_day"] == "2026-03-09"
    assert [(one["item"], one["kind"]) for one in told["next"]] == [
        ("entry-d4", "entry"),
        ("opportunity-d", "opportunity"),
    ]


async def test_n_05_what_was_somebody_elses_is_in_their_report(day: World) -> None:
    before = await report(day, seller=LEE, day="2026-03-02")
    assert [one["what"] for one in before["opportunities"]] == ["discovered"]
    assert (await report(day, seller=LEE))["opportunities"] == []
    taken = await report(day, day="2026-03-05")
    assert [(one["what"], one["detail"]) for one in taken["opportunities"]] == [
        ("taken over", "territory")
    ]


async def test_n_05_what_is_entered_late_is_told_with_by_how_much(day: World) -> None:
    won = OpportunityWon(value=Decimal(9), currency="USD", on=on("03-06"))
    history = (
        OpportunityDiscovered(title="Old", stage="Engaging", owner=KIM, on=on("03-02")),
        won,
    )
    stream = "opportunity-late"
    facts = recorded(*history, stream=stream, occurred_at=FRIDAY + 48 * HOUR)
    await day.append(facts)
    headers = {"X-At-Least": Token(stream, 2).encode()}
    asked = {"seller": KIM, "day": "2026-03-06"}
    read = await day.client.get("/analytics/daily-report", params=asked, headers=headers)
    late = {one["item"]: one["late"] for one in read.json()["report"]["opportunities"]}
    assert late[stream] == 2
    known_at = (FRIDAY + 24 * HOUR).isoformat()
    early = await report(day, known_at=known_at)
    assert stream not in {one["item"] for one in early["opportunities"]}
    assert early["touches"] == (await report(day))["touches"]


async def test_n_05_as_markdown_and_as_a_page(day: World) -> None:
    asked = {"seller": KIM, "day": "2026-03-06"}
    path = "/analytics/daily-report"
    text = (await day.client.get(path, params={**asked, "form": "markdown"})).text
    assert "## Touches" in text
    assert "They want it in May" in text
    page = await day.client.get(path, params={**asked, "form": "html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "<h2>Issues and promises</h2>" in page.text
    quiet = await day.client.get(path, params={"seller": LEE, "day": "2026-01-01", "form": "html"})
    assert "Nothing was entered of this day." in quiet.text


async def test_n_05_of_everybody_in_a_unit(day: World) -> None:
    answer = await day.get("daily-report", unit="unit-red", day="2026-03-06")
    assert [one["seller"] for one in answer["reports"]] == [KIM]
    page = await day.client.get(
        "/analytics/daily-report",
        params={"unit": "unit-red", "day": "2026-03-06", "form": "markdown"},
    )
    assert "김" in page.text
    nobody = await day.client.get("/analytics/daily-report", params={"day": "2026-03-06"})
    assert nobody.status_code == 422


async def test_a_person_is_called_by_their_newest_name(day: World) -> None:
    told = (PersonRegistered(name="Park"), PersonDetailsStated(name="Park-Lee", on=on("03-01")))
    await day.append(recorded(*told, stream="person-1")[1:])
    token = {"X-At-Least": Token("person-1", 2).encode()}
    assert (
        await day.client.get("/analytics/daily-report", params={"seller": KIM}, headers=token)
    ).status_code == 200
    assert {one["person"] for one in (await report(day))["touches"]} == {"Park-Lee"}


def test_after_friday_comes_monday() -> None:
    assert [next_workday(on(day)) for day in ("03-05", "03-06", "03-07", "03-08")] == [
        on("03-06"),
        on("03-09"),
        on("03-09"),
        on("03-09"),
    ]
