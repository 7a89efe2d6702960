"""Mirroring a row of another system: we stand where the row stands, and saying it again is nothing.

The hardest command here: whatever had been recorded, by rows or by people, one row settles it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.opportunities.main import domain
from services.opportunities.model import Mirror, Opportunity, OpportunityCommand, evolve
from services.opportunities.projections import opportunity_card
from shared.errors import InvalidError
from shared.events.opportunities import (
    EngagementCorrected,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityWon,
    OutcomeCorrected,
    StageAdvanced,
)
from shared.testing import check_decider, commands, facts, given, recorded

decider = domain.decider("opportunity-1")
D1, D2, D3, D4 = (date(2026, 1, day) for day in (1, 2, 3, 4))
OTHERWISE = "the source says otherwise now"
CHANCE = OpportunityDiscovered(title="Chance", stage="Engaging", on=D1)
WON = OpportunityWon(value=Decimal(100), currency="USD", on=D3)


def row(**said: Any) -> Mirror:
    usual = {"title": "Chance", "stage": "Engaging", "discovered_on": D1, "stage_on": D1}
    return Mirror(**usual | said)


def won(**said: Any) -> Mirror:
    usual = {"outcome": "won", "value": Decimal(100), "currency": "USD", "closed_on": D3}
    return row(**usual | said)


def stands_where(opportunity: Opportunity, told: Mirror) -> list[str]:
    """Return the fields in which we stand elsewhere than the row."""
    stands = {
        "title": opportunity.title == told.title,
        "company": opportunity.company == told.company,
        "product": opportunity.product == told.product,
        # What was discovered without a date was so before the steps that have one.
        "discovered_on": opportunity.discovered_on == told.discovered_on
        or (opportunity.discovered_on is None and opportunity.moved),
        "owner": told.owner is None or opportunity.owner == told.owner,
        "outcome": opportunity.outcome == told.outcome,
        "stage": opportunity.stage == told.stage,
        "stage_on": told.stage_on is None or opportunity.stage_on == told.stage_on,
        "closed_on": told.outcome is None or opportunity.closed_on == told.closed_on,
        "value": told.outcome is None
        or (opportunity.value, opportunity.currency)
        == ((told.value, told.currency) if told.outcome == "won" else (None, None)),
    }
    return [name for name, agrees in stands.items() if not agrees]


def settle(opportunity: Opportunity, told: Mirror) -> Opportunity:
    after = reduce(evolve, decider.decide(opportunity, told), opportunity)
    assert stands_where(after, told) == []
    assert decider.decide(after, told) == []
    return after


DAYS = st.none() | st.sampled_from([D1, D2, D3, D4])


@st.composite
def rows(draw: Any) -> Mirror:
    """Any row that is not nonsense in itself."""
    outcome = draw(st.sampled_from([None, None, "won", "lost"]))
    days = sorted(draw(st.lists(st.sampled_from([D1, D2, D3, D4]), min_size=3, max_size=3)))
    known = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    discovered, stage, closed = (
        day if is_known else None for day, is_known in zip(days, known, strict=True)
    )
    priced = outcome == "won" or draw(st.booleans())
    return Mirror(
        title=draw(st.sampled_from(["Chance", "Better"])),
        stage=draw(st.sampled_from(["Prospecting", "Engaging", "Proposal"])),
        outcome=outcome,
        owner=draw(st.sampled_from([None, "employee-1", "employee-2"])),
        company=draw(st.sampled_from([None, "company-1", "company-2"])),
        product=draw(st.sampled_from([None, "product-1"])),
        value=Decimal(draw(st.sampled_from([1, 100]))) if priced else None,
        currency=draw(st.sampled_from(["USD", "KRW"])) if priced else None,
        discovered_on=discovered,
        stage_on=stage,
        closed_on=closed if outcome else None,
    )


@settings(max_examples=200)
@for_all(st.lists(facts(OpportunityEvent), max_size=8), st.lists(rows(), min_size=1, max_size=4))
def test_whatever_was_recorded_we_stand_where_each_row_stands(
    told: list[Any], said: list[Mirror]
) -> None:
    reduce(settle, said, decider.state([CHANCE, *told]))
    reduce(settle, said, decider.state(told))


@settings(max_examples=200)
@for_all(st.lists(rows() | commands(OpportunityCommand), max_size=10), rows())
def test_whatever_was_asked_we_stand_where_the_row_stands(asked: list[Any], said: Mirror) -> None:
    settle(check_decider(decider, [], asked), said)


@for_all(rows(), rows())
def test_a_row_that_goes_there_and_back_stands_as_at_first(one: Mirror, other: Mirror) -> None:
    first = settle(Opportunity(), one)
    back = settle(settle(first, other), one)
    same = ("title", "company", "product", "stage", "outcome", "value")
    assert [getattr(back, name) for name in same] == [getattr(first, name) for name in same]


@settings(max_examples=200)
@for_all(st.lists(facts(OpportunityEvent), max_size=8))
def test_the_card_shows_what_the_rules_know(told: list[Any]) -> None:
    (card,) = opportunity_card.replay(recorded(CHANCE, *told, stream="opportunity-1")).values()
    known = decider.state([CHANCE, *told])
    for name in (
        *("title", "stage", "stage_on", "moved", "latent", "outcome", "closed_on", "value"),
        *("owner", "company", "product", "discovered_on", "amount", "expected_close_on"),
    ):
        assert getattr(card, name) == getattr(known, name), name
    assert (card.value_currency, card.currency) == (known.currency, known.amount_currency)
    assert {(who.person, who.role) for who in card.people} == known.people


# --- which facts, sentence by sentence


def test_a_new_open_row_is_a_discovery() -> None:
    given(decider).when(row()).then(CHANCE)


def test_a_new_won_row_is_a_discovery_and_a_win_on_their_own_dates() -> None:
    given(decider).when(won()).then(CHANCE, WON)


def test_a_new_row_whose_stage_was_entered_later_began_in_the_first_stage() -> None:
    given(decider).when(row(stage_on=D2)).then(
        OpportunityDiscovered(title="Chance", stage="Prospecting", on=D1),
        StageAdvanced(stage="Engaging", on=D2),
    )


def test_a_row_without_dates_is_discovered_on_a_date_nobody_knows() -> None:
    given(decider).when(row(discovered_on=None, stage_on=None)).then(
        OpportunityDiscovered(title="Chance", stage="Engaging")
    )


def test_what_was_decided_before_anybody_discovered_it_stands_as_its_row_says() -> None:
    """No rule records such facts; whoever writes to the log itself can."""
    for told in (WON, OpportunityLost(on=D2)):
        for said in (row(), won(), row(outcome="lost", closed_on=D4)):
            settle(decider.state([told]), said)


def test_the_same_row_again_is_nothing() -> None:
    given(decider, CHANCE).when(row()).then_nothing()
    given(decider, CHANCE, WON).when(won()).then_nothing()


def test_a_stage_reached_is_an_advance_on_its_date() -> None:
    given(decider, CHANCE).when(row(stage="Proposal", stage_on=D2)).then(
        StageAdvanced(stage="Proposal", on=D2)
    )


def test_a_stage_reached_on_another_date_than_written_down_is_a_correction() -> None:
    proposal = StageAdvanced(stage="Proposal", on=D2)
    given(decider, CHANCE, proposal).when(row(stage="Proposal", stage_on=D3)).then(
        EngagementCorrected(stage="Proposal", on=D3, reason=OTHERWISE)
    )


def test_a_discovery_on_another_date_takes_the_first_stage_with_it() -> None:
    corrected = OpportunityCorrected(title="Chance", on=D2, reason=OTHERWISE)
    given(decider, CHANCE).when(row(discovered_on=D2, stage_on=D2)).then(corrected)
    given(decider, CHANCE, WON).when(won(discovered_on=D2, stage_on=D2)).then(corrected)


def test_a_stage_entered_on_another_date_than_its_discovery_is_a_step_of_its_own() -> None:
    step = StageAdvanced(stage="Engaging", on=D2)
    given(decider, CHANCE).when(row(stage_on=D2)).then(step)
    given(decider, CHANCE, WON).when(won(stage_on=D2)).then(
        OpportunityReopened(stage="Engaging", on=D2, reason=OTHERWISE), WON
    )


def test_a_won_one_whose_stage_had_been_entered_on_another_date_stays_won() -> None:
    step = StageAdvanced(stage="Proposal", on=D2)
    given(decider, CHANCE, step, WON).when(won(stage="Proposal", stage_on=D3)).then(
        EngagementCorrected(stage="Proposal", on=D3, reason=OTHERWISE)
    )


def test_an_open_one_that_the_row_calls_lost_is_lost() -> None:
    given(decider, CHANCE).when(row(outcome="lost", closed_on=D3)).then(OpportunityLost(on=D3))


def test_a_won_one_whose_value_had_been_mistaken_is_corrected_not_won_twice() -> None:
    given(decider, CHANCE, WON).when(won(value=Decimal(90), closed_on=D4)).then(
        OutcomeCorrected(value=Decimal(90), currency="USD", on=D4, reason=OTHERWISE)
    )


def test_a_won_one_that_the_row_calls_open_had_never_been_won() -> None:
    given(decider, CHANCE, WON).when(row()).then(
        OpportunityReopened(stage="Engaging", on=D1, reason=OTHERWISE)
    )


def test_a_won_one_that_the_row_calls_lost_had_been_lost_all_along() -> None:
    given(decider, CHANCE, WON).when(row(outcome="lost", closed_on=D4)).then(
        OpportunityReopened(stage="Engaging", on=D1, reason=OTHERWISE), OpportunityLost(on=D4)
    )


def test_an_undated_chance_that_moves_on_keeps_its_unknown_date_of_discovery() -> None:
    undated = OpportunityDiscovered(title="Chance", stage="Prospecting")
    engaged = StageAdvanced(stage="Engaging", on=D2)
    said = row(discovered_on=D2, stage_on=D2)
    given(decider, undated).when(said).then(engaged)
    given(decider, undated).when(row(discovered_on=D2, stage_on=None)).then(engaged)
    given(decider, undated, engaged).when(said).then_nothing()
    given(decider, undated, engaged).when(won(discovered_on=D2, stage_on=D2)).then(WON)


def test_a_source_that_knows_both_dates_dates_the_discovery_too() -> None:
    undated = OpportunityDiscovered(title="Chance", stage="Prospecting")
    given(decider, undated).when(row(discovered_on=D1, stage_on=D2)).then(
        OpportunityCorrected(title="Chance", on=D1, reason=OTHERWISE),
        StageAdvanced(stage="Engaging", on=D2),
    )


def test_a_source_that_puts_it_into_an_earlier_stage_is_believed() -> None:
    proposal = StageAdvanced(stage="Proposal", on=D3)
    given(decider, CHANCE, proposal).when(row(stage="Offer", stage_on=D2)).then(
        StageAdvanced(stage="Offer"), EngagementCorrected(stage="Offer", on=D2, reason=OTHERWISE)
    )


def test_another_owner_in_a_later_row_has_it_from_that_day_on() -> None:
    owned = CHANCE.model_copy(update={"owner": "employee-1"})
    given(decider, owned).when(row(owner="employee-2", on=D4)).then(
        OpportunityReassigned(owner="employee-2", reason="unstated", on=D4)
    )


def test_the_first_owner_whom_a_row_names_had_it_all_along() -> None:
    given(decider, CHANCE).when(row(owner="employee-1")).then(
        OpportunityReassigned(owner="employee-1", reason="unstated")
    )
    owned = CHANCE.model_copy(update={"owner": "employee-1"})
    given(decider, owned).when(row(owner=None)).then_nothing()


def test_an_outcome_is_no_stage() -> None:
    for history in ([], [CHANCE], [CHANCE, WON]):
        refused = given(decider, *history).when(won(stage="Won")).then_refused(InvalidError)
        assert refused.field == "#/stage"


@pytest.mark.parametrize(
    "said",
    [
        {"outcome": "won"},
        {"outcome": "won", "value": 1},
        {"closed_on": D3},
        {"outcome": "lost", "discovered_on": D3, "closed_on": D1},
    ],
)
def test_a_row_that_contradicts_itself_is_no_command(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        row(**said)
