"""What is known of an issue when a rule asks, and how each fact changes that. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, timezone
from typing import assert_never

from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.issues import (
    ActionTaken,
    CauseFound,
    CauseRemoved,
    DeadlineMissed,
    DeadlineSet,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueEscalated,
    IssueGraded,
    IssueRegistered,
    IssueReopened,
    IssuesEvent,
    SatisfactionStated,
    ServiceLevelTold,
    Severity,
    StatusTold,
    UnitInformed,
)

# Where a date begins first: nowhere on earth is it later.
EARLIEST = timezone(timedelta(hours=14))


def before_day(at: datetime, day: date | None) -> bool:
    """Whether an instant is before a business date, wherever on earth that is the company's."""
    return day is not None and at < datetime.combine(day, time.min, EARLIEST)


class IssueUnknownError(NotFoundError):
    """Nobody registered an issue of that id."""


class IssueAlreadyRegisteredError(DomainError):
    """An issue is registered once."""


class IssueClosedError(DomainError):
    """It is settled: nothing more happens to it."""


class NoFeedbackYetError(DomainError):
    """The customer has not been told what became of it (I-03)."""


class AlreadyAnsweredError(DomainError):
    """The customer has been told: no answer is owed any more."""


class DeadlineBeforeIssueError(InvalidError):
    """An answer cannot be due before the day on which the customer asked."""


class NoCauseYetError(DomainError):
    """Nobody knows the cause: what is not known cannot be removed (I-04)."""


class IssueOpenError(DomainError):
    """It is not settled: there is nothing to open again."""


class DeadlineReplacedError(DomainError):
    """Another deadline holds by now: this one can neither be met nor missed."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when an answer is owed, and the version of the fact that says so."""

    answer_by: datetime
    version: int
    missed: bool = False


@dataclass(frozen=True, slots=True)
class There:
    """How it stands with another system, and after how many facts that it told."""

    facts: int
    status: str | None
    severity: Severity
    owner: str | None
    kept: bool | None = None
    answered: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Issue:
    """Only what a rule needs to know. What a screen needs lives in projections.py.

    `version` counts the facts. `evolve` gets each fact of the stream once and in order, so the
    count is the place of the last one, which names it as surely as its id: the journal holds one
    fact at one place. That is how a deadline is told from an equal one set before or after it.
    """

    version: int = 0
    registered: bool = False
    on: date | None = None
    owner: str | None = None
    severity: Severity = "moderate"
    cause: CauseFound | None = None
    removed: str | None = None
    actions: frozenset[str] = frozenset()
    informed: dict[str, str | None] = field(default_factory=dict)
    escalated: IssueEscalated | None = None
    satisfaction: dict[str, int] = field(default_factory=dict)
    told: str | None = None
    closed: bool = False
    deadline: Deadline | None = None
    there: There | None = None


def evolve(issue: Issue, event: IssuesEvent) -> Issue:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    there = after(issue.there, event) if getattr(event, "at", None) else issue.there
    issue = replace(issue, version=issue.version + 1, there=there)
    match event:
        case IssueRegistered(owner=owner, on=on, severity=severity):
            return replace(issue, registered=True, owner=owner, on=on, severity=severity)
        case IssueAssigned(owner=owner):
            return replace(issue, owner=owner)
        case FeedbackGiven(result=result):
            return replace(issue, told=result)
        case IssueClosed():
            return replace(issue, closed=True)
        case IssueReopened():
            # Whatever the customer was told was not the end of it: an answer is owed anew.
            return replace(issue, closed=False, told=None, deadline=None)
        case DeadlineSet(answer_by=answer_by):
            return replace(issue, deadline=Deadline(answer_by, issue.version))
        case DeadlineMissed():
            missed = issue.deadline and replace(issue.deadline, missed=True)
            return replace(issue, deadline=missed)
        case StatusTold() | ServiceLevelTold():
            return issue
        case _:
            return _seen_to(issue, event)


def after(there: There | None, event: IssuesEvent) -> There:
    """Return how it stands with another system after a fact that this one told."""
    if isinstance(event, IssueRegistered):
        return There(1, event.status, event.severity, event.owner, event.kept)
    there = there or There(0, None, "moderate", None)
    there = replace(there, facts=there.facts + 1)
    match event:
        case StatusTold(status=status, answered=answered):
            return replace(there, status=status, answered=answered)
        case IssueGraded(severity=severity):
            return replace(there, severity=severity)
        case IssueAssigned(owner=owner):
            return replace(there, owner=owner)
        case ServiceLevelTold(kept=kept):
            return replace(there, kept=kept)
        case IssueClosed(status=status):
            return replace(there, closed=True, status=status, answered=False)
        case IssueReopened():
            return replace(there, closed=False, answered=False)
        case _:
            return there


SeenTo = (
    IssueGraded
    | IssueEscalated
    | CauseFound
    | ActionTaken
    | CauseRemoved
    | UnitInformed
    | SatisfactionStated
)


def _seen_to(issue: Issue, event: SeenTo) -> Issue:
    match event:
        case IssueGraded(severity=severity):
            return replace(issue, severity=severity)
        case IssueEscalated():
            return replace(issue, escalated=event)
        case CauseFound():
            return replace(issue, cause=event, removed=None)
        case ActionTaken(what=what):
            return replace(issue, actions=issue.actions | {what})
        case CauseRemoved(how=how):
            return replace(issue, removed=how)
        case UnitInformed(unit=unit, what=what):
            return replace(issue, informed=issue.informed | {unit: what})
        case SatisfactionStated(score=score, when=when):
            return replace(issue, satisfaction=issue.satisfaction | {when: score})
        case _:
            assert_never(event)
