"""Conversion, time in stage, probability, slippage, and what is open is worth (N-06)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest

from services.analytics.entities import Opportunity, evolve
from services.analytics.passages import passages
from services.analytics.periods import periods
from services.analytics.report_by import DealsBy
from services.analytics.tests.histories import ZONE
from services.analytics.tests.world import KIM, LEE, World, on
from shared.events.contacts import CompanyDescribed
from shared.events.opportunities import (
    EvidenceRecorded,
    NextStepAgreed,
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    StageAdvanced,
)
from shared.reading import Token
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


GOOD = "evidence and next step"
# It came in, showed what it was, and was won.
SHOWN = (
    found(LEE, "06-01", 40, "06-08").model_copy(
        update={"product": "product-x", "company": "company-p"}
    ),
    EvidenceRecorded(stage="Alpha", what="They asked.", on=on("06-03")),
    NextStepAgreed(stage="Alpha", what="Visit them.", on=on("06-04")),
    bought("06-10"),
)


@pytest.fixture
async def shown(dealt: World) -> World:
    described = CompanyDescribed(sector="chips", stated_by=KIM)
    await dealt.append(recorded(described, stream="company-p", after=1))
    await dealt.append(recorded(*SHOWN, stream="opportunity-23"))
    await dealt.fold()
    headers = {"X-At-Least": Token("company-p", 2).encode()}
    assert (await dealt.client.get("/analytics/growth", headers=headers)).status_code == 200
    return dealt


def told(rows: Any, *names: str) -> dict[str | None, tuple[Any, ...]]:
    return {row["key"]: tuple(row[name] for name in names) for row in rows["rows"]}


FLOW = {"first": "2026-06-01", "as_of": "2026-12-31"}


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("stage", {"Alpha": (4, 1, 0, "100.00"), "Beta": (0, 1, 1, "50.00")}),
        ("age", {"00 months": (4, 1, 1, "50.00"), "01-02 months": (0, 1, 0, "100.00")}),
        ("quality", {GOOD: (0, 1, 0, "100.00"), "neither": (4, 1, 1, "50.00")}),
        ("product", {"Product X": (1, 1, 0, "100.00"), None: (3, 1, 1, "50.00")}),
        ("company", {"P & Co.": (1, 1, 0, "100.00"), None: (3, 1, 1, "50.00")}),
        ("segment", {"chips": (1, 1, 0, "100.00"), None: (3, 1, 1, "50.00")}),
        ("seller", {"김": (2, 1, 1, "50.00"), LEE: (2, 1, 0, "100.00")}),
        ("team", {"Blue": (2, 1, 1, "50.00"), None: (2, 1, 0, "100.00")}),
    ],
)
async def test_n_06_what_came_in_and_went_out_is_told_by_what_it_was(
    shown: World, by: str, rows: Any
) -> None:
    found = await shown.get("inflow", by=by, **FLOW)
    assert told(found, "discovered", "won", "lost", "win_rate") == rows


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("age", {"00 months": (5, "11.80", "60.00"), "01-02 months": (1, "30.00", "100.00")}),
        ("quality", {GOOD: (1, "9.00", "100.00"), "neither": (5, "16.00", "60.00")}),
        ("product", {"Product X": (1, "9.00", "100.00"), None: (5, "16.00", "60.00")}),
    ],
)
async def test_n_06_time_in_stage_and_conversion_are_told_by_what_it_was(
    shown: World, by: str, rows: Any
) -> None:
    found = await shown.get("stages", by=by, as_of="2026-12-31", **YEAR)
    assert told(found, "passed", "mean_days", "conversion") == rows
    # The same deals had been in each of them.
    assert set(told(found, "decided", "won_from", "probability").values()) == {(None,) * 3}
    beta = await shown.get("stages", by=by, stage="Beta", as_of="2026-12-31", **YEAR)
    assert sum(row["decided"] for row in beta["rows"]) == 2
    whole = (await stages(shown, **YEAR))["Beta"]
    assert sum(row["passed"] for row in beta["rows"]) == whole["passed"]


async def test_n_06_stages_of_one_product_alone(shown: World) -> None:
    alone = await stages(shown, product="product-x", **YEAR)
    assert {key: row["passed"] for key, row in alone.items()} == {"Alpha": 1}


async def test_n_06_what_was_put_off_is_told_by_what_it_was_then(shown: World) -> None:
    for by, key, others in (
        ("stage", "Beta", {"Alpha": (0, 1)}),
        ("age", "00 months", {"01-02 months": (0, 1)}),
        ("quality", "neither", {GOOD: (0, 1)}),
    ):
        found = told(
            await shown.get("slippage", by=by, as_of="2026-12-31", **YEAR), "pushes", "won_late"
        )
        assert found.pop(key)[0] == 1, by
        assert found == others, by


# What each of these reports counts, and how days are asked for.
COURSES: dict[str, tuple[str, dict[str, str]]] = {
    "inflow": ("discovered won lost", FLOW),
    "stages": ("passed passed_won passed_lost", {"as_of": "2026-12-31", **YEAR}),
    "slippage": ("pushes won_late", {"as_of": "2026-12-31", **YEAR}),
}
BEHIND = {"won_late": "late"}


@pytest.mark.parametrize("report", COURSES)
@pytest.mark.parametrize("by", get_args(DealsBy))
async def test_n_06_whatever_it_is_told_by_it_adds_up_and_opens(
    shown: World, report: str, by: str
) -> None:
    names, days = COURSES[report]
    (whole,) = (await shown.get(report, by="total", **days))["rows"]
    rows = (await shown.get(report, by=by, **days))["rows"]
    for name in names.split():
        assert sum(row[name] for row in rows) == whole[name] > 0, name
    for row in rows:
        key = {} if row["id"] is None else {"key": row["id"]}
        why = await shown.get(f"{report}/why", by=by, **key, **days)
        for name in names.split():
            assert why["total"].get(BEHIND.get(name, name), 0) == row[name], (row, name)


def test_a_stage_handed_over_in_between_was_passed_once() -> None:
    known = Opportunity("opportunity-22")
    for fact in recorded(*DEALS["opportunity-22"], stream=known.stream):
        entity = evolve(known, fact, ZONE)
        assert isinstance(entity, Opportunity)
        known = entity
    passed = [one for one in passages(periods(known)) if one.measure == "passed"]
    assert [(one.stage, one.owner) for one in passed] == [("Alpha", LEE), ("Beta", KIM)]
