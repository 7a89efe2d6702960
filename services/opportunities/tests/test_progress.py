"""O-01, O-02: from a latent chance to work with a team, stage by stage, with what shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.main import build, domain, router
from services.opportunities.model import (
    Advance,
    Discover,
    OpportunityClosedError,
    OpportunityCommand,
    OpportunityUnknownError,
    Reopen,
)
from services.opportunities.record.commands import (
    AgreeNextStep,
    CompleteNextStep,
    JoinTeam,
    LeaveTeam,
    MakeReal,
    RecordCommand,
    RecordEvidence,
)
from services.opportunities.record.deciding import OpportunityRealAlreadyError
from services.opportunities.record.progress_rules import NoNextStepError
from services.opportunities.record.views import opportunity_record
from shared.errors import InvalidError
from shared.events import Envelope
from shared.events.opportunities import (
    EvidenceRecorded,
    NextStepAgreed,
    NextStepDone,
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    RecordEvent,
    StageAdvanced,
    TeamMemberJoined,
    TeamMemberLeft,
)
from shared.testing import (
    check_decider,
    check_projection,
    commands,
    facts,
    given,
    histories,
    recorded,
    serving,
)

opportunity = domain.decider("opportunity-1")
MONDAY, TUESDAY, FRIDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 9)
CHANCE = OpportunityDiscovered(title="Pump", stage="Prospecting", owner="employee-1", on=MONDAY)
LATENT = CHANCE.model_copy(update={"latent": True})
EVALUATED = StageAdvanced(stage="Evaluated", on=TUESDAY)


def test_o_02_what_was_latent_is_made_real_on_a_date_with_what_shows_it() -> None:
    made = MakeReal(evidence="They have a budget", on=FRIDAY)
    real = StageAdvanced(stage="Prospecting", on=FRIDAY)
    shown = EvidenceRecorded(stage="Prospecting", what="They have a budget", on=FRIDAY)
    given(opportunity, LATENT).when(made).then(real, shown)
    given(opportunity, LATENT, real).when(made).then_refused(OpportunityRealAlreadyError)
    given(opportunity, LATENT).when(MakeReal(stage="Evaluated", on=FRIDAY)).then(
        StageAdvanced(stage="Evaluated", on=FRIDAY)
    )


def test_o_02_the_record_says_since_when_it_is_real() -> None:
    told = recorded(LATENT, StageAdvanced(stage="Prospecting", on=FRIDAY), stream="opportunity-1")
    view = check_projection(opportunity_record, [told])["opportunity-1"]
    assert (view.latent, view.real_on) == (False, FRIDAY)
    assert check_projection(opportunity_record, [told[:1]])["opportunity-1"].real_on is None


def test_o_01_evidence_and_next_step_are_told_with_the_stage() -> None:
    command = Advance(
        stage="Evaluated",
        evidence="Visited the plant",
        next_step="Form the team",
        next_step_due_on=FRIDAY,
        on=TUESDAY,
    )
    shown = EvidenceRecorded(stage="Evaluated", what="Visited the plant", on=TUESDAY)
    step = NextStepAgreed(
        stage="Evaluated", what="Form the team", due_on=FRIDAY, owner="employee-1", on=TUESDAY
    )
    given(opportunity, CHANCE).when(command).then(EVALUATED, shown, step)
    given(opportunity, CHANCE, EVALUATED, shown, step).when(command).then_nothing()


def test_o_01_evidence_belongs_to_the_stage_of_its_day() -> None:
    given(opportunity, CHANCE, EVALUATED).when(RecordEvidence(what="A call", on=MONDAY)).then(
        EvidenceRecorded(stage="Prospecting", what="A call", on=MONDAY)
    )


def test_o_01_a_next_step_replaces_the_one_before_and_is_done_once() -> None:
    first = NextStepAgreed(stage="Prospecting", what="Call", on=MONDAY)
    second = NextStepAgreed(stage="Prospecting", what="Visit", on=TUESDAY)
    done = NextStepDone(outcome="They agreed", on=FRIDAY)
    complete = CompleteNextStep(outcome="They agreed", on=FRIDAY)
    given(opportunity, CHANCE).when(complete).then_refused(NoNextStepError)
    given(opportunity, CHANCE, first).when(AgreeNextStep(what="Visit", on=TUESDAY)).then(second)
    given(opportunity, CHANCE, first, second).when(complete).then(done)
    given(opportunity, CHANCE, first, second, done).when(complete).then_refused(NoNextStepError)
    late = opportunity.state([CHANCE, second, first]).record.progress.next_step
    assert late is not None
    assert late.what == "Visit"


def test_o_01_a_team_is_formed_of_colleagues_in_their_roles() -> None:
    join = JoinTeam(employee="employee-2", role="engineer", on=MONDAY)
    joined = TeamMemberJoined(employee="employee-2", role="engineer", on=MONDAY)
    leave = LeaveTeam(employee="employee-2", on=FRIDAY)
    left = TeamMemberLeft(employee="employee-2", on=FRIDAY)
    given(opportunity, CHANCE).when(join).then(joined)
    given(opportunity, CHANCE, joined).when(join).then_nothing()
    given(opportunity, CHANCE, joined).when(leave).then(left)
    given(opportunity, CHANCE, joined, left).when(leave).then_nothing()


def test_o_01_nothing_is_recorded_of_what_nobody_discovered_or_before_it_was() -> None:
    evidence = RecordEvidence(what="A call", on=date(2026, 1, 1))
    given(opportunity).when(evidence).then_refused(OpportunityUnknownError)
    assert given(opportunity, CHANCE).when(evidence).then_refused(InvalidError).field == "#/on"


def test_o_01_stages_are_free_unless_the_company_enforces_its_own() -> None:
    free = Advance(stage="Engaging", on=TUESDAY)
    given(opportunity, CHANCE).when(free).then(StageAdvanced(stage="Engaging", on=TUESDAY))
    strict = build(
        OpportunitiesDefaults(stages=("Seen", "Weighed", "At work"), stages_order="enforced")
    ).decider("opportunity-1")
    given(strict).when(Discover(title="Pump", on=MONDAY)).then(
        OpportunityDiscovered(title="Pump", stage="Seen", on=MONDAY)
    )
    seen = CHANCE.model_copy(update={"stage": "Seen"})
    weighed = StageAdvanced(stage="Weighed", on=TUESDAY)
    given(strict, seen).when(Advance(stage="Weighed", on=TUESDAY)).then(weighed)
    given(strict, seen, weighed).when(Advance(stage="Seen", on=FRIDAY)).then(
        StageAdvanced(stage="Seen", on=FRIDAY)
    )
    for command in (Advance(stage="At work"), Advance(stage="Engaging")):
        refused = given(strict, seen).when(command).then_refused(InvalidError)
        assert refused.field == "#/stage"
    lost = OpportunityLost(on=FRIDAY)
    given(strict, seen, lost).when(Reopen(stage="Engaging")).then_refused(InvalidError)
    given(strict, seen, lost).when(Advance(stage="At work")).then_refused(OpportunityClosedError)


def test_o_01_a_company_may_want_evidence_and_a_next_step_for_each_stage() -> None:
    strict = build(
        OpportunitiesDefaults(stage_evidence="needed", stage_next_step="needed")
    ).decider("opportunity-1")
    bare = Advance(stage="Evaluated", on=TUESDAY)
    assert given(strict, CHANCE).when(bare).then_refused(InvalidError).field == "#/evidence"
    shown = Advance(stage="Evaluated", evidence="Visited", on=TUESDAY)
    assert given(strict, CHANCE).when(shown).then_refused(InvalidError).field == "#/next_step"
    step = NextStepAgreed(stage="Prospecting", what="Call", on=MONDAY)
    given(strict, CHANCE, step).when(shown).then(
        EVALUATED, EvidenceRecorded(stage="Evaluated", what="Visited", on=TUESDAY)
    )


@pytest.mark.parametrize("stages", [(), ("Won",), ("A", "A"), (" ",)])
def test_o_01_stages_that_make_no_sense_are_refused_at_the_start(stages: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        OpportunitiesDefaults(stages=stages)


ANY = OpportunityEvent | RecordEvent


@for_all(
    st.lists(facts(ANY), max_size=6),
    st.lists(commands(OpportunityCommand | RecordCommand), max_size=8),
)
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(opportunity, history, asked)
    check_decider(opportunity, [CHANCE, *history], asked)


@for_all(histories({"opportunity": ANY}), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    check_projection(opportunity_record, told, seed=seed)


@for_all(st.lists(facts(ANY), max_size=8))
def test_the_record_shows_what_the_rules_know(told: list[Any]) -> None:
    history = recorded(CHANCE, *told, stream="opportunity-1")
    view = opportunity_record.replay(history)["opportunity-1"]
    known = opportunity.state([fact.data for fact in history])
    assert view.record == known.record
    assert [(one.stage, one.on) for one in view.stages] == list(known.steps)
    assert [(one.owner, one.on) for one in view.hands] == list(known.hands)
    assert (view.owner, view.latent) == (known.owner, known.latent)
    assert view.open == (known.outcome is None)


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_o_01_one_page_shows_the_stages_with_their_evidence_and_the_team(
    client: AsyncClient,
) -> None:
    async def post(step: str, /, **body: Any) -> Response:
        return await client.post(f"/opportunities/1/{step}", json=body)

    await post("discover", title="Pump", latent=True, on="2026-01-05")
    await post("make-real", evidence="They have a budget", on="2026-01-06")
    await post("advance", stage="Evaluated", evidence="Visited", next_step="Form the team")
    await post("complete-next-step", outcome="Formed")
    await post("join-team", employee="employee-2", role="engineer")
    last = await post("agree-next-step", what="Offer", due_on="2162-01-01")
    assert last.status_code == 202
    after = {"X-At-Least": last.json()["token"]}
    page = (await client.get("/opportunities/1/record", headers=after)).json()
    assert [one["stage"] for one in page["stages"]] == ["Prospecting", "Prospecting", "Evaluated"]
    assert (page["real_on"], page["open"], page["latent"]) == ("2026-01-06", True, False)
    progress = page["record"]["progress"]
    assert [one["what"] for one in progress["evidence"]] == ["They have a budget", "Visited"]
    assert [one["done"] for one in progress["next_steps"]] == [True, False]
    assert [one["employee"] for one in progress["team"]] == ["employee-2"]
    assert page["card"]["title"] == "Pump"


async def test_o_01_what_cannot_be_names_the_field(client: AsyncClient) -> None:
    assert (await client.get("/opportunities/1/record")).status_code == 404
    refused = await client.post("/opportunities/1/join-team", json={"employee": "Kim"})
    assert refused.status_code == 422
    pointers = [error["pointer"] for error in refused.json()["errors"]]
    assert pointers == ["#/employee", "#/role"]
