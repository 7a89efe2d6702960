"""Rules of campaigns. One test for each sentence a colleague could read aloud."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.campaigns.main import domain
from services.campaigns.model import (
    CampaignCommand,
    CampaignNotStartedError,
    CampaignOverError,
    CampaignUnknownError,
    End,
    GiveFeedback,
    Plan,
    Start,
)
from shared.errors import InvalidError
from shared.events.campaigns import (
    CampaignEnded,
    CampaignFeedbackGiven,
    CampaignPlanned,
    CampaignsEvent,
    CampaignStarted,
)
from shared.testing import check_decider, commands, facts, given

decider = domain.decider("campaign-1")
MONDAY = date(2026, 1, 5)
TOLD: dict[str, Any] = {
    "name": "Spring",
    "goal": "Fifty first meetings.",
    "audience": "Buyers of pumps.",
    "from_on": date(2026, 3, 1),
    "until_on": date(2026, 4, 30),
}
PLANNED = CampaignPlanned(**TOLD, on=MONDAY)
STARTED = CampaignStarted(on=MONDAY)
ENDED = CampaignEnded(result="Forty.", on=MONDAY)


def plan(**more: Any) -> Plan:
    return Plan(**{**TOLD, **more}, on=MONDAY)


def test_a_plan_may_change_until_the_campaign_is_over() -> None:
    given(decider).when(plan()).then(PLANNED)
    given(decider, PLANNED).when(plan()).then_nothing()
    given(decider, PLANNED, STARTED).when(plan(name="Summer")).then(
        CampaignPlanned(**{**TOLD, "name": "Summer"}, on=MONDAY)
    )
    given(decider, PLANNED, STARTED, ENDED).when(plan(name="X")).then_refused(CampaignOverError)


@pytest.mark.parametrize(
    "command",
    [Start(), End(result="Good."), GiveFeedback(seller="employee-1", useful="yes")],
)
def test_nothing_happens_to_a_campaign_that_nobody_planned(command: Any) -> None:
    given(decider).when(command).then_refused(CampaignUnknownError)


def test_it_starts_once() -> None:
    given(decider, PLANNED).when(Start(on=MONDAY)).then(STARTED)
    given(decider, PLANNED, STARTED).when(Start(on=MONDAY)).then_nothing()


def test_what_has_not_gone_out_has_no_result_and_no_feedback() -> None:
    given(decider, PLANNED).when(End(result="Good.")).then_refused(CampaignNotStartedError)
    feedback = GiveFeedback(seller="employee-1", useful="no")
    given(decider, PLANNED).when(feedback).then_refused(CampaignNotStartedError)


def test_x_02_a_seller_may_judge_it_again_and_each_opportunity_for_itself() -> None:
    told = {"seller": "employee-1", "on": MONDAY}
    yes = CampaignFeedbackGiven(**told, useful="yes")
    begun = (PLANNED, STARTED, yes)
    given(decider, *begun).when(GiveFeedback(**told, useful="yes")).then_nothing()
    no = CampaignFeedbackGiven(**told, useful="no")
    given(decider, *begun).when(GiveFeedback(**told, useful="no")).then(no)
    of_one = {**told, "opportunity": "opportunity-1", "useful": "yes"}
    given(decider, *begun).when(GiveFeedback(**of_one)).then(CampaignFeedbackGiven(**of_one))


def test_the_result_may_be_told_better() -> None:
    over = (PLANNED, STARTED, ENDED)
    given(decider, *over).when(End(result="Forty.", on=MONDAY)).then_nothing()
    better = End(result="Forty-one.", on=MONDAY)
    given(decider, *over).when(better).then(CampaignEnded(result="Forty-one.", on=MONDAY))


def test_each_seller_shares_it_once() -> None:
    twice = plan(sellers=("employee-1", "employee-1"))
    refused = given(decider).when(twice).then_refused(InvalidError)
    assert refused.field == "#/sellers"


@pytest.mark.parametrize(
    "wrong",
    [{"until_on": date(2026, 2, 1)}, {"budget": "10"}, {"currency": "KRW"}, {"goal": " "}],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        plan(**wrong)
    with pytest.raises(ValidationError):
        End(result="Good.", spent=1)  # type: ignore[call-arg, arg-type]


@for_all(
    st.lists(facts(CampaignsEvent), max_size=6), st.lists(commands(CampaignCommand), max_size=6)
)
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(decider, history, asked)
