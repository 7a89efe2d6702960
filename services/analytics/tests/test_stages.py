"""Conversion, time in stage, probability, slippage, and what is open is worth (N-06)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.analytics.entities import Opportunity, evolve
from services.analytics.passages import passages
from services.analytics.periods import periods
from services.analytics.tests.histories import ZONE
from services.analytics.tests.world import KIM, LEE, World, on
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    StageAdvanced,
)
from shared.testing import recorded


def found(owner: str, day: str, amount: int | None = None, close: str | None = None) -> Any:
    return OpportunityDiscovered(
        title="Chance",
        stage="Alpha",
        owner=owner,
        on=on(day),
        amount=None if amount is None else Decimal(amount),
        currency="USD",
        expected_close_on=None if close is None else on(close),
    )


def bought(day: str) -> OpportunityWon:
    return OpportunityWon(value=Decimal(10), currency="USD", on=on(day))


DEALS: dict[str, tuple[OpportunityEvent, ...]] = {
    "opportunity-20": (
        found(KIM, "06-01", 100, "07-01"),
        StageAdvanced(stage="Beta", on=on("06-11")),
        OpportunityRevalued(amount=Decimal(80), expected_close_on=on("07-15"), on=on("06-20")),
        bought("07-11"),
    ),
    "opportunity-21": (
        found(KIM, "06-01", 50, "07-01"),
        OpportunityLost(on=on("06-21")),
        OpportunityReopened(stage="Alpha", on=on("07-01")),
    ),
    "opportunity-22": (
        found(LEE, "06-05", 30),
        StageAdvanced(stage="Beta", on=on("06-15")),
        OpportunityReassigned(owner=KIM, reason="handover", on=on("06-17")),
        OpportunityLost(on=on("06-25")),
    ),
}


@pytest.fixture
async def dealt(world: World) -> World:
    for stream, events in DEALS.items():
        await world.append(recorded(*events, stream=stream))
    await world.fold()
    return world


JUNE = {"from": "2026-06-01", "to": "2026-06-30"}
YEAR = {"from": "2026-06-01", "to": "2026-12-31"}


async def stages(world: World, **query: Any) -> dict[str, dict[str, Any]]:
    answer = await world.get("stages", as_of="2026-12-31", **query)
    return {row["key"]: row for row in answer["rows"]}


async def test_what_left_a_stage_is_counted_on_that_day_with_its_days(dealt: World) -> None:
    alpha = (await stages(dealt, **JUNE))["Alpha"]
    # Two went on after ten days each, one was lost after twenty.
    assert (alpha["passed"], alpha["passed_lost"], alpha["passed_won"]) == (3, 1, 0)
    assert (alpha["mean_days"], alpha["conversion"]) == ("13.33", "66.67")
    beta = (await stages(dealt, **JUNE))["Beta"]
    assert (beta["passed"], beta["passed_lost"], beta["mean_days"]) == (1, 1, "10.00")


async def test_below_the_floor_no_probability_is_told(dealt: World) -> None:
    alpha = (await stages(dealt, **YEAR))["Alpha"]
    assert (alpha["decided"], alpha["won_from"], alpha["probability"]) == (2, 1, None)
    assert alpha["insufficient_history"] is True
    defaults = dealt.runtime.domain.defaults
    assert defaults is not None
    object.__setattr__(
        dealt.runtime.domain, "defaults", defaults.model_copy(update={"sample_floor": 2})
    )
    alpha = (await stages(dealt, **YEAR))["Alpha"]
    assert (alpha["probability"], "insufficient_history" in alpha) == ("50.00", False)


async def test_what_was_decided_and_undone_is_no_sample(dealt: World) -> None:
    assert (await stages(dealt, **JUNE))["Alpha"]["decided"] == 2  # Lost in June, both of them.
    july = await stages(dealt, **{"from": "2026-07-01", "to": "2026-07-31"})
    assert july["Alpha"]["decided"] == 0  # One was won, one that was lost is open again.


async def test_slippage_counts_what_was_put_off_and_what_came_late(dealt: World) -> None:
    answer = await dealt.get("slippage", as_of="2026-12-31", **YEAR)
    assert [row["id"] for row in answer["rows"]] == [KIM]
    row = answer["rows"][0]
    assert (row["pushes"], row["mean_pushed_days"]) == (1, "14.00")
    assert (row["won_with_a_day"], row["won_late"], row["mean_late_days"]) == (1, 1, "10.00")
    months = (await dealt.get("slippage", as_of="2026-12-31", by="month", **YEAR))["rows"]
    assert [(r["key"], r["pushes"], r["won_late"]) for r in months] == [
        ("2026-06", 1, 0),
        ("2026-07", 0, 1),
    ]
    for by in ("product", "company", "segment"):
        (told,) = (await dealt.get("slippage", as_of="2026-12-31", by=by, **YEAR))["rows"]
        assert (told["pushes"], told["won_late"]) == (1, 1)
        key = {} if told["id"] is None else {"key": told["id"]}
        opened = await dealt.get("slippage/why", by=by, as_of="2026-12-31", **key, **YEAR)
        assert opened["total"]["pushes"] == 1, (by, opened)
    why = await dealt.get("slippage/why", by="seller", key=KIM, as_of="2026-12-31", **YEAR)
    assert [one["stream"] for one in why["contributions"]] == ["opportunity-20"]


async def test_every_stage_opens_into_its_opportunities(dealt: World) -> None:
    for key, row in (await stages(dealt, **YEAR)).items():
        why = await dealt.get("stages/why", key=key, as_of="2026-12-31", **YEAR)
        for measure in ("passed", "passed_won", "passed_lost", "won_from"):
            assert why["total"].get(measure, 0) == row[measure], (key, measure)
            assert sum(one.get(measure, 0) for one in why["contributions"]) == row[measure]


@pytest.mark.parametrize("by", ["seller", "total", "stage", "product", "company", "age"])
@pytest.mark.parametrize(
    ("as_of", "worth"),
    [("2026-06-04", 150), ("2026-06-05", 180), ("2026-06-20", 160), ("2026-06-30", 80)],
)
async def test_what_is_open_is_worth_what_its_sellers_say(
    dealt: World, by: str, as_of: str, worth: int
) -> None:
    rows = await dealt.rows(by=by, as_of=as_of)
    assert sum(Decimal(row["value_open"]) for row in rows.values()) == worth


async def test_what_is_open_is_counted_by_its_age(dealt: World) -> None:
    ages = {
        key: row["open"] for key, row in (await dealt.rows(by="age", as_of="2026-07-31")).items()
    }
    # Opportunity 21 since June; 4 of the usual company since March.
    assert ages == {"01-02 months": 1, "03-05 months": 1}
    why = await dealt.get("why", by="age", key="01-02 months", as_of="2026-07-31")
    assert [one["stream"] for one in why["contributions"]] == ["opportunity-21"]


def test_a_stage_handed_over_in_between_was_passed_once() -> None:
    known = Opportunity("opportunity-22")
    for fact in recorded(*DEALS["opportunity-22"], stream=known.stream):
        entity = evolve(known, fact, ZONE)
        assert isinstance(entity, Opportunity)
        known = entity
    passed = [one for one in passages(periods(known)) if one.measure == "passed"]
    assert [(one.stage, one.owner) for one in passed] == [("Alpha", LEE), ("Beta", KIM)]
