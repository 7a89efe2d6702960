"""From a complaint to the end of it (I-01 to I-07): tracked, its cause removed, nobody left out."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from services.issues.main import domain
from services.issues.model import (
    Act,
    Close,
    Escalate,
    FindCause,
    GiveFeedback,
    Grade,
    Inform,
    IssueClosedError,
    IssueOpenError,
    NoCauseYetError,
    NoFeedbackYetError,
    Register,
    RemoveCause,
    Reopen,
    StateSatisfaction,
)
from services.issues.projections import issue_card
from shared.events.issues import (
    ActionTaken,
    CauseFound,
    CauseRemoved,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueEscalated,
    IssueGraded,
    IssueRegistered,
    IssueReopened,
    SatisfactionStated,
    UnitInformed,
)
from shared.testing import check_projection, given, recorded

decider = domain.decider("issue-1")
MONDAY, FRIDAY = date(2026, 1, 5), date(2026, 1, 9)
LATE = IssueRegistered(kind="complaint", words="It came late.", person="person-1", on=MONDAY)
CAUSE = CauseFound(cause="The carrier has no night shift.", category="logistics", on=MONDAY)
TOLD, DONE = FeedbackGiven(result="We changed the carrier.", on=FRIDAY), IssueClosed(on=FRIDAY)


@pytest.mark.parametrize("kind", ["complaint", "grievance", "objection", "advice", "survey"])
@pytest.mark.parametrize("expressed", ["said", "written", "shown"])
def test_i_01_i_02_whatever_a_customer_expresses_is_registered_in_one_place(
    kind: Any, expressed: Any
) -> None:
    """Said, or by face and gesture: two fields and a person are enough."""
    said = {"kind": kind, "words": "Hm.", "person": "person-1", "expressed": expressed}
    given(decider).when(Register(**said, on=MONDAY)).then(IssueRegistered(**said, on=MONDAY))


def test_c_01_a_complaint_is_a_persons() -> None:
    with pytest.raises(ValidationError, match="person"):
        Register.model_validate({"kind": "complaint", "words": "It came late."})


def test_i_03_a_settled_issue_is_opened_again_and_the_customer_told_again() -> None:
    again = IssueReopened(reason="It came late again.", on=FRIDAY)
    reopen = Reopen(reason="It came late again.", on=FRIDAY)
    given(decider, LATE).when(reopen).then_refused(IssueOpenError)
    given(decider, LATE, TOLD, DONE).when(reopen).then(again)
    given(decider, LATE, TOLD, DONE, again).when(Close()).then_refused(NoFeedbackYetError)
    told = GiveFeedback(result="We changed the carrier.", on=FRIDAY)
    given(decider, LATE, TOLD, DONE, again).when(told).then(TOLD)
    given(decider, LATE, TOLD, DONE, again, TOLD).when(Close(on=FRIDAY)).then(DONE)


def test_i_04_its_cause_is_found_and_removed_and_those_it_concerns_are_told() -> None:
    find = FindCause(cause=CAUSE.cause, category="logistics", on=MONDAY)
    remove = RemoveCause(how="Another carrier.", on=FRIDAY)
    gone = CauseRemoved(how="Another carrier.", on=FRIDAY)
    inform = Inform(unit="unit-1", on=MONDAY)
    told = UnitInformed(unit="unit-1", on=MONDAY)
    given(decider, LATE).when(find).then(CAUSE)
    given(decider, LATE, CAUSE).when(find).then_nothing()
    given(decider, LATE).when(remove).then_refused(NoCauseYetError)
    given(decider, LATE, CAUSE).when(remove).then(gone)
    given(decider, LATE, CAUSE, gone).when(remove).then_nothing()
    # What was thought to be gone was not the cause: the new one has to be removed as well.
    other = CauseFound(cause="Our own forms.", on=FRIDAY)
    given(decider, LATE, CAUSE, gone, other).when(remove).then(gone)
    given(decider, LATE).when(inform).then(told)
    given(decider, LATE, told).when(inform).then_nothing()


def test_i_05_it_is_graded_escalated_and_acted_upon() -> None:
    given(decider, LATE).when(Grade(severity="critical")).then(IssueGraded(severity="critical"))
    given(decider, LATE).when(Grade(severity="moderate")).then_nothing()
    up = {"to": "employee-9", "reason": "They will leave us."}
    given(decider, LATE).when(Escalate(**up)).then(IssueEscalated(**up))
    given(decider, LATE, IssueEscalated(**up)).when(Escalate(**up)).then_nothing()
    given(decider, LATE).when(Act(what="Call the carrier.")).then(
        ActionTaken(what="Call the carrier.")
    )
    for command in (Grade(severity="low"), Escalate(**up), Act(what="Call.")):
        given(decider, LATE, TOLD, DONE).when(command).then_refused(IssueClosedError)


def test_i_07_how_satisfied_they_are_is_asked_before_and_after_also_when_all_is_settled() -> None:
    before, after = ({"score": 3, "when": "before"}, {"score": 8, "when": "after"})
    given(decider, LATE).when(StateSatisfaction(**before)).then(SatisfactionStated(**before))
    given(decider, LATE, SatisfactionStated(**before)).when(
        StateSatisfaction(**before)
    ).then_nothing()
    given(decider, LATE, TOLD, DONE).when(StateSatisfaction(**after)).then(
        SatisfactionStated(**after)
    )
    with pytest.raises(ValidationError):
        StateSatisfaction(score=11, when="after")


def test_i_03_a_card_says_what_has_to_be_done_next() -> None:
    history = [
        LATE,
        IssueAssigned(owner="employee-1"),
        CAUSE,
        ActionTaken(what="Another carrier."),
        TOLD,
        DONE,
        IssueReopened(reason="Late again."),
    ]
    steps = []
    for length in range(1, len(history) + 1):
        told = recorded(*history[:length], stream="issue-1")
        steps.append(check_projection(issue_card, [told])["issue-1"].step)
    assert steps == ["owner", "cause", "action", "feedback", "close", "settled", "feedback"]
