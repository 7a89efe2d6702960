"""Where the time went, were plans kept, what is carried (N-01): each row opens into its entries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from services.analytics.tests.histories import ZONE
from services.analytics.tests.world import KIM, LEE, World, on
from shared.events.calendar import (
    EntryDisplaced,
    EntryDone,
    EntryEvent,
    EntryMissed,
    EntryMoved,
    EntryPlanned,
    EntryReassigned,
)
from shared.events.issues import IssueRegistered
from shared.testing import recorded


def at(text: str) -> datetime:
    """Return an instant of 2026, by the clock of the company."""
    return datetime.fromisoformat(f"2026-{text}:00").replace(tzinfo=ZONE)


def plan(seller: str, category: Any, begin: str, end: str, **more: Any) -> EntryPlanned:
    return EntryPlanned(
        seller=seller, category=category, starts_at=at(begin), ends_at=at(end), **more
    )


def done(begin: str, end: str) -> EntryDone:
    return EntryDone(started_at=at(begin), ended_at=at(end))


ENTRIES: dict[str, tuple[EntryEvent, ...]] = {
    # Kim, in team Red until April: an hour with a customer, six minutes late at both ends.
    "entry-visit": (
        plan(KIM, "customer", "03-02T09:00", "03-02T10:00"),
        done("03-02T09:06", "03-02T10:06"),
    ),
    "entry-report": (
        plan(KIM, "reporting", "03-02T13:00", "03-02T13:30"),
        done("03-02T13:00", "03-02T13:30"),
    ),
    "entry-urgent": (
        plan(KIM, "customer", "03-03T11:00", "03-03T11:30", unplanned=True),
        done("03-03T11:00", "03-03T11:30"),
    ),
    "entry-out": (
        plan(KIM, "internal", "03-03T11:00", "03-03T12:00"),
        EntryDisplaced(by="entry-urgent"),
    ),
    "entry-moved": (
        plan(KIM, "travel", "03-03T15:00", "03-03T16:00"),
        EntryMoved(starts_at=at("03-04T15:00"), ends_at=at("03-04T17:00")),
        EntryMissed(),
    ),
    "entry-own": (
        plan(KIM, "private", "03-04T19:00", "03-04T20:00", sealed="x", sealed_to="y"),
        done("03-04T19:00", "03-04T20:00"),
    ),
    "entry-fair": (plan(KIM, "customer", "03-05T00:00", "03-06T00:00", all_day=True),),
    # Planned by Kim, handed over to Lee.
    "entry-handed": (
        plan(KIM, "customer", "04-07T10:00", "04-07T11:00"),
        EntryReassigned(seller=LEE, on=on("04-01")),
    ),
}


@pytest.fixture
async def told(world: World) -> World:
    for stream, events in ENTRIES.items():
        await world.append(recorded(*events, stream=stream))
    carried = IssueRegistered(kind="complaint", words="Late.", owner=KIM, on=on("03-01"))
    await world.append(recorded(carried, stream="issue-1"))
    await world.fold()
    return world


MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


async def rows(world: World, **query: Any) -> dict[str | None, dict[str, Any]]:
    answer = await world.get("workload", **{"as_of": "2026-12-31", **MARCH, **query})
    return {row["id"]: row for row in answer["rows"]}


async def test_n_01_minutes_planned_and_spent_of_a_seller_by_category(told: World) -> None:
    row = (await rows(told))[KIM]
    assert row["categories"] == {
        "customer": {"planned_minutes": 60, "actual_minutes": 90, "entries": 2},
        "internal": {"planned_minutes": 60, "actual_minutes": 0, "entries": 1},
        "reporting": {"planned_minutes": 30, "actual_minutes": 30, "entries": 1},
        "travel": {"planned_minutes": 120, "actual_minutes": 0, "entries": 1},
        "private": {"planned_minutes": 60, "actual_minutes": 60, "entries": 1},
    }
    assert (row["work_minutes"], row["planned_minutes"]) == (120, 270)
    assert (row["shares"]["customer"], row["shares"]["reporting"]) == ("75.00", "25.00")
    plans = {name: row[name] for name in ("plans", "done", "missed", "displaced", "moved")}
    assert plans == {"plans": 4, "done": 2, "missed": 1, "displaced": 1, "moved": 1}
    assert (row["unplanned"], row["kept_share"]) == (1, "50.00")


async def test_k_06_late_is_what_the_company_calls_late(told: World) -> None:
    # Six minutes are more than the usual grace of five: two of four starts and ends are in time.
    assert (await rows(told))[KIM]["on_time_share"] == "50.00"
    patient = told.runtime.domain.defaults
    assert patient is not None
    looser = patient.model_copy(update={"grace_minutes": 6})
    object.__setattr__(told.runtime.domain, "defaults", looser)
    assert (await rows(told))[KIM]["on_time_share"] == "100.00"


async def test_what_is_carried_is_what_is_open_at_the_end_of_the_period(told: World) -> None:
    row = (await rows(told))[KIM]
    assert (row["carried_opportunities"], row["carried_issues"]) == (1, 1)
    before = (await rows(told, **{"from": "2026-02-01", "to": "2026-02-01"}))[KIM]
    assert (before["carried_opportunities"], before["carried_issues"]) == (2, 0)
    for kind, stream in (("opportunity", "opportunity-4"), ("issue", "issue-1")):
        why = await told.get("workload/why", by="seller", key=KIM, kind=kind, **MARCH)
        assert [one["stream"] for one in why["contributions"]] == [stream]


async def test_time_belongs_to_where_its_seller_was_on_that_day(told: World) -> None:
    year = {"from": "2026-01-01", "to": "2026-12-31"}
    for by, unit in (("team", "unit-red"), ("division", "unit-east"), ("company", "unit-all")):
        assert (await rows(told, by=by, **year))[unit]["work_minutes"] == 120, by
    assert (await rows(told, by="team", **year, unit="unit-east"))["unit-red"]["plans"] == 4
    handed = (await rows(told, by="month", **year))["2026-04"]
    assert handed["categories"]["customer"]["planned_minutes"] == 60
    assert set(await rows(told, **{"from": "2026-04-02", "to": "2026-04-30"})) == {KIM, LEE}
    days = await rows(told, by="day")
    assert {day: row["work_minutes"] for day, row in days.items()} == {
        "2026-03-02": 90,
        "2026-03-03": 30,
        "2026-03-04": 0,
    }


@pytest.mark.parametrize(
    "by", ["seller", "team", "division", "company", "manager", "category", "week", "total"]
)
async def test_every_row_of_the_workload_opens_into_entries_that_add_up(
    told: World, by: str
) -> None:
    for key, row in (await rows(told, by=by)).items():
        named = {} if key is None else {"key": key}
        why = await told.get("workload/why", by=by, as_of="2026-12-31", **MARCH, **named)
        for measure in why["total"]:
            parts = sum(one.get(measure, 0) for one in why["contributions"])
            assert parts == why["total"][measure]
        for name, spent in row["categories"].items():
            assert why["total"].get(f"actual {name}", 0) == spent["actual_minutes"]
            assert why["total"].get(f"planned {name}", 0) == spent["planned_minutes"]


async def test_of_private_time_nothing_but_minutes_is_told(told: World) -> None:
    why = await told.get("workload/why", by="category", key="private", **MARCH)
    minutes = {"entries private": 1, "planned private": 60, "actual private": 60}
    (one,) = why["contributions"]
    assert len(one.pop("facts")) == 2
    assert one == {"stream": "entry-own", **minutes}
    total = (await rows(told, by="total"))["total"]
    assert "private" not in total["shares"]
