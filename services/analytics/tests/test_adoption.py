"""Who enters what happens, and who answers it (N-04, H16): counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.analytics.tests.world import World, on
from shared.events import Event
from shared.events.analytics import AssessmentGiven, KpiCoached
from shared.events.calendar import EntryDone, EntryPlanned
from shared.events.opportunities import OpportunityDiscovered
from shared.events.organization import (
    EmployeeAbsenceCancelled,
    EmployeeAbsencePlanned,
    EmployeeAssigned,
    EmployeeFunctionTaken,
    EmployeeJoined,
    EmployeeLeft,
)
from shared.events.touches import TouchRecorded
from shared.testing import recorded

ANN, BO, HAN = "employee-ann", "employee-bo", "employee-han"
MARCH = {"from": "2026-03-02", "to": "2026-03-29"}


def touch(number: int, employee: str, day: str) -> tuple[str, Event, datetime]:
    told = TouchRecorded(
        publisher="p",
        publisher_id=f"a{number}",
        person="person-1",
        channel="call",
        employee=employee,
    )
    return f"touch-a{number}", told, datetime.fromisoformat(f"2026-{day}T03:00:00+00:00")


@pytest.fixture
async def entered(world: World) -> World:
    """Ann is away in the second week of March, Bo leaves in the third; each enters something."""
    people: dict[str, tuple[Event, ...]] = {
        ANN: (
            EmployeeJoined(name="Ann", function="sales", on=on("03-02")),
            EmployeeAssigned(unit="unit-red", on=on("03-02")),
            EmployeeAbsencePlanned(
                absence="spring", kind="vacation", first_day=on("03-09"), last_day=on("03-13")
            ),
            EmployeeAbsencePlanned(
                absence="off", kind="vacation", first_day=on("03-23"), last_day=on("03-27")
            ),
            EmployeeAbsenceCancelled(absence="off"),
        ),
        BO: (
            EmployeeJoined(name="Bo", function="support", on=on("01-05")),
            EmployeeAssigned(unit="unit-blue", on=on("01-05")),
            EmployeeFunctionTaken(function="sales", on=on("03-09")),
            EmployeeLeft(on=on("03-18")),
        ),
        "employee-clerk": (EmployeeJoined(name="Clerk", function="support"),),
    }
    for stream, events in people.items():
        await world.append(recorded(*events, stream=stream))
    for stream, told, at in (touch(1, ANN, "03-03"), touch(2, ANN, "03-04"), touch(3, BO, "03-10")):
        await world.append(recorded(told, stream=stream, occurred_at=at))
    chance = OpportunityDiscovered(title="C", stage="Engaging", owner=ANN, on=on("03-17"))
    await world.append(recorded(chance, stream="opportunity-a1"))
    starts = datetime(2026, 3, 18, 1, tzinfo=UTC)
    ends = datetime(2026, 3, 18, 2, tzinfo=UTC)
    met = (
        EntryPlanned(seller=ANN, category="customer", starts_at=starts, ends_at=ends),
        EntryDone(started_at=starts, ended_at=ends),
    )
    await world.append(recorded(*met, stream="entry-a1", occurred_at=starts))
    coached = KpiCoached(
        kpi="kpi-1", coach=HAN, of=ANN, period="2026-03", facts="Two of three.", on=on("03-20")
    )
    await world.append(recorded(coached, stream="review-a1"))
    await world.fold()
    return world


async def rows(world: World, **query: Any) -> dict[str | None, dict[str, Any]]:
    answer = await world.get("adoption", **{**MARCH, **query})
    return {row["id"]: row for row in answer["rows"]}


async def test_n_04_a_seller_is_measured_by_the_weeks_at_work(entered: World) -> None:
    """Ann's week away is none, Bo's are those from his function on, before his last one."""
    told = await rows(entered)
    assert {key: row["weeks"] for key, row in told.items()} == {ANN: 3, BO: 1}
    ann = told[ANN]
    assert (ann["key"], ann["activity_weeks"], ann["activity_rate"]) == ("Ann", 2, "66.67")
    assert (ann["opportunity_weeks"], ann["opportunity_rate"]) == (1, "33.33")
    assert (told[BO]["activity_rate"], told[BO]["opportunity_rate"]) == ("100.00", "0.00")


async def test_n_04_a_leader_is_measured_by_the_months_that_called_for_an_answer(
    entered: World,
) -> None:
    told = await rows(entered, by="manager")
    assert (told[HAN]["months"], told[HAN]["feedback_rate"]) == (1, "100.00")
    assert (told[None]["months"], told[None]["feedback_rate"]) == (1, "0.00")
    assessed = AssessmentGiven(leader=HAN, of=BO, period="2026-03", words="Calm.", on=on("03-30"))
    await entered.append(recorded(assessed, stream="assessment-a1"))
    await entered.fold()
    # It was told after the span, in the month that it is about.
    assert (await rows(entered, by="total", to="2026-03-31"))["total"]["feedback_months"] == 2


async def test_n_04_the_weeks_behind_a_rate_add_up_to_it(entered: World) -> None:
    for by, key in (("team", "unit-red"), ("total", "total"), ("month", "2026-03")):
        row = (await rows(entered, by=by))[key]
        why = await entered.get("adoption/why", by=by, key=key, **MARCH)
        assert why["total"] == {name: row[name] for name in why["total"]}
        assert sum("week" in one for one in why["contributions"]) == row["weeks"]
    red = await entered.get("adoption/why", by="team", key="unit-red", **MARCH)
    assert red["contributions"][0] == {
        "seller": ANN,
        "week": "2026-W10",
        "activities": 2,
        "opportunities": 0,
    }
    empty = [one["week"] for one in red["contributions"] if one.get("activities") == 0]
    assert empty == ["2026-W13"]


def left_out(answer: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {one["reason"]: (one["weeks"], one["months"]) for one in answer["left_out"]}


async def test_n_04_of_others_who_were_away_nothing_is_counted(entered: World) -> None:
    """Ann was away in one of the four weeks; when Bo was, and what the clerk does, is theirs."""
    of_ann = await entered.get("adoption/why", by="total", key="total", seller="ann", **MARCH)
    assert left_out(of_ann) == {"away": (1, 0)}
    row = await entered.get("adoption/why", by="seller", key=ANN, **MARCH)
    assert left_out(row) == {"away": (1, 0)}
    # Bo was with us until the third week, in the blue team.
    red = await entered.get("adoption/why", by="total", key="total", unit="unit-red", **MARCH)
    assert left_out(red)["away"] == (1, 0)
    team = await entered.get("adoption/why", by="team", key="unit-red", **MARCH)
    assert left_out(team)["away"] == (1, 0)
    everybody = await entered.get("adoption/why", by="total", key="total", **MARCH)
    assert left_out(everybody)["away"] == (3, 0)


async def test_n_04_it_is_exported_for_the_review(entered: World) -> None:
    answer = await entered.client.get(
        "/analytics/adoption", params=MARCH, headers={"Accept": "text/csv"}
    )
    lines = [line.replace('"', "") for line in answer.text.splitlines()]
    assert "id,key,weeks,activity_weeks,activity_rate" in lines[0]
    assert lines[1].startswith("employee-ann,Ann,3,2,66.67")


async def test_what_cannot_be_measured_is_refused(world: World) -> None:
    for wrong in ({"from": "2026-05-01", "to": "2026-04-01"}, {"from": "1990-01-01"}):
        answer = await world.client.get("/analytics/adoption", params=wrong)
        assert answer.status_code == 422
        assert "query/from" in answer.text


async def test_n_04_weeks_before_anybody_entered_anything_are_nobodys(entered: World) -> None:
    """The first of which anything was entered is that of the first deal, in January."""
    told = await entered.get("adoption", by="total", to="2026-03-29")
    assert told["from"] == "2026-01-05"
    asked = await entered.get("adoption", by="total", to="2026-03-29", **{"from": "2025-01-06"})
    assert asked["from"] == "2025-01-06"
