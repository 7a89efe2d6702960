"""Every figure is the sum of what the entities contribute, in whatever order facts arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.cells import Cell
from services.analytics.entities import Entity, Opportunity, entity_of, evolve
from services.analytics.measures import change, contributions, recompute
from services.analytics.periods import periods
from services.analytics.tests.drawn import drawn
from services.analytics.tests.histories import ZONE, histories
from services.analytics.told import whole
from shared.events import Envelope, Event
from shared.events.opportunities import (
    EngagementCorrected,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityWon,
    OutcomeCorrected,
    StageAdvanced,
)
from shared.testing import interleaved, recorded

KIM, LEE = "employee-kim", "employee-lee"


def on(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def cells_of(*events: Event) -> dict[Cell, int]:
    facts = recorded(*events, stream="opportunity-1")
    return recompute(facts, ZONE)[1]


def stock(cells: dict[Cell, int], day: date, axis: str = "owner") -> Counter[tuple[str, ...]]:
    """Sum the cells up to the end of a day, by measure, owner and value."""
    sums: Counter[tuple[str, ...]] = Counter()
    for cell, amount in cells.items():
        if cell.axis == axis and cell.day <= day and cell.measure != "discovered":
            key = (cell.measure, cell.owner) + ((cell.value,) if axis != "owner" else ())
            sums[key] += amount
    return Counter({key: amount for key, amount in sums.items() if amount})


FOUND = OpportunityDiscovered(title="Chance", stage="Prospecting", owner=KIM, on=on("01-05"))
ENGAGED = StageAdvanced(stage="Engaging", on=on("01-10"))
BOUGHT = OpportunityWon(value=Decimal("12.5"), currency="USD", on=on("03-01"))


def test_a_deal_is_open_until_it_is_won() -> None:
    cells = cells_of(FOUND, ENGAGED, BOUGHT)
    assert stock(cells, on("01-04")) == {}
    assert stock(cells, on("01-05")) == {("open", KIM): 1}
    assert stock(cells, on("02-28")) == {("open", KIM): 1}
    assert stock(cells, on("03-01")) == {
        ("won", KIM): 1,
        ("value_USD", KIM): 125_000,
        ("cycle_days", KIM): 50,
        ("cycles", KIM): 1,
    }
    assert cells[Cell("discovered", KIM, "owner", "", on("01-05"))] == 1


def test_stages_are_entered_and_left() -> None:
    cells = cells_of(FOUND, ENGAGED, BOUGHT)
    assert {c: n for c, n in cells.items() if c.axis == "stage"} == {
        Cell("entered", KIM, "stage", "Prospecting", on("01-05")): 1,
        Cell("left", KIM, "stage", "Prospecting", on("01-10")): 1,
        Cell("entered", KIM, "stage", "Engaging", on("01-10")): 1,
        Cell("left", KIM, "stage", "Engaging", on("03-01")): 1,
        Cell("entered", KIM, "stage", "Won", on("03-01")): 1,
    }


def test_a_stage_left_on_the_day_it_was_entered_is_no_stage_of_that_day() -> None:
    cells = cells_of(FOUND, StageAdvanced(stage="Engaging", on=on("01-05")))
    entered = {c.value for c in cells if c.axis == "stage"}
    assert entered == {"Engaging"}


def test_a_win_that_is_undone_takes_back_what_it_gave() -> None:
    cells = cells_of(FOUND, ENGAGED, BOUGHT, OpportunityReopened(stage="Engaging", on=on("04-01")))
    assert stock(cells, on("03-31"))["won", KIM] == 1
    assert stock(cells, on("04-01")) == {("open", KIM): 1}
    back = Cell("value_USD", KIM, "owner", "", on("04-01"), credited=on("03-01"))
    assert cells[back] == -125_000


def test_what_decides_is_right_about_its_day_and_later() -> None:
    # A source said won in March, and says now: lost in February.
    cells = cells_of(
        FOUND,
        BOUGHT,
        OpportunityReopened(stage="Engaging", on=on("03-01")),
        OpportunityLost(on=on("02-20")),
    )
    assert stock(cells, on("12-31")) == {("lost", KIM): 1}
    assert stock(cells, on("02-19")) == {("open", KIM): 1}


def test_a_step_entered_late_counts_on_its_days_and_does_not_bring_it_back() -> None:
    proposal = StageAdvanced(stage="Proposal", on=on("03-10"))
    late = StageAdvanced(stage="Engaging", on=on("02-01"))
    cells = cells_of(FOUND, proposal, late)
    assert cells == cells_of(FOUND, late, proposal)
    assert stock(cells, on("02-01"), "stage")["entered", KIM, "Engaging"] == 1
    assert stock(cells, on("12-31"), "stage")["left", KIM, "Proposal"] == 0


def test_a_handover_entered_late_leaves_it_to_who_has_it_since() -> None:
    june = OpportunityReassigned(owner=LEE, reason="handover", on=on("06-01"))
    march = OpportunityReassigned(owner="employee-han", reason="handover", on=on("03-01"))
    cells = cells_of(FOUND, june, march)
    assert stock(cells, on("03-01")) == {("open", "employee-han"): 1}
    assert stock(cells, on("12-31")) == {("open", LEE): 1}


def test_what_is_latent_is_not_open_and_counts_as_discovered_once_it_is_real() -> None:
    latent = FOUND.model_copy(update={"latent": True})
    cells = cells_of(latent, StageAdvanced(stage="Prospecting", on=on("02-01")))
    assert stock(cells, on("01-31")) == {("latent", KIM): 1}
    assert stock(cells, on("01-31"), "stage") == {("latent", KIM, "Prospecting"): 1}
    assert stock(cells, on("02-01")) == {("open", KIM): 1}
    assert stock(cells, on("02-01"), "stage") == {("entered", KIM, "Prospecting"): 1}
    discovered = {cell.axis: cell.day for cell in cells if cell.measure == "discovered"}
    assert discovered == {"owner": on("02-01"), "flow": on("02-01")}


def test_a_handover_moves_what_is_open_from_its_day_on() -> None:
    moved = OpportunityReassigned(owner=LEE, reason="handover", on=on("02-01"))
    cells = cells_of(FOUND, ENGAGED, moved, BOUGHT)
    assert stock(cells, on("01-31")) == {("open", KIM): 1}
    assert stock(cells, on("02-01")) == {("open", LEE): 1}
    assert stock(cells, on("03-01"))["won", LEE] == 1
    assert stock(cells, on("02-01"), "stage")["left", KIM, "Engaging"] == 1


def test_who_won_it_keeps_the_credit_when_it_is_handed_over() -> None:
    same_day = OpportunityReassigned(owner=LEE, reason="leave", on=on("03-01"))
    after = OpportunityReassigned(owner=LEE, reason="leave", on=on("04-01"))
    for moved in (same_day, after):
        assert stock(cells_of(FOUND, BOUGHT, moved), on("12-31"))["won", KIM] == 1


def test_a_handover_entered_late_still_counts_from_its_day() -> None:
    late = OpportunityReassigned(owner=LEE, reason="territory", on=on("02-01"))
    cells = cells_of(FOUND, BOUGHT, late)
    assert stock(cells, on("12-31"))["won", LEE] == 1


def test_the_first_owner_whom_a_source_names_without_a_date_had_it_all_along() -> None:
    named = OpportunityReassigned(owner=LEE, reason="unstated")
    cells = cells_of(FOUND.model_copy(update={"owner": None}), ENGAGED, BOUGHT, named)
    assert {cell.owner for cell in cells} == {LEE}


def test_another_owner_without_a_date_has_it_from_the_day_of_recording() -> None:
    moved = OpportunityReassigned(owner=LEE, reason="handover", on=on("02-01"))
    again = OpportunityReassigned(owner=KIM, reason="unstated")
    facts = recorded(FOUND, moved, BOUGHT, stream="opportunity-1")
    april = datetime(2026, 4, 1, tzinfo=UTC)
    facts += recorded(again, stream="opportunity-1", after=3, occurred_at=april)
    cells = recompute(facts, ZONE)[1]
    assert stock(cells, on("12-31"))["won", LEE] == 1
    assert stock(cells, on("01-31")) == {("open", KIM): 1}


def test_corrections_count_as_if_it_had_been_right_from_the_start() -> None:
    corrected = OpportunityCorrected(
        title="Better", product="product-y", reason="typo", on=on("01-07")
    )
    outcome = OutcomeCorrected(value=Decimal(20), currency="KRW", reason="typo", on=on("02-28"))
    engaged = EngagementCorrected(stage="Engaging", reason="typo", on=on("01-08"))
    cells = cells_of(FOUND, ENGAGED, BOUGHT, corrected, outcome, engaged)
    right = cells_of(
        FOUND.model_copy(update={"product": "product-y", "on": on("01-07")}),
        ENGAGED.model_copy(update={"on": on("01-08")}),
        OpportunityWon(value=Decimal(20), currency="KRW", on=on("02-28")),
    )
    assert cells == right


def test_a_date_nobody_knows_is_the_day_of_recording_and_gives_no_cycle() -> None:
    engaging = OpportunityDiscovered(title="Chance", stage="Engaging", owner=KIM)
    cells = cells_of(engaging, BOUGHT.model_copy(update={"on": None}))
    recorded_on = date(2026, 1, 5)  # 09:00 UTC is the same day in Seoul.
    assert {cell.day for cell in cells} == {recorded_on}
    assert stock(cells, recorded_on) == {("won", KIM): 1, ("value_USD", KIM): 125_000}


def test_what_was_won_before_it_was_written_down_counts_from_its_own_day() -> None:
    undated = OpportunityDiscovered(title="Chance", stage="Engaging", owner=KIM)
    won = BOUGHT.model_copy(update={"on": date(2025, 3, 1)})
    cells = cells_of(undated, won)
    assert stock(cells, date(2025, 3, 1))["won", KIM] == 1


def test_what_nobody_discovered_contributes_nothing() -> None:
    assert cells_of(BOUGHT) == {}


def test_money_too_large_to_be_summed_exactly_is_not_folded() -> None:
    assert whole(Decimal("0.00005")) == 1
    # The greatest amount that a command may carry.
    assert whole(Decimal("999999999999.9999")) == 10**16 - 1
    with pytest.raises(ValueError, match="exact"):
        whole(Decimal(10) ** 13)


# --- properties


def live(deliveries: Sequence[Envelope]) -> dict[Cell, int]:
    """Fold fact by fact; add the difference each makes; drop what came before."""
    entities: dict[str, Entity] = {}
    heads: dict[str, int] = {}
    cells: Counter[Cell] = Counter()
    for fact in deliveries:
        if fact.version <= heads.get(fact.stream, 0):
            continue
        heads[fact.stream] = fact.version
        before = entities.get(fact.stream)
        blank = before or entity_of(fact)
        if blank is None:
            continue
        after = entities[fact.stream] = evolve(blank, fact, ZONE)
        for cell, amount in change(before, after).items():
            cells[cell] += amount
    return {cell: amount for cell, amount in cells.items() if amount}


def assert_incremental(found: Sequence[Sequence[Envelope]], random: Random, back: int) -> None:
    """Deliver in any order of the streams, then so that up to so many facts come again each time.

    `back`: from how many facts before on they come again.
    """
    expected = recompute((fact for history in found for fact in history), ZONE)[1]
    order = interleaved(found, random)
    assert live(order) == expected
    redelivered = [
        again
        for place, fact in enumerate(order)
        for again in (fact, *order[random.randint(max(0, place - back), place) : place + 1])
    ]
    assert live(redelivered) == expected


@given(histories(), st.randoms(use_true_random=False))
def test_incremental_is_recomputed(found: list[list[Envelope]], random: Random) -> None:
    assert_incremental(found, random, sum(map(len, found)))


@pytest.mark.parametrize("seed", range(2))
def test_incremental_is_recomputed_for_every_measure(seed: int) -> None:
    """Of every kind of stream, with every fact and every figure there is: see `test_histories`."""
    assert_incremental(drawn(), Random(seed), 20)


@given(histories())
def test_at_the_end_of_each_day_an_opportunity_stands_in_one_place(
    found: list[list[Envelope]],
) -> None:
    for entity in recompute((fact for history in found for fact in history), ZONE)[0].values():
        if not isinstance(entity, Opportunity):
            continue
        stood = periods(entity)
        for before, after in pairwise(stood):
            assert before.start < after.start
            assert before.stop == after.start
        cells = contributions(entity)
        # Somebody may have been coached about it, or ordered it, before it was discovered.
        for day in {c.day for c in cells if c.axis not in ("feedback", "hand_off")}:
            opens = [stock(cells, day, axis) for axis in ("owner", "quality")]
            of_open = [
                {(m, owner): n for (m, owner, *_), n in sums.items() if m.startswith("open")}
                for sums in opens
            ]
            assert of_open[0] == of_open[1]
            for axis in ("owner", "product", "company"):
                sums = stock(cells, day, axis)
                total = sum(
                    n for (m, *_), n in sums.items() if m in {"open", "won", "lost", "latent"}
                )
                assert total == 1
                assert all(n >= 0 for n in sums.values())
            in_stage = Counter[str]()
            for (measure, _, stage), n in stock(cells, day, "stage").items():
                if not measure.startswith("open_"):
                    in_stage[stage] += -n if measure == "left" else n
            assert sorted(in_stage.values())[-1:] == [1]
            assert sum(in_stage.values()) == 1


@given(histories())
def test_how_things_stand_now_is_what_came_last(found: list[list[Envelope]]) -> None:
    entities, _ = recompute((fact for history in found for fact in history), ZONE)
    for entity in entities.values():
        if isinstance(entity, Opportunity) and (stood := periods(entity)):
            assert stood[-1].step == entity.steps[-1]
