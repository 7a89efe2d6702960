"""What people ask about issues. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from shared.events import Envelope
from shared.events.issues import (
    ActionTaken,
    CauseFound,
    CauseRemoved,
    DeadlineMissed,
    DeadlineSet,
    Expressed,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueEscalated,
    IssueGraded,
    IssueKind,
    IssueRegistered,
    IssueReopened,
    SatisfactionStated,
    ServiceLevelTold,
    Severity,
    StatusTold,
    UnitInformed,
)
from shared.projection import Projection
from shared.timers import DueAt, judged_at

Step = Literal["owner", "cause", "action", "feedback", "close", "settled"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the customer was told, and when; None: the date is not known."""

    result: str
    on: date | None


@dataclass(frozen=True, slots=True)
class Said:
    """What was done, or said, and when."""

    what: str | None
    on: date | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it happened, and what removed that; None: it may happen again (I-04)."""

    cause: str
    category: str | None
    on: date | None
    removed: Said | None = None


@dataclass(frozen=True, slots=True)
class Informed:
    """A part of our organisation that was told of it."""

    unit: str
    what: str | None
    on: date | None


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who above its owner has to see to it, and why."""

    to: str
    reason: str
    on: date | None


@dataclass(frozen=True, slots=True)
class Score:
    """How satisfied the customer was, from 0 to 10, before we did anything or after it (I-07)."""

    when: Literal["before", "after"]
    score: int
    on: date | None


@dataclass(frozen=True, slots=True)
class SetBy:
    """The fact that set the deadline: its id, and its place among the facts of the issue."""

    fact: str
    version: int


@dataclass(frozen=True, slots=True)
class IssueCard:
    """Answers: who complained of what, whose is it, was the customer told, in time? (I-03, I-06).

    `step` is the next thing to do with it. `missed_at` is the deadline that passed without an
    answer, also when there is a new one; `status` and `kept` are what another system says.
    """

    issue: str
    kind: IssueKind | None = None
    words: str | None = None
    severity: Severity | None = None
    person: str | None = None
    company: str | None = None
    owner: str | None = None
    touch: str | None = None
    opportunity: str | None = None
    expressed: Expressed | None = None
    category: str | None = None
    registered_on: date | None = None
    cause: Cause | None = None
    actions: tuple[Said, ...] = ()
    informed: tuple[Informed, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    satisfaction_before: int | None = None
    satisfaction_after: int | None = None
    scores: tuple[Score, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    open: bool = True
    step: Step = "owner"
    closed_on: date | None = None
    reopened: tuple[Said, ...] = ()
    fed_back: bool = False
    status: str | None = None
    kept: bool | None = None
    source_ref: str | None = None
    answer_by: datetime | None = None
    answered: bool = False
    missed_at: datetime | None = None
    # While an answer is owed and its deadline not missed yet: what the timer scans, and names.
    due_at: DueAt | None = None
    deadline_set_by: SetBy | None = None


issue_card = Projection(
    "issue_card",
    version=4,
    view=IssueCard,
    indexes=("issue", "person", "company", "owner", "registered_on", "due_at"),
    streams=("issue",),
)


def stepped(card: IssueCard, **told: Any) -> IssueCard:
    """Return the card with what was told, and what has to be done next (I-03)."""
    card = replace(card, **told)
    return replace(card, step=_next(card))


def _next(card: IssueCard) -> Step:
    if not card.open:
        return "settled"
    if card.owner is None:
        return "owner"
    if card.answered:
        return "close"
    if card.cause is None:
        return "cause"
    return "action" if not card.actions else "feedback"


@issue_card.on(IssueRegistered)
def issue_registered(card: IssueCard, event: IssueRegistered, at: Envelope) -> IssueCard:
    said = event.model_dump(exclude={"on", "at"})
    return stepped(card, **said, registered_on=event.on)


@issue_card.on(IssueAssigned)
def issue_assigned(card: IssueCard, event: IssueAssigned, at: Envelope) -> IssueCard:
    return stepped(card, owner=event.owner)


@issue_card.on(IssueGraded)
def issue_graded(card: IssueCard, event: IssueGraded, at: Envelope) -> IssueCard:
    return replace(card, severity=event.severity)


@issue_card.on(IssueEscalated)
def issue_escalated(card: IssueCard, event: IssueEscalated, at: Envelope) -> IssueCard:
    told = Escalation(event.to, event.reason, event.on)
    return replace(card, escalations=(*card.escalations, told))


@issue_card.on(CauseFound)
def cause_found(card: IssueCard, event: CauseFound, at: Envelope) -> IssueCard:
    return stepped(card, cause=Cause(event.cause, event.category, event.on))


@issue_card.on(ActionTaken)
def action_taken(card: IssueCard, event: ActionTaken, at: Envelope) -> IssueCard:
    return stepped(card, actions=(*card.actions, Said(event.what, event.on)))


@issue_card.on(CauseRemoved)
def cause_removed(card: IssueCard, event: CauseRemoved, at: Envelope) -> IssueCard:
    if card.cause is None:
        return card
    return replace(card, cause=replace(card.cause, removed=Said(event.how, event.on)))


@issue_card.on(UnitInformed)
def unit_informed(card: IssueCard, event: UnitInformed, at: Envelope) -> IssueCard:
    told = Informed(event.unit, event.what, event.on)
    return replace(card, informed=(*card.informed, told))


@issue_card.on(SatisfactionStated)
def satisfaction_stated(card: IssueCard, event: SatisfactionStated, at: Envelope) -> IssueCard:
    card = replace(card, scores=(*card.scores, Score(event.when, event.score, event.on)))
    if event.when == "before":
        return replace(card, satisfaction_before=event.score)
    return replace(card, satisfaction_after=event.score)


@issue_card.on(StatusTold)
def status_told(card: IssueCard, event: StatusTold, at: Envelope) -> IssueCard:
    return replace(card, status=event.status)


@issue_card.on(ServiceLevelTold)
def service_level_told(card: IssueCard, event: ServiceLevelTold, at: Envelope) -> IssueCard:
    return replace(card, kept=event.kept)


@issue_card.on(FeedbackGiven)
def feedback_given(card: IssueCard, event: FeedbackGiven, at: Envelope) -> IssueCard:
    told = (*card.feedback, Feedback(event.result, event.on))
    return stepped(card, feedback=told, answered=True, due_at=None)


@issue_card.on(IssueClosed)
def issue_closed(card: IssueCard, event: IssueClosed, at: Envelope) -> IssueCard:
    closed = {"open": False, "closed_on": event.on, "fed_back": event.fed_back}
    return stepped(card, **closed, status=event.status or card.status, due_at=None)


@issue_card.on(IssueReopened)
def issue_reopened(card: IssueCard, event: IssueReopened, at: Envelope) -> IssueCard:
    again = (*card.reopened, Said(event.reason, event.on))
    opened = {"open": True, "closed_on": None, "fed_back": False, "answered": False}
    owed = {"answer_by": None, "due_at": None, "deadline_set_by": None}
    return stepped(card, **opened, **owed, reopened=again)


@issue_card.on(DeadlineSet)
def deadline_set(card: IssueCard, event: DeadlineSet, at: Envelope) -> IssueCard:
    owed = card.open and not card.answered
    return replace(
        card,
        answer_by=event.answer_by,
        due_at=judged_at(event.answer_by, at.recorded_at) if owed else None,
        deadline_set_by=SetBy(at.id, at.version),
    )


@issue_card.on(DeadlineMissed)
def deadline_missed(card: IssueCard, event: DeadlineMissed, at: Envelope) -> IssueCard:
    return replace(card, missed_at=event.answer_by, due_at=None)


PROJECTIONS = (issue_card,)
