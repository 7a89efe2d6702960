"""What leaders say of how people worked, beside the numbers, and what these answer (N-12)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.analytics.assessments import (
    AnswerAssessment,
    AssessmentUnknownError,
    AssessmentWithdrawnError,
    GiveAssessment,
    OtherAssessmentError,
    WithdrawAssessment,
)
from services.analytics.main import domain
from services.analytics.tests.world import KIM, LEE, World
from shared.errors import InvalidError
from shared.events.analytics import (
    AssessmentAnswered,
    AssessmentEvent,
    AssessmentGiven,
    AssessmentWithdrawn,
)
from shared.testing import check_decider, commands, facts, given

decider = domain.deciders["assessment"]
DAY = date(2026, 3, 2)
HAN = "employee-han"


def told(**more: Any) -> dict[str, Any]:
    said = {"leader": HAN, "of": KIM, "period": "2026-02", "process": 4, "words": "Well prepared."}
    return {**said, "on": DAY, **more}


GIVEN = AssessmentGiven(**told())
ANSWERED = AssessmentAnswered(words="Thank you.", on=DAY)
WITHDRAWN = AssessmentWithdrawn(reason="It was of somebody else.", on=DAY)


@for_all(
    st.lists(facts(AssessmentEvent), max_size=6),
    st.lists(
        st.builds(lambda words: GiveAssessment(**told(words=words)), st.sampled_from(["a", "b"]))
        | commands(AnswerAssessment | WithdrawAssessment),
        max_size=6,
    ),
)
def test_n_12_any_facts_evolve_and_nothing_is_done_twice(
    history: list[Any], asked: list[Any]
) -> None:
    check_decider(decider, history, asked)


def test_n_12_a_leader_says_how_somebody_worked_and_may_say_it_better() -> None:
    better = AssessmentGiven(**told(quality=5, words="Well prepared, and heard out."))
    given(decider).when(GiveAssessment(**told())).then(GIVEN)
    given(decider, GIVEN).when(GiveAssessment(**told())).then_nothing()
    given(decider, GIVEN).when(GiveAssessment(**dict(better))).then(better)


def test_n_12_it_stays_by_the_same_leader_of_the_same_person_and_period() -> None:
    for other in ({"leader": LEE}, {"of": LEE}, {"period": "2026-03"}):
        given(decider, GIVEN).when(GiveAssessment(**told(**other))).then_refused(
            OtherAssessmentError
        )


def test_n_12_nobody_assesses_themselves() -> None:
    given(decider).when(GiveAssessment(**told(of=HAN))).then_refused(InvalidError)


def test_n_12_whom_it_is_about_answers() -> None:
    answer = AnswerAssessment(words="Thank you.", on=DAY)
    given(decider).when(answer).then_refused(AssessmentUnknownError)
    given(decider, GIVEN).when(answer).then(ANSWERED)
    given(decider, GIVEN, ANSWERED).when(answer).then_nothing()


def test_n_12_what_is_withdrawn_is_not_given_again() -> None:
    given(decider, GIVEN, WITHDRAWN).when(GiveAssessment(**told(words="x"))).then_refused(
        AssessmentWithdrawnError
    )


@pytest.mark.parametrize(
    "wrong", [{"process": 0}, {"quality": 6}, {"process": True}, {"words": ""}]
)
def test_a_score_is_one_to_five_and_words_are_words(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        GiveAssessment(**told(**wrong))


async def test_n_12_what_was_said_is_read_with_what_was_said_before(world: World) -> None:
    async def say(what: str, **body: Any) -> str:
        answer = await world.client.post(f"/analytics/assessments/feb/{what}", json=body)
        assert answer.status_code == 202, answer.text
        token: str = answer.json()["token"]
        return token

    first = {**told(), "on": "2026-03-02"}
    await say("give", **first)
    await say("give", **{**first, "words": "Well prepared, and heard out.", "quality": 5})
    token = await say("answer", words="Thank you.", on="2026-03-03")
    read = "/analytics/assessments"
    seen = await world.client.get(f"{read}/feb", headers={"X-At-Least": token})
    card = seen.json()
    assert (card["process"], card["quality"], card["answer"]) == (4, 5, "Thank you.")
    assert [one["words"] for one in card["before"]] == ["Well prepared."]
    listed = await world.client.get(read, params={"of": KIM, "period": "2026-02"})
    assert [one["assessment"] for one in listed.json()["items"]] == ["assessment-feb"]
    nobody = await world.client.get(read, params={"of": LEE})
    assert nobody.json()["items"] == []
    token = await say("withdraw", reason="It was of somebody else.", on="2026-03-04")
    seen = await world.client.get(f"{read}/feb", headers={"X-At-Least": token})
    assert seen.json()["withdrawn"]
