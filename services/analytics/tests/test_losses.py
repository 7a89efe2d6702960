"""What keeps sellers from their work (N-11): found in a week, acted on in time or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.analytics.tests.world import KIM, LEE, World, on
from shared.events.analytics import AssessmentGiven, KpiCoached, KpiDefined, KpiSwitched
from shared.events.calendar import EntryDisplaced, EntryDone, EntryMissed, EntryPlanned
from shared.reading import Token
from shared.testing import recorded

# Monday, 10 in Seoul.
MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MARCH = {"from": "2026-03-02", "to": "2026-03-15"}


def plan(seller: str, category: Any, day: int, hours: int = 1) -> EntryPlanned:
    at = MONDAY + timedelta(days=day)
    return EntryPlanned(seller=seller, category=category, starts_at=at, ends_at=at + hours * HOUR)


def done(day: int, late: int = 0, hours: int = 1, over: int = 0) -> EntryDone:
    at = MONDAY + timedelta(days=day)
    begun, over_by = timedelta(minutes=late), timedelta(minutes=over)
    return EntryDone(started_at=at + begun, ended_at=at + hours * HOUR + over_by)


@pytest.fixture
async def lost(world: World) -> World:
    entries = (
        # In the first week: nine hours with a customer, one of reports, late and longer.
        (plan(KIM, "customer", 0, 9), done(0, hours=9)),
        (plan(KIM, "reporting", 1), done(1, late=15, over=15)),
        # In the second: a visit is displaced, one is missed.
        (plan(KIM, "customer", 7), done(7)),
        (plan(KIM, "customer", 8, 2), EntryDisplaced(by="entry-urgent")),
        (plan(KIM, "customer", 9), EntryMissed()),
        (plan(LEE, "internal", 9), done(9)),
        (plan(KIM, "private", 9), EntryMissed()),
    )
    for number, facts in enumerate(entries):
        await world.append(recorded(*facts, stream=f"entry-l{number}", occurred_at=MONDAY))
    await world.fold()
    return world


async def rows(world: World, **query: Any) -> dict[str, dict[str, Any]]:
    asked = {**MARCH, "seller": KIM, "as_of": "2026-04-30", **query}
    answer = await world.get("losses", **asked)
    return {row["id"]: row for row in answer["rows"]}


async def folded(world: World, path: str, *tokens: Token) -> None:
    for token in tokens:
        read = await world.client.get(path, headers={"X-At-Least": token.encode()})
        assert read.status_code == 200, read.text


async def test_n_11_losses_are_told_by_their_minutes_and_share(lost: World) -> None:
    told = await rows(lost)
    assert {name: (row["minutes"], row["times"]) for name, row in told.items()} == {
        "displaced": (120, 1),
        "missed": (60, 1),
        "reporting": (60, 1),
        "late": (15, 1),
        "overrun": (15, 1),
    }
    assert next(iter(told)) == "displaced"
    # Of 660 minutes of work.
    assert told["reporting"]["share"] == "9.09"
    second = await rows(lost, **{"from": "2026-03-09", "to": "2026-03-15"})
    assert (second["reporting"]["minutes"], second["reporting"]["minutes_before"]) == (0, 60)
    assert second["reporting"]["share_before"] == "10.00"


async def test_n_11_a_loss_is_found_in_the_first_week_that_it_took_too_much_of(
    lost: World,
) -> None:
    told = await rows(lost)
    assert told["displaced"]["found"] == {"week": "2026-03-09", "share": "200.00"}
    # Ten percent is what the company takes.
    assert told["reporting"]["found"] is None
    # Thirty days after that week there was nobody who acted on it.
    assert told["displaced"]["in_time"] is False
    soon = await rows(lost, as_of="2026-03-20")
    assert soon["displaced"]["in_time"] is None


async def test_n_11_who_is_coached_about_a_figure_of_it_has_acted(lost: World) -> None:
    defined = KpiDefined(
        definition=1,
        name="Displaced",
        expression="displaced_minutes / 60",
        measured_in="number",
        frequency="week",
        level="seller",
        direction="down",
        target=Decimal(1),
        on=on("03-01"),
    )
    kpi = (defined, KpiSwitched(definition=1, on=on("03-01")))
    await lost.append(recorded(*kpi, stream="kpi-displaced"))
    for number, (of, day) in enumerate(((LEE, "03-17"), (KIM, "03-12"), (KIM, "03-20"))):
        told = KpiCoached(
            kpi="kpi-displaced",
            coach="employee-han",
            of=of,
            period="2026-W11",
            facts="Two hours.",
            actions=("Ask before.",),
            on=on(day),
        )
        noon = datetime.fromisoformat(f"2026-{day}T12:00:00Z")
        await lost.append(recorded(told, stream=f"review-{number}", occurred_at=noon))
    await lost.fold()
    await folded(lost, "/analytics/kpis/displaced", Token("kpi-displaced", 2))
    reviews = [Token(f"review-{number}", 1) for number in range(3)]
    await folded(lost, "/analytics/kpis/displaced/reviews", *reviews)
    row = (await rows(lost))["displaced"]
    # Not that of somebody else, and not what was said in the week itself.
    assert [(one["review"], one["on"]) for one in row["acted_on"]] == [("review-2", "2026-03-20")]
    assert row["acted_on"][0]["actions"] == ["Ask before."]
    assert row["in_time"] is True
    # What was told later was not known then (C-06).
    before = (await rows(lost, known_at="2026-03-20T00:00:00Z"))["displaced"]
    assert before["acted_on"] == []


async def test_n_11_a_loss_opens_into_its_entries(lost: World) -> None:
    for key in ("displaced", "late", "reporting"):
        why = await lost.get("losses/why", key=key, seller=KIM, **MARCH)
        row = (await rows(lost))[key]
        assert why["total"] == {"minutes": row["minutes"], "times": row["times"]}
    assert [one["stream"] for one in why["contributions"]] == ["entry-l1"]
    everybody = await lost.get("losses/why", key="internal", **MARCH)
    assert everybody["total"] == {"minutes": 60, "times": 1}


async def test_n_12_the_numbers_stand_beside_what_was_said(lost: World) -> None:
    said = AssessmentGiven(
        leader="employee-han", of=KIM, period="2026-03", process=2, words="Busy.", on=on("04-01")
    )
    other = AssessmentGiven(leader="employee-han", of=KIM, period="2025-Q4", words="Old.")
    for number, told in enumerate((said, other)):
        await lost.append(recorded(told, stream=f"assessment-{number}"))
    await lost.fold()
    await folded(lost, "/analytics/assessments", Token("assessment-0", 1), Token("assessment-1", 1))
    page = await lost.get("evaluation", of=KIM, **MARCH)
    assert page["numbers"]["displaced_minutes"] == "120"
    assert page["numbers"]["customer_minutes"] == "600"
    assert page["numbers"]["won"] == "0"
    assert [(one["assessment"], one["process"]) for one in page["assessments"]] == [
        ("assessment-0", 2)
    ]


async def test_n_11_a_week_that_the_time_ends_in_counts_no_work_of_later_days(lost: World) -> None:
    asked = {**MARCH, "to": "2026-03-10", "as_of": "2026-04-30"}
    live = (await lost.get("losses", **asked))["rows"]
    displaced = {row["id"]: row for row in live}["displaced"]
    # Two hours of a visit, of the one that was worked until then.
    assert displaced["found"] == {"week": "2026-03-09", "share": "200.00"}
    known = await lost.get("losses", known_at="2100-01-01T00:00:00Z", **asked)
    assert known["rows"] == live
