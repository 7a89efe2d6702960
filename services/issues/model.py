"""What may happen to an issue. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, ClassVar, Literal, assert_never

from pydantic import Field, StringConstraints

from services.issues.mirroring import Mirror, mirror
from services.issues.state import (
    AlreadyAnsweredError,
    Deadline,
    DeadlineBeforeIssueError,
    DeadlineReplacedError,
    Issue,
    IssueAlreadyRegisteredError,
    IssueClosedError,
    IssueOpenError,
    IssueUnknownError,
    NoCauseYetError,
    NoFeedbackYetError,
    before_day,
    evolve,
)
from shared.command import Command, DatedCommand, Instant
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
    IssuesEvent,
    SatisfactionStated,
    Severity,
    UnitInformed,
)
from shared.handovers import TakeOver
from shared.references import (
    CompanyStream,
    EmployeeStream,
    OpportunityStream,
    PersonStream,
    TouchStream,
    UnitStream,
)

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Register(DatedCommand):
    """A customer expressed something. Who did is a person, always (C-01); the rest can follow."""

    kind: IssueKind
    words: Words
    person: PersonStream
    severity: Severity = "moderate"
    company: CompanyStream | None = None
    owner: EmployeeStream | None = None
    touch: TouchStream | None = None
    opportunity: OpportunityStream | None = None
    expressed: Expressed | None = None
    category: Name | None = None
    answer_by: Instant | None = None


class RegisterAgreed(Register):
    """The same with the answer that is agreed with this customer: no part of what is asked."""

    asked_as: ClassVar[str | None] = Register.__name__
    agreed_by: Instant | None = Field(None, exclude=True)


class Assign(DatedCommand):
    owner: EmployeeStream


class Grade(DatedCommand):
    severity: Severity


class Escalate(DatedCommand):
    to: EmployeeStream
    reason: Words


class FindCause(DatedCommand):
    """Say why it happened; said again, instead of what was thought before."""

    cause: Words
    category: Name | None = None


class Act(DatedCommand):
    what: Words


class RemoveCause(DatedCommand):
    how: Words


class Inform(DatedCommand):
    """Tell a part of our organisation that it concerns."""

    unit: UnitStream
    what: Words | None = None


class StateSatisfaction(DatedCommand):
    score: Annotated[int, Field(ge=0, le=10)]
    when: Literal["before", "after"]


class GiveFeedback(DatedCommand):
    result: Words
    touch: TouchStream | None = None


class Close(DatedCommand):
    """The issue is settled. Only after the customer was told."""


class Reopen(DatedCommand):
    """It was not settled after all."""

    reason: Words


class SetDeadline(DatedCommand):
    """Promise the customer an answer, or promise it for another time."""

    answer_by: Instant


class MissDeadline(Command):
    """The deadline that this very fact set has passed. Only the timer says so, nobody by hand.

    `version` names the fact to the rule, `set_by`, its id, to those who read what is recorded.
    """

    version: Annotated[int, Field(ge=1)]
    set_by: str


Handling = Grade | Escalate | FindCause | Act | RemoveCause | Inform | StateSatisfaction
IssueCommand = (
    Register
    | Assign
    | Handling
    | GiveFeedback
    | Close
    | Reopen
    | SetDeadline
    | MissDeadline
    | TakeOver
    | Mirror
)


def decide(issue: Issue, command: IssueCommand) -> list[IssuesEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Mirror():
            return mirror(issue, command)
        case Register():
            if issue.registered:
                raise IssueAlreadyRegisteredError
            told = command.model_dump(exclude={"date_unknown", "answer_by"})
            registered = IssueRegistered(**told)
            answer_by = command.answer_by
            if answer_by is None and isinstance(command, RegisterAgreed):
                answer_by = command.agreed_by
            if answer_by is None:
                return [registered]
            owed = SetDeadline(answer_by=answer_by, on=command.on)
            return [registered, *_set_deadline(evolve(issue, registered), owed)]
        case _ if not issue.registered:
            raise IssueUnknownError
        case Close(on=on):
            if issue.told is None and not issue.closed:
                raise NoFeedbackYetError("first tell the customer what became of it")
            return [] if issue.closed else [IssueClosed(on=on)]
        case Reopen(reason=reason, on=on):
            if not issue.closed:
                raise IssueOpenError
            return [IssueReopened(reason=reason, on=on)]
        case StateSatisfaction():
            return _handle(issue, command)  # What it came to is often asked when all is settled.
        case _ if issue.closed:
            raise IssueClosedError
        case Assign(owner=owner, on=on):
            return [] if issue.owner == owner else [IssueAssigned(owner=owner, on=on)]
        case TakeOver(receiver=receiver, on=on):
            moves = command.moves(issue.owner)
            return [IssueAssigned(owner=receiver, reason="handover", on=on)] if moves else []
        case GiveFeedback(result=result, touch=touch, on=on):
            told_of = FeedbackGiven(result=result, touch=touch, on=on)
            return [] if issue.told == result else [told_of]
        case SetDeadline() | MissDeadline():
            return _deadline(issue, command)
        case _:
            return _handle(issue, command)


def _handle(issue: Issue, command: Handling) -> list[IssuesEvent]:
    """Say what somebody did about it; said before, it is no news."""
    match command:
        case Grade(severity=severity, on=on):
            return [] if issue.severity == severity else [IssueGraded(severity=severity, on=on)]
        case Escalate(to=to, reason=reason, on=on):
            said = issue.escalated
            same = said is not None and (said.to, said.reason) == (to, reason)
            return [] if same else [IssueEscalated(to=to, reason=reason, on=on)]
        case FindCause(cause=cause, category=category, on=on):
            known = issue.cause
            same = known is not None and (known.cause, known.category) == (cause, category)
            return [] if same else [CauseFound(cause=cause, category=category, on=on)]
        case Act(what=what, on=on):
            return [] if what in issue.actions else [ActionTaken(what=what, on=on)]
        case RemoveCause(how=how, on=on):
            if issue.cause is None:
                raise NoCauseYetError
            return [] if issue.removed == how else [CauseRemoved(how=how, on=on)]
        case Inform(unit=unit, what=what, on=on):
            knows = unit in issue.informed and what in (None, issue.informed[unit])
            return [] if knows else [UnitInformed(unit=unit, what=what, on=on)]
        case StateSatisfaction(score=score, when=when, on=on):
            same = issue.satisfaction.get(when) == score
            return [] if same else [SatisfactionStated(score=score, when=when, on=on)]
        case _:
            assert_never(command)


def _set_deadline(issue: Issue, command: SetDeadline) -> list[IssuesEvent]:
    if issue.told is not None:
        raise AlreadyAnsweredError
    if before_day(command.answer_by, issue.on):
        raise DeadlineBeforeIssueError(f"the issue is of {issue.on}", field="#/answer_by")
    if issue.deadline and issue.deadline.answer_by == command.answer_by:
        return []
    return [DeadlineSet(answer_by=command.answer_by.astimezone(UTC), on=command.on)]


def _deadline(issue: Issue, command: SetDeadline | MissDeadline) -> list[IssuesEvent]:
    if isinstance(command, SetDeadline):
        return _set_deadline(issue, command)
    deadline = _still_owed(issue, command.version)
    if deadline.missed:
        return []
    by, told = deadline.answer_by, command.set_by
    return [DeadlineMissed(answer_by=by, set_by=told, owner=issue.owner)]


def _still_owed(issue: Issue, version: int) -> Deadline:
    """Return the deadline that this fact set, if it is the one that holds and nobody has answered.

    Whoever looked for it may have looked long ago: the deadline was moved, or met, since.
    """
    if issue.deadline is None or issue.deadline.version != version:
        raise DeadlineReplacedError
    if issue.told is not None:
        raise AlreadyAnsweredError
    return issue.deadline


__all__ = [
    "Act",
    "AlreadyAnsweredError",
    "Assign",
    "Close",
    "Deadline",
    "DeadlineBeforeIssueError",
    "DeadlineReplacedError",
    "Escalate",
    "FindCause",
    "GiveFeedback",
    "Grade",
    "Inform",
    "Issue",
    "IssueAlreadyRegisteredError",
    "IssueClosedError",
    "IssueCommand",
    "IssueOpenError",
    "IssueUnknownError",
    "Mirror",
    "MissDeadline",
    "NoCauseYetError",
    "NoFeedbackYetError",
    "Register",
    "RemoveCause",
    "Reopen",
    "SetDeadline",
    "StateSatisfaction",
    "decide",
    "evolve",
]
