"""Rules of an issue. One test for each sentence a colleague could read aloud."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.issues.main import domain
from services.issues.model import (
    Assign,
    Close,
    GiveFeedback,
    IssueAlreadyRegisteredError,
    IssueClosedError,
    IssueCommand,
    IssueUnknownError,
    NoFeedbackYetError,
    Register,
)
from shared.events.issues import (
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueRegistered,
    IssuesEvent,
)
from shared.testing import check_decider, commands, facts, given

decider = domain.decider("issue-1")
MONDAY = date(2026, 1, 5)
LATE = IssueRegistered(kind="complaint", words="It came late.", person="person-1", on=MONDAY)
TOLD = FeedbackGiven(result="We changed the carrier.", on=MONDAY)


def test_a_complaint_is_registered_in_the_customers_words() -> None:
    register = Register(kind="complaint", words="It came late.", person="person-1", on=MONDAY)
    given(decider).when(register).then(LATE)


def test_an_issue_whose_date_nobody_knows_is_registered_without_one() -> None:
    register = Register(kind="advice", words="Smaller boxes.", date_unknown=True)
    given(decider).when(register).then(IssueRegistered(kind="advice", words="Smaller boxes."))


def test_an_issue_is_registered_once() -> None:
    again = Register(kind="complaint", words="Again.")
    given(decider, LATE).when(again).then_refused(IssueAlreadyRegisteredError)


def test_nothing_happens_to_an_issue_nobody_registered() -> None:
    for command in (Assign(owner="employee-1"), GiveFeedback(result="Done."), Close()):
        given(decider).when(command).then_refused(IssueUnknownError)


def test_somebody_becomes_responsible() -> None:
    mine = IssueAssigned(owner="employee-1", on=MONDAY)
    given(decider, LATE).when(Assign(owner="employee-1", on=MONDAY)).then(mine)


def test_assigning_to_the_present_owner_records_nothing() -> None:
    mine = IssueAssigned(owner="employee-1")
    given(decider, LATE, mine).when(Assign(owner="employee-1", on=MONDAY)).then_nothing()


def test_an_issue_is_not_closed_before_the_customer_was_told() -> None:
    refused = given(decider, LATE).when(Close()).then_refused(NoFeedbackYetError)
    assert "tell the customer" in str(refused)


def test_an_issue_is_closed_after_the_customer_was_told() -> None:
    given(decider, LATE, TOLD).when(Close(on=MONDAY)).then(IssueClosed(on=MONDAY))


def test_closing_a_closed_issue_records_nothing() -> None:
    given(decider, LATE, TOLD, IssueClosed()).when(Close()).then_nothing()


def test_a_closed_issue_stays_as_it_is() -> None:
    for command in (Assign(owner="employee-1"), GiveFeedback(result="More.")):
        given(decider, LATE, TOLD, IssueClosed()).when(command).then_refused(IssueClosedError)


def test_the_customer_may_be_told_more_but_not_the_same_twice() -> None:
    more = GiveFeedback(result="And it arrived.", on=MONDAY)
    given(decider, LATE, TOLD).when(more).then(FeedbackGiven(result="And it arrived.", on=MONDAY))
    same = GiveFeedback(result="We changed the carrier.", on=MONDAY)
    given(decider, LATE, TOLD).when(same).then_nothing()


@for_all(st.lists(facts(IssuesEvent), max_size=6), st.lists(commands(IssueCommand), max_size=6))
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(decider, history, asked)


@for_all(st.lists(commands(IssueCommand), max_size=12))
def test_whatever_is_asked_no_issue_closes_without_feedback(asked: list[Any]) -> None:
    issue = check_decider(decider, [], asked)
    assert issue.told is not None or not issue.closed
