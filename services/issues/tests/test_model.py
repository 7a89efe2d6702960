"""Rules of an issue. One test for each sentence a colleague could read aloud."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.issues.main import domain
from services.issues.model import (
    AlreadyAnsweredError,
    Assign,
    Close,
    DeadlineBeforeIssueError,
    DeadlineReplacedError,
    GiveFeedback,
    Handling,
    IssueAlreadyRegisteredError,
    IssueClosedError,
    IssueCommand,
    IssueUnknownError,
    MissDeadline,
    NoFeedbackYetError,
    Register,
    Reopen,
    SetDeadline,
)
from shared.errors import DomainError
from shared.events.issues import (
    DeadlineMissed,
    DeadlineSet,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueRegistered,
    IssueReopened,
    IssuesEvent,
)
from shared.handovers import TakeOver
from shared.testing import check_decider, commands, facts, given

decider = domain.decider("issue-1")
MONDAY = date(2026, 1, 5)
LATE = IssueRegistered(kind="complaint", words="It came late.", person="person-1", on=MONDAY)
TOLD = FeedbackGiven(result="We changed the carrier.", on=MONDAY)
TUESDAY_NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
FRIDAY_NOON = TUESDAY_NOON + timedelta(days=3)
BY_TUESDAY = DeadlineSet(answer_by=TUESDAY_NOON, on=MONDAY)
BY_FRIDAY = DeadlineSet(answer_by=FRIDAY_NOON, on=MONDAY)
# The complaint is the first fact of its stream, the deadline the second one, a new one the third.
MISS_TUESDAY = MissDeadline(version=2, set_by="fact-2")
MISS_FRIDAY = MissDeadline(version=3, set_by="fact-3")
TUESDAY_MISSED = DeadlineMissed(answer_by=TUESDAY_NOON, set_by="fact-2")


def test_a_complaint_is_registered_in_the_customers_words() -> None:
    register = Register(kind="complaint", words="It came late.", person="person-1", on=MONDAY)
    given(decider).when(register).then(LATE)


def test_an_issue_whose_date_nobody_knows_is_registered_without_one() -> None:
    said = {"kind": "advice", "words": "Smaller boxes.", "person": "person-1"}
    register = Register(**said, date_unknown=True)
    given(decider).when(register).then(IssueRegistered(**said))


def test_an_issue_is_registered_once() -> None:
    again = Register(kind="complaint", words="Again.", person="person-1")
    given(decider, LATE).when(again).then_refused(IssueAlreadyRegisteredError)


def test_nothing_happens_to_an_issue_nobody_registered() -> None:
    later = SetDeadline(answer_by=TUESDAY_NOON)
    for command in (Assign(owner="employee-1"), GiveFeedback(result="Done."), Close(), later):
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


def test_a_complaint_is_registered_together_with_the_answer_we_owe() -> None:
    register = Register(
        kind="complaint",
        words="It came late.",
        person="person-1",
        on=MONDAY,
        answer_by=TUESDAY_NOON,
    )
    given(decider).when(register).then(LATE, BY_TUESDAY)


def test_an_answer_is_promised_and_promised_for_another_time() -> None:
    promise = SetDeadline(answer_by=TUESDAY_NOON, on=MONDAY)
    later = SetDeadline(answer_by=FRIDAY_NOON, on=MONDAY)
    given(decider, LATE).when(promise).then(BY_TUESDAY)
    given(decider, LATE, BY_TUESDAY).when(later).then(BY_FRIDAY)


def test_promising_the_same_time_again_records_nothing() -> None:
    seoul = SetDeadline.model_validate({"answer_by": "2026-01-06T21:00:00+09:00"})
    given(decider, LATE, BY_TUESDAY).when(seoul).then_nothing()
    given(decider, LATE, BY_TUESDAY, TUESDAY_MISSED).when(seoul).then_nothing()


def test_an_answer_is_not_due_before_the_customer_asked() -> None:
    sunday = datetime(2026, 1, 4, 9, tzinfo=UTC)
    refused = given(decider, LATE).when(SetDeadline(answer_by=sunday))
    assert refused.then_refused(DeadlineBeforeIssueError).field == "#/answer_by"
    register = Register(
        kind="advice", words="Smaller boxes.", person="person-1", on=MONDAY, answer_by=sunday
    )
    given(decider).when(register).then_refused(DeadlineBeforeIssueError)


def test_a_monday_has_begun_in_seoul_while_it_is_sunday_in_london() -> None:
    early = datetime(2026, 1, 4, 18, tzinfo=UTC)
    answer = DeadlineSet(answer_by=early, on=MONDAY)
    given(decider, LATE).when(SetDeadline(answer_by=early, on=MONDAY)).then(answer)


def test_no_answer_is_promised_to_who_has_got_it() -> None:
    promise = SetDeadline(answer_by=TUESDAY_NOON)
    given(decider, LATE, TOLD).when(promise).then_refused(AlreadyAnsweredError)
    given(decider, LATE, TOLD, IssueClosed()).when(promise).then_refused(IssueClosedError)


def test_a_deadline_that_passed_unanswered_was_missed() -> None:
    given(decider, LATE, BY_TUESDAY).when(MISS_TUESDAY).then(TUESDAY_MISSED)


def test_a_deadline_is_missed_once() -> None:
    given(decider, LATE, BY_TUESDAY, TUESDAY_MISSED).when(MISS_TUESDAY).then_nothing()


def test_a_deadline_that_was_moved_is_not_missed() -> None:
    moved = given(decider, LATE, BY_TUESDAY, BY_FRIDAY)
    moved.when(MISS_TUESDAY).then_refused(DeadlineReplacedError)
    moved.when(MISS_FRIDAY).then(DeadlineMissed(answer_by=FRIDAY_NOON, set_by="fact-3"))


def test_a_deadline_moved_there_and_back_is_not_the_one_it_was() -> None:
    back = given(decider, LATE, BY_TUESDAY, BY_FRIDAY, BY_TUESDAY)
    back.when(MISS_TUESDAY).then_refused(DeadlineReplacedError)
    fourth = MissDeadline(version=4, set_by="fact-4")
    back.when(fourth).then(DeadlineMissed(answer_by=TUESDAY_NOON, set_by="fact-4"))


def test_a_deadline_that_was_met_is_not_missed() -> None:
    given(decider, LATE, BY_TUESDAY, TOLD).when(MISS_TUESDAY).then_refused(AlreadyAnsweredError)
    settled = given(decider, LATE, BY_TUESDAY, TOLD, IssueClosed())
    settled.when(MISS_TUESDAY).then_refused(IssueClosedError)


def test_what_has_no_deadline_misses_none() -> None:
    given(decider).when(MISS_TUESDAY).then_refused(IssueUnknownError)
    given(decider, LATE).when(MISS_TUESDAY).then_refused(DeadlineReplacedError)


def test_after_a_missed_deadline_there_may_be_a_new_one_and_it_may_be_missed_too() -> None:
    again = given(decider, LATE, BY_TUESDAY, TUESDAY_MISSED, BY_FRIDAY)
    miss = MissDeadline(version=4, set_by="fact-4")
    again.when(miss).then(DeadlineMissed(answer_by=FRIDAY_NOON, set_by="fact-4"))


def test_nobody_says_by_hand_that_a_deadline_was_missed() -> None:
    assert MissDeadline not in decider.commands.values()


# What people ask here: another system may close what it likes.
HERE = (
    Register
    | Assign
    | Handling
    | GiveFeedback
    | Close
    | Reopen
    | SetDeadline
    | MissDeadline
    | TakeOver
)


@for_all(st.lists(commands(HERE), max_size=8), st.lists(st.integers(1, 9), max_size=6))
def test_whatever_is_asked_only_the_deadline_that_holds_is_missed(
    asked: list[Any], named: list[int]
) -> None:
    told: list[Any] = []
    for command in [*asked, *(MissDeadline(version=v, set_by=str(v)) for v in named)]:
        try:
            told += decider.decide(decider.state(told), command)
        except DomainError:
            continue
    missed = [place for place, fact in enumerate(told) if isinstance(fact, DeadlineMissed)]
    for place in missed:
        reopened = [at for at in range(place) if isinstance(told[at], IssueReopened)]
        before = told[max(reopened, default=0) : place]
        (*_, held) = [fact for fact in before if isinstance(fact, DeadlineSet)]
        assert told[place].answer_by == held.answer_by
        assert not [fact for fact in before if isinstance(fact, FeedbackGiven)]
    assert len(missed) <= len([fact for fact in told if isinstance(fact, DeadlineSet)])


@for_all(st.lists(facts(IssuesEvent), max_size=6), st.lists(commands(IssueCommand), max_size=6))
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(decider, history, asked)


@for_all(st.lists(commands(HERE), max_size=12))
def test_whatever_is_asked_no_issue_closes_without_feedback(asked: list[Any]) -> None:
    issue = check_decider(decider, [], asked)
    assert issue.told is not None or not issue.closed


def test_c_09_an_open_issue_of_a_leaver_is_the_receivers_and_what_others_have_stays() -> None:
    take = TakeOver(giver="employee-1", receiver="employee-2", on=MONDAY)
    hers = IssueAssigned(owner="employee-1", on=MONDAY)
    theirs = IssueAssigned(owner="employee-2", reason="handover", on=MONDAY)
    given(decider, LATE, hers).when(take).then(theirs)
    given(decider, LATE, hers, theirs).when(take).then_nothing()
    closed = (hers, FeedbackGiven(result="Sorry."), IssueClosed())
    given(decider, LATE, *closed).when(take).then_refused(IssueClosedError)
