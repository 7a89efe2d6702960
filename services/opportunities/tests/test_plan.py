"""O-09, O-04, O-03, O-11: who decides, how we win, what coaching found, what customers answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from services.opportunities.main import domain, router
from services.opportunities.record.coaching_rules import (
    CoachingHeldAlreadyError,
    CoachingUnknownError,
    QuestionAskedAlreadyError,
    QuestionUnknownError,
)
from services.opportunities.record.commands import (
    AgreeAction,
    AnswerQuestion,
    AskQuestion,
    AssessCompetitor,
    AssessPerson,
    ChoosePositioning,
    CompleteAction,
    DropAction,
    HoldCoaching,
    NextAction,
    NoteCoachingOutcome,
    ReleasePerson,
    WithdrawCompetitor,
)
from services.opportunities.record.people import Say, says
from services.opportunities.record.plan_rules import ActionClosedError, ActionUnknownError
from shared.errors import InvalidError
from shared.events.opportunities import (
    ActionAgreed,
    ActionDone,
    ActionDropped,
    CoachingHeld,
    CoachingOutcomeNoted,
    CompetitorAssessed,
    CompetitorWithdrew,
    OpportunityDiscovered,
    PersonAssessed,
    PersonInvolved,
    PersonReleased,
    PositioningChosen,
    QuestionAnswered,
    QuestionAsked,
    StageAdvanced,
)
from shared.testing import given, serving

opportunity = domain.decider("opportunity-1")
MONDAY, TUESDAY, FRIDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 9)
CHANCE = OpportunityDiscovered(title="Pump", stage="Prospecting", owner="employee-1", on=MONDAY)
SCEPTIC = PersonAssessed(person="person-1", influence="decides", stance="sceptic", on=TUESDAY)
ACTION = ActionAgreed(
    action="a", what="Show the pump", owner="employee-1", due_on=FRIDAY, on=MONDAY
)
AGREE = AgreeAction(action="a", what="Show the pump", owner="employee-1", due_on=FRIDAY, on=MONDAY)
HELD = CoachingHeld(
    session="s",
    step="management",
    stage="Prospecting",
    coach="employee-9",
    seller="employee-1",
    facts="No contact for a month",
    problem="The buyer is silent",
    cause="We know one person only",
    on=TUESDAY,
)
HOLD = HoldCoaching(
    session="s",
    step="management",
    coach="employee-9",
    facts="No contact for a month",
    problem="The buyer is silent",
    cause="We know one person only",
    on=TUESDAY,
)


def test_o_09_influence_and_stance_are_dated_and_the_latest_counts() -> None:
    sceptic = AssessPerson(person="person-1", influence="decides", stance="sceptic", on=TUESDAY)
    given(opportunity, CHANCE).when(sceptic).then(SCEPTIC)
    given(opportunity, CHANCE, SCEPTIC).when(sceptic).then_nothing()
    won_over = PersonAssessed(person="person-1", influence="decides", stance="supporter", on=FRIDAY)
    late = PersonAssessed(person="person-1", influence="some", stance="neutral", on=MONDAY)
    known = opportunity.state([CHANCE, SCEPTIC, won_over, late]).record.people
    assert [one.stance for one in known.assessments] == ["neutral", "sceptic", "supporter"]
    assert [one.stance for one in known.now] == ["supporter"]


def test_o_09_a_map_shows_roles_influence_stance_and_the_way_to_each() -> None:
    buyer = PersonInvolved(person="person-1", role="buyer")
    user = PersonInvolved(person="person-2", role="user")
    through = SCEPTIC.model_copy(update={"reached_through": "person-2"})
    known = opportunity.state([CHANCE, user, buyer, through])
    roles = [("person-2", "user"), ("person-1", "buyer")]
    assert says(known.record.people, roles) == (
        Say("person-1", ("buyer",), "decides", "sceptic", "person-2", None, TUESDAY),
        Say("person-2", ("user",)),
    )
    gone = PersonReleased(person="person-1", on=FRIDAY)
    given(opportunity, CHANCE, through).when(ReleasePerson(person="person-1", on=FRIDAY)).then(gone)
    given(opportunity, CHANCE, buyer).when(ReleasePerson(person="person-1", on=FRIDAY)).then(gone)
    given(opportunity, CHANCE, through, gone).when(
        ReleasePerson(person="person-1", on=FRIDAY)
    ).then_nothing()
    given(opportunity, CHANCE).when(ReleasePerson(person="person-1", on=FRIDAY)).then_nothing()
    known = opportunity.state([CHANCE, through, gone])
    assert says(known.record.people, roles) == (Say("person-2", ("user",)),)


def test_o_09_nobody_is_reached_through_themselves() -> None:
    command = AssessPerson(person="person-1", reached_through="person-1")
    refused = given(opportunity, CHANCE).when(command).then_refused(InvalidError)
    assert refused.field == "#/reached_through"


def test_o_04_a_plan_has_a_positioning_and_answers_to_competitors() -> None:
    chosen = PositioningChosen(positioning="Lowest cost of a year", on=MONDAY)
    choose = ChoosePositioning(positioning="Lowest cost of a year", on=MONDAY)
    given(opportunity, CHANCE).when(choose).then(chosen)
    given(opportunity, CHANCE, chosen).when(choose).then_nothing()
    rival = CompetitorAssessed(competitor="Acme", strength="Price", answer="Service", on=MONDAY)
    assess = AssessCompetitor(competitor="Acme", strength="Price", answer="Service", on=MONDAY)
    given(opportunity, CHANCE).when(assess).then(rival)
    given(opportunity, CHANCE, rival).when(assess).then_nothing()
    gone = CompetitorWithdrew(competitor="Acme", on=FRIDAY)
    withdraw = WithdrawCompetitor(competitor="Acme", on=FRIDAY)
    given(opportunity, CHANCE, rival).when(withdraw).then(gone)
    given(opportunity, CHANCE, rival, gone).when(withdraw).then_nothing()
    plan = opportunity.state([CHANCE, chosen, rival, gone]).record.plan
    assert (plan.positioning, plan.competitors_now) == ("Lowest cost of a year", ())


def test_o_04_actions_have_an_owner_and_a_date_and_are_done_or_dropped_once() -> None:
    given(opportunity, CHANCE).when(AGREE).then(ACTION)
    given(opportunity, CHANCE, ACTION).when(AGREE).then_nothing()
    later = AGREE.model_copy(update={"due_on": date(2026, 2, 1)})
    given(opportunity, CHANCE, ACTION).when(later).then(
        ACTION.model_copy(update={"due_on": date(2026, 2, 1)})
    )
    done = ActionDone(action="a", outcome="They liked it", on=FRIDAY)
    complete = CompleteAction(action="a", outcome="They liked it", on=FRIDAY)
    drop = DropAction(action="a", reason="Not needed", on=FRIDAY)
    given(opportunity, CHANCE).when(complete).then_refused(ActionUnknownError)
    given(opportunity, CHANCE, ACTION).when(complete).then(done)
    given(opportunity, CHANCE, ACTION, done).when(complete).then_nothing()
    given(opportunity, CHANCE, ACTION, done).when(drop).then_refused(ActionClosedError)
    given(opportunity, CHANCE, ACTION, done).when(AGREE).then_refused(ActionClosedError)
    given(opportunity, CHANCE, ACTION).when(drop).then(
        ActionDropped(action="a", reason="Not needed", on=FRIDAY)
    )


def test_o_03_a_session_says_facts_problem_cause_and_actions() -> None:
    given(opportunity, CHANCE).when(HOLD).then(HELD)
    action = NextAction(action="a", what="Show the pump", owner="employee-1", due_on=FRIDAY)
    with_more = HOLD.model_copy(update={"actions": (action,), "outcome": "Clear"})
    agreed = ACTION.model_copy(update={"session": "s", "on": TUESDAY})
    outcome = CoachingOutcomeNoted(session="s", outcome="Clear", on=TUESDAY)
    given(opportunity, CHANCE).when(with_more).then(HELD, agreed, outcome)
    given(opportunity, CHANCE, HELD, agreed, outcome).when(with_more).then_nothing()
    twice = HOLD.model_copy(update={"actions": (action, action)})
    assert given(opportunity, CHANCE).when(twice).then_refused(InvalidError).field == "#/actions"


def test_o_03_a_session_is_of_the_stage_of_its_day_and_told_once() -> None:
    evaluated = StageAdvanced(stage="Evaluated", on=FRIDAY)
    given(opportunity, CHANCE, evaluated).when(HOLD).then(HELD)
    other = HOLD.model_copy(update={"facts": "Other facts"})
    given(opportunity, CHANCE, HELD).when(other).then_refused(CoachingHeldAlreadyError)


def test_o_03_what_it_came_to_is_noted_afterwards() -> None:
    note = NoteCoachingOutcome(session="s", outcome="Three visits", on=FRIDAY)
    noted = CoachingOutcomeNoted(session="s", outcome="Three visits", on=FRIDAY)
    given(opportunity, CHANCE).when(note).then_refused(CoachingUnknownError)
    given(opportunity, CHANCE, HELD).when(note).then(noted)
    given(opportunity, CHANCE, HELD, noted).when(note).then_nothing()
    of_no_session = AGREE.model_copy(update={"session": "t"})
    refused = given(opportunity, CHANCE, HELD).when(of_no_session).then_refused(InvalidError)
    assert refused.field == "#/session"


def test_o_11_a_question_is_recorded_with_its_answer() -> None:
    ask = AskQuestion(question="q", words="Is there a budget?", validates="budget", on=MONDAY)
    asked = QuestionAsked(question="q", words="Is there a budget?", validates="budget", on=MONDAY)
    answer = AnswerQuestion(question="q", answer="Next year", verdict="refuted", on=FRIDAY)
    answered = QuestionAnswered(question="q", answer="Next year", verdict="refuted", on=FRIDAY)
    given(opportunity, CHANCE).when(answer).then_refused(QuestionUnknownError)
    given(opportunity, CHANCE).when(ask).then(asked)
    given(opportunity, CHANCE, asked).when(ask).then_nothing()
    other = ask.model_copy(update={"words": "Who pays?"})
    given(opportunity, CHANCE, asked).when(other).then_refused(QuestionAskedAlreadyError)
    given(opportunity, CHANCE, asked).when(answer).then(answered)
    given(opportunity, CHANCE, asked, answered).when(answer).then_nothing()


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_all_of_it_is_one_record_over_http(client: AsyncClient) -> None:
    async def post(step: str, /, **body: Any) -> Response:
        answer = await client.post(f"/opportunities/1/{step}", json=body)
        assert answer.status_code == 202, answer.text
        return answer

    await post("discover", title="Pump", owner="employee-1")
    await post("assess-person", person="person-1", influence="decides", stance="sceptic")
    await post("choose-positioning", positioning="Lowest cost of a year")
    await post("assess-competitor", competitor="Acme")
    action = {"action": "a", "what": "Visit", "owner": "employee-1", "due_on": "2162-01-01"}
    coached = {"session": "s", "step": "goal", "coach": "employee-9", "facts": "Silence"}
    await post("hold-coaching", **coached, actions=[action])
    await post("complete-action", action="a")
    await post("ask-question", question="q", words="Is there a budget?")
    last = await post("answer-question", question="q", answer="Yes", verdict="confirmed")
    after = {"X-At-Least": last.json()["token"]}
    known = (await client.get("/opportunities/1/record", headers=after)).json()["record"]
    assert known["people"]["assessments"][0]["stance"] == "sceptic"
    assert known["plan"]["positionings"][0]["positioning"] == "Lowest cost of a year"
    assert [one["state"] for one in known["plan"]["actions"]] == ["done"]
    assert known["coaching"]["sessions"][0]["seller"] == "employee-1"
    assert known["coaching"]["questions"][0]["verdict"] == "confirmed"
