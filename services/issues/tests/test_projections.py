"""Views of issues: unmoved by duplicates and by the order in which streams arrive."""

from __future__ import annotations

from datetime import date

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.issues.projections import PROJECTIONS, Feedback, IssueCard, issue_card
from shared.events import Envelope
from shared.events.issues import (
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
        closed_on=FRIDAY,
    )
