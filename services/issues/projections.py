"""What people ask about issues. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from shared.events import Envelope
from shared.events.issues import (
    DeadlineMissed,
    DeadlineSet,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueKind,
    IssueRegistered,
    Severity,
)
from shared.projection import Projection
from shared.timers import DueAt


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the customer was told, and when; None: the date is not known."""

    result: str
    on: date | None


@dataclass(frozen=True, slots=True)
class SetBy:
    """The fact that set the deadline: its id, and its place among the facts of the issue."""

    fact: str
    version: int


@dataclass(frozen=True, slots=True)
class IssueCard:
    """Answers: who complained of what, whose is it, was the customer told, in time? (I-03, I-06).

    `missed_at` is the deadline that passed without an answer, also when there is a new one.
    """

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
    answer_by: datetime | None = None
    answered: bool = False
    missed_at: datetime | None = None
    # While an answer is owed and its deadline not missed yet: what the timer scans, and names.
    due_at: DueAt | None = None
    deadline_set_by: SetBy | None = None


issue_card = Projection(
    "issue_card", version=2, view=IssueCard, indexes=("person", "company", "owner", "due_at")
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
    told = (*card.feedback, Feedback(event.result, event.on))
    return replace(card, feedback=told, answered=True, due_at=None)


@issue_card.on(IssueClosed)
def issue_closed(card: IssueCard, event: IssueClosed, at: Envelope) -> IssueCard:
    return replace(card, open=False, closed_on=event.on, due_at=None)


@issue_card.on(DeadlineSet)
def deadline_set(card: IssueCard, event: DeadlineSet, at: Envelope) -> IssueCard:
    owed = card.open and not card.answered
    return replace(
        card,
        answer_by=event.answer_by,
        due_at=event.answer_by if owed else None,
        deadline_set_by=SetBy(at.id, at.version),
    )


@issue_card.on(DeadlineMissed)
def deadline_missed(card: IssueCard, event: DeadlineMissed, at: Envelope) -> IssueCard:
    return replace(card, missed_at=event.answer_by, due_at=None)


PROJECTIONS = (issue_card,)
