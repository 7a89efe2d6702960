"""Figures about issues (I-05, I-09, I-11): as they stood on a day, each opening into its cases."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

from hypothesis import given

from services.analytics.cells import IssueAxis
from services.analytics.complaints import Issue
from services.analytics.measures import contributions, recompute
from services.analytics.report_by import IssuesBy
from services.analytics.tests.histories import ZONE, histories
from services.analytics.tests.world import KIM, LEE, World, on
from shared.events import Envelope
from shared.events.issues import (
    CauseFound,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueGraded,
    IssueRegistered,
    IssueReopened,
    SatisfactionStated,
    ServiceLevelTold,
    StatusTold,
)
from shared.testing import recorded


async def told(world: World) -> None:
    """A critical case that Kim settled twice, and one of a company that is open."""
    late = IssueRegistered(
        kind="complaint", words="Late.", owner=KIM, severity="high", status="New", on=on("03-01")
    )
    history = (
        late,
        ServiceLevelTold(kept=True, on=on("03-01")),
        StatusTold(status="Active", on=on("03-02")),
        IssueGraded(severity="critical", on=on("03-02")),
        FeedbackGiven(result="Sorry.", on=on("03-03")),
        IssueClosed(on=on("03-03")),
        IssueReopened(reason="Late again.", on=on("03-10")),
        StatusTold(status="New", on=on("03-10")),
        ServiceLevelTold(kept=False, on=on("03-12")),
        StatusTold(status="Active", on=on("03-12")),
    )
    asked = IssueRegistered(
        kind="advice", words="Smaller.", company="company-p", owner=LEE, on=on("03-05")
    )
    await world.append(recorded(*history, stream="issue-1"))
    await world.append(recorded(asked, IssueAssigned(owner=KIM, on=on("03-20")), stream="issue-2"))
    await world.fold()


async def rows(world: World, **query: Any) -> dict[str | None, dict[str, Any]]:
    return {row["key"]: row for row in (await world.get("issues", **query))["rows"]}


async def test_i_05_cases_are_counted_as_they_stood_at_the_end_of_a_day(world: World) -> None:
    await told(world)
    total = {"by": "total"}
    expected = {"2026-03-02": (1, 1), "2026-03-03": (1, 0), "2026-03-05": (2, 1)}
    for day, (cases, still_open) in (expected | {"2026-03-10": (2, 2)}).items():
        found = (await rows(world, **total, as_of=day))["total"]
        assert (found["cases"], found["open"], found["closed"]) == (
            *(cases, still_open, cases - still_open),
        )
    assert await rows(world, **total, as_of="2026-02-28") == {}


async def test_i_09_by_severity_with_what_was_kept_reopened_and_fed_back(world: World) -> None:
    await told(world)
    severities = await rows(world, as_of="2026-03-31")
    assert set(severities) == {"critical", "moderate"}
    critical = severities["critical"]
    assert (critical["kept"], critical["missed"], critical["reopened"]) == (0, 1, 1)
    assert critical["fed_back"] == 0  # It was opened again: the customer has to be told anew.
    before = await rows(world, as_of="2026-03-03")
    assert (before["critical"]["fed_back"], before["critical"]["kept"]) == (1, 1)
    assert set(await rows(world, as_of="2026-03-01")) == {"high"}


async def test_each_move_from_one_status_to_another_is_counted(world: World) -> None:
    await told(world)
    moves = await rows(world, by="move", as_of="2026-03-31")
    assert {key: row["moved"] for key, row in moves.items()} == {"New→Active": 2, "Active→New": 1}
    assert (await rows(world, by="move", as_of="2026-03-05"))["New→Active"]["moved"] == 1


async def test_cases_belong_to_who_has_them_and_where_they_are(world: World) -> None:
    await told(world)
    sellers = await rows(world, by="seller", as_of="2026-03-05")
    assert {key: row["cases"] for key, row in sellers.items()} == {"김": 1, LEE: 1}
    assert (await rows(world, by="seller", as_of="2026-03-31"))["김"]["cases"] == 2
    assert (await rows(world, by="team", as_of="2026-03-31"))["Red"]["cases"] == 2
    companies = await rows(world, by="company", as_of="2026-03-31")
    assert {key: row["cases"] for key, row in companies.items()} == {"P & Co.": 1, None: 1}
    assert set(await rows(world, by="kind", as_of="2026-03-31")) == {"complaint", "advice"}
    hers = await rows(world, by="total", seller=KIM, as_of="2026-03-05")
    assert hers["total"]["cases"] == 1


async def test_every_row_opens_into_its_cases(world: World) -> None:
    await told(world)
    for by in get_args(IssuesBy):
        answer = (await world.get("issues", by=by, as_of="2026-03-31"))["rows"]
        assert answer, by
        for row in answer:
            key = {} if row["id"] is None else {"key": row["id"]}
            why = await world.get("issues/why", by=by, as_of="2026-03-31", **key)
            for measure in ("cases", "open", "kept", "missed", "reopened", "moved"):
                if row[measure] is not None:
                    assert why["total"].get(measure, 0) == row[measure], (by, row)


async def test_c_06_what_was_known_of_cases_is_asked_for_too(world: World) -> None:
    await told(world)
    later = await rows(world, by="total", known_at="2100-01-01T00:00:00Z", as_of="2026-03-31")
    assert later["total"]["cases"] == 2
    assert later == await rows(world, by="total", as_of="2026-03-31")
    assert await rows(world, by="total", known_at="2025-01-01T00:00:00Z", as_of="2026-03-31") == {}


async def test_i_04_cases_stand_under_the_kind_of_their_cause(world: World) -> None:
    await told(world)
    assert await counted(world, by="cause", as_of="2026-03-31") == {None: (2, 2)}
    found = [
        CauseFound(cause="The pump leaks.", category="parts", on=on("03-12")),
        CauseFound(cause="Nobody knows the kind of it.", on=on("03-20")),
    ]
    await world.append(recorded(*found, stream="issue-1", after=10))
    await world.fold()
    assert await counted(world, by="cause", as_of="2026-03-11") == {None: (2, 2)}
    assert await counted(world, by="cause", as_of="2026-03-12") == {None: (1, 1), "parts": (1, 1)}
    later = {None: (1, 1), "unsorted": (1, 1)}
    assert await counted(world, by="cause", as_of="2026-03-31") == later


async def counted(world: World, **asked: str) -> dict[str | None, tuple[int, int]]:
    found = await rows(world, **asked)
    return {key: (row["cases"], row["open"]) for key, row in found.items()}


async def test_cases_are_told_by_how_old_they_are(world: World) -> None:
    await told(world)
    assert await counted(world, by="age", as_of="2026-03-10") == {
        "00-07 days": (1, 1),
        "08-30 days": (1, 1),
    }
    # Once it is closed it grows no older, whatever is told of it.
    rated = SatisfactionStated(score=9, when="after", on=on("03-08"))
    again = ServiceLevelTold(kept=False, on=on("03-25"))
    closed = IssueClosed(on=on("03-20"))
    history = recorded(rated, closed, again, stream="issue-1", after=10)
    ages = {day: await counted(world, by="age", as_of=f"2026-03-{day}") for day in ("03", "09")}
    assert ages == {
        "03": {"00-07 days": (1, 0)},
        "09": {"00-07 days": (2, 1)},
    }
    assert await counted(world, by="age", as_of="2026-12-31") == {"91+ days": (2, 2)}
    early = (await rows(world, by="age", as_of="2026-03-03"))["00-07 days"]
    assert [early[name] for name in ("kept", "missed", "reopened", "fed_back")] == [1, 0, 0, 1]
    assert (early["breach_rate"], early["feedback_rate"]) == ("0.00", "100.00")
    total = (await rows(world, by="total", as_of="2026-03-10"))["total"]
    assert total["mean_age_days"] == "7.00"
    sellers = await rows(world, by="seller", as_of="2026-03-05")
    assert {key: row["mean_age_days"] for key, row in sellers.items()} == {"김": None, LEE: "0.00"}
    await world.append(history)
    await world.fold()
    assert await counted(world, by="age", as_of="2026-12-31") == {
        "08-30 days": (1, 0),
        "91+ days": (1, 1),
    }
    late = (await rows(world, by="age", as_of="2026-12-31"))["08-30 days"]
    assert (late["missed"], late["reopened"], late["mean_age_days"]) == (1, 1, None)


async def test_rates_tell_how_many_were_missed_and_told(world: World) -> None:
    await told(world)
    total = (await rows(world, by="total", as_of="2026-03-03"))["total"]
    assert (total["breach_rate"], total["feedback_rate"]) == ("0.00", "100.00")
    total = (await rows(world, by="total", as_of="2026-03-31"))["total"]
    assert (total["breach_rate"], total["feedback_rate"]) == ("100.00", "0.00")


@given(histories())
def test_at_the_end_of_each_day_a_case_stands_in_one_place_of_each_view(
    found: list[list[Envelope]],
) -> None:
    for entity in recompute((fact for history in found for fact in history), ZONE)[0].values():
        if not isinstance(entity, Issue):
            continue
        cells = contributions(entity)
        for day in {one.day for one in cells if one.axis != "satisfaction"}:
            stands: Counter[tuple[str, str, str]] = Counter()
            for one, amount in cells.items():
                if one.measure == "cases" and one.day <= day:
                    stands[one.axis, one.value, one.owner] += amount
            assert all(n in (0, 1) for n in stands.values())
            views = Counter(view for (view, *_), n in stands.items() if n)
            everywhere = {*get_args(IssueAxis)} - {"issue_move"}
            assert views == dict.fromkeys(everywhere, 1)
            still_open = Counter[str]()
            for one, amount in cells.items():
                if one.measure == "open" and one.day <= day:
                    still_open[one.axis] += amount
            assert still_open["issue_age"] == still_open["issue_total"]
