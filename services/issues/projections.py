"""What people ask about issues. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from shared.events import Envelope
from shared.events.issues import (
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueKind,
    IssueRegistered,
    Severity,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the customer was told, and when; None: the date is not known."""

    result: str
    on: date | None


@dataclass(frozen=True, slots=True)
class IssueCard:
    """Answers: who complained of what, whose is it, and was the customer told? (I-03, I-06)."""

    issue: str
    kind: IssueKind | None = None
    words: str | None = None
    severity: Severity | None = None
    person: str | None = None
    company: str | None = None
    owner: str | None = None
    touch: str | None = None
    registered_on: date | None = None
    feedback: tuple[Feedback, ...] = ()
    open: bool = True
    closed_on: date | None = None


issue_card = Projection(
    "issue_card", version=1, view=IssueCard, indexes=("person", "company", "owner")
)


@issue_card.on(IssueRegistered)
def issue_registered(card: IssueCard, event: IssueRegistered, at: Envelope) -> IssueCard:
    return replace(
        card,
        kind=event.kind,
        words=event.words,
        severity=event.severity,
        person=event.person,
        company=event.company,
        owner=event.owner,
        touch=event.touch,
        registered_on=event.on,
    )


@issue_card.on(IssueAssigned)
def issue_assigned(card: IssueCard, event: IssueAssigned, at: Envelope) -> IssueCard:
    return replace(card, owner=event.owner)


@issue_card.on(FeedbackGiven)
def feedback_given(card: IssueCard, event: FeedbackGiven, at: Envelope) -> IssueCard:
    return replace(card, feedback=(*card.feedback, Feedback(event.result, event.on)))


@issue_card.on(IssueClosed)
def issue_closed(card: IssueCard, event: IssueClosed, at: Envelope) -> IssueCard:
    return replace(card, open=False, closed_on=event.on)


PROJECTIONS = (issue_card,)
