"""Views of issues: unmoved by duplicates and by the order in which streams arrive."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.issues.projections import PROJECTIONS, Feedback, IssueCard, SetBy, issue_card
from services.issues.timers import answer_deadline
from shared.events import Envelope
from shared.events.issues import (
    DeadlineMissed,
    DeadlineSet,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueRegistered,
    IssuesEvent,
)
from shared.testing import check_projection, histories, recorded

MONDAY, FRIDAY = date(2026, 1, 5), date(2026, 1, 9)


@for_all(histories({"issue": IssuesEvent}), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    for projection in PROJECTIONS:
        check_projection(projection, told, seed=seed)


def test_a_card_tells_the_issue_from_complaint_to_settlement() -> None:
    told = recorded(
        IssueRegistered(
            kind="complaint", words="It came late.", severity="high", person="person-1", on=MONDAY
        ),
        IssueAssigned(owner="employee-1", on=MONDAY),
        FeedbackGiven(result="We changed the carrier.", on=FRIDAY),
        IssueClosed(on=FRIDAY),
        stream="issue-1",
    )
    assert check_projection(issue_card, [told])["issue-1"] == IssueCard(
        issue="issue-1",
        kind="complaint",
        words="It came late.",
        severity="high",
        person="person-1",
        owner="employee-1",
        registered_on=MONDAY,
        feedback=(Feedback("We changed the carrier.", FRIDAY),),
        open=False,
        step="settled",
        closed_on=FRIDAY,
        fed_back=True,
        answered=True,
    )


NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)
ASKED = IssueRegistered(kind="advice", words="Smaller boxes.", on=MONDAY)
OWED = DeadlineSet(answer_by=NOON, on=MONDAY)


def card_after(*told: IssuesEvent) -> IssueCard:
    card: IssueCard = check_projection(issue_card, [recorded(*told, stream="issue-1")])["issue-1"]
    return card


def test_a_card_says_until_when_an_answer_is_owed_and_which_fact_says_so() -> None:
    card = card_after(ASKED, OWED)
    (_, fact) = recorded(ASKED, OWED, stream="issue-1")
    assert (card.answer_by, card.due_at, card.answered) == (NOON, NOON, False)
    assert card.deadline_set_by == SetBy(fact.id, 2)
    (overdue,) = answer_deadline.fire(card)
    assert (overdue.stream, overdue.deadline, overdue.set_by) == ("issue-1", NOON, fact.id)


def test_nothing_is_due_once_the_customer_was_told_or_the_deadline_missed() -> None:
    told = card_after(ASKED, OWED, FeedbackGiven(result="Done."))
    missed = card_after(ASKED, OWED, DeadlineMissed(answer_by=NOON, set_by="fact-2"))
    late = card_after(ASKED, FeedbackGiven(result="Done."), OWED)
    assert (told.due_at, told.answered, told.missed_at) == (None, True, None)
    assert (missed.due_at, missed.answered, missed.missed_at) == (None, False, NOON)
    assert (late.due_at, late.answer_by) == (None, NOON)
    assert [list(answer_deadline.fire(card)) for card in (told, missed, late)] == [[], [], []]


def test_what_was_missed_is_still_seen_after_a_new_promise() -> None:
    later = NOON.replace(day=12)
    missed = DeadlineMissed(answer_by=NOON, set_by="fact-2")
    card = card_after(ASKED, OWED, missed, DeadlineSet(answer_by=later))
    assert (card.missed_at, card.answer_by, card.due_at) == (NOON, later, later)


def test_in_the_store_the_order_of_deadlines_is_that_of_time() -> None:
    """The text of a whole second must not sort behind its fractions, nor by its offset."""
    instants = [
        datetime.fromisoformat(text)
        for text in (
            "2026-01-09T21:00:00+09:00",
            "2026-01-09T12:00:00.000001+00:00",
            "2026-01-09T12:00:00.5+00:00",
            "2026-01-09T12:00:01+00:00",
        )
    ]
    stored = [
        issue_card.to_document(card_after(ASKED, DeadlineSet(answer_by=at)))["due_at"]
        for at in instants
    ]
    assert stored == sorted(stored)
