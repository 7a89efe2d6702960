"""What may happen to an issue. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from shared.command import Command, DatedCommand, Instant
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.issues import (
    DeadlineMissed,
    DeadlineSet,
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueKind,
    IssueRegistered,
    IssuesEvent,
    Severity,
)
from shared.handovers import TakeOver

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
EmployeeStream = Annotated[str, Field(pattern=r"^employee-[^\s@]{1,200}$")]
PersonStream = Annotated[str, Field(pattern=r"^person-[^\s@]{1,200}$")]
CompanyStream = Annotated[str, Field(pattern=r"^company-[^\s@]{1,200}$")]
TouchStream = Annotated[str, Field(pattern=r"^touch-[^\s@]{1,200}$")]

# Where a date begins first: nowhere on earth is it later.
EARLIEST = timezone(timedelta(hours=14))


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


class DeadlineReplacedError(DomainError):
    """Another deadline holds by now: this one can neither be met nor missed."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when an answer is owed, and the version of the fact that says so."""

    answer_by: datetime
    version: int
    missed: bool = False


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
    told: str | None = None
    closed: bool = False
    deadline: Deadline | None = None


class Register(DatedCommand):
    kind: IssueKind
    words: Words
    severity: Severity = "moderate"
    person: PersonStream | None = None
    company: CompanyStream | None = None
    owner: EmployeeStream | None = None
    touch: TouchStream | None = None
    answer_by: Instant | None = None


class Assign(DatedCommand):
    owner: EmployeeStream


class GiveFeedback(DatedCommand):
    result: Words


class Close(DatedCommand):
    """The issue is settled. Only after the customer was told."""


class SetDeadline(DatedCommand):
    """Promise the customer an answer, or promise it for another time."""

    answer_by: Instant


class MissDeadline(Command):
    """The deadline that this very fact set has passed. Only the timer says so, nobody by hand.

    `version` names the fact to the rule, `set_by`, its id, to those who read what is recorded.
    """

    version: Annotated[int, Field(ge=1)]
    set_by: str


IssueCommand = Register | Assign | GiveFeedback | Close | SetDeadline | MissDeadline | TakeOver


def decide(issue: Issue, command: IssueCommand) -> list[IssuesEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Register():
            if issue.registered:
                raise IssueAlreadyRegisteredError
            told = command.model_dump(exclude={"date_unknown", "answer_by"})
            registered = IssueRegistered(**told)
            if command.answer_by is None:
                return [registered]
            return [registered, *_set_deadline(evolve(issue, registered), command)]
        case _ if not issue.registered:
            raise IssueUnknownError
        case Close(on=on):
            if issue.told is None:
                raise NoFeedbackYetError("first tell the customer what became of it")
            return [] if issue.closed else [IssueClosed(on=on)]
        case _ if issue.closed:
            raise IssueClosedError
        case Assign(owner=owner, on=on):
            return [] if issue.owner == owner else [IssueAssigned(owner=owner, on=on)]
        case TakeOver(receiver=receiver, on=on):
            moves = command.moves(issue.owner)
            return [IssueAssigned(owner=receiver, reason="handover", on=on)] if moves else []
        case GiveFeedback(result=result, on=on):
            return [] if issue.told == result else [FeedbackGiven(result=result, on=on)]
        case SetDeadline():
            return _set_deadline(issue, command)
        case MissDeadline(version=version, set_by=set_by):
            deadline = _still_owed(issue, version)
            if deadline.missed:
                return []
            return [DeadlineMissed(answer_by=deadline.answer_by, set_by=set_by)]
        case _:
            assert_never(command)


def _set_deadline(issue: Issue, command: Register | SetDeadline) -> list[IssuesEvent]:
    assert command.answer_by is not None
    if issue.told is not None:
        raise AlreadyAnsweredError
    # A date is the company's, whose zone no rule knows: what is refused is too early anywhere.
    if issue.on and command.answer_by < datetime.combine(issue.on, time.min, EARLIEST):
        raise DeadlineBeforeIssueError(f"the issue is of {issue.on}", field="#/answer_by")
    if issue.deadline and issue.deadline.answer_by == command.answer_by:
        return []
    return [DeadlineSet(answer_by=command.answer_by.astimezone(UTC), on=command.on)]


def _still_owed(issue: Issue, version: int) -> Deadline:
    """Return the deadline that this fact set, if it is the one that holds and nobody has answered.

    Whoever looked for it may have looked long ago: the deadline was moved, or met, since.
    """
    if issue.deadline is None or issue.deadline.version != version:
        raise DeadlineReplacedError
    if issue.told is not None:
        raise AlreadyAnsweredError
    return issue.deadline


def evolve(issue: Issue, event: IssuesEvent) -> Issue:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    issue = replace(issue, version=issue.version + 1)
    match event:
        case IssueRegistered(owner=owner, on=on):
            return replace(issue, registered=True, owner=owner, on=on)
        case IssueAssigned(owner=owner):
            return replace(issue, owner=owner)
        case FeedbackGiven(result=result):
            return replace(issue, told=result)
        case IssueClosed():
            return replace(issue, closed=True)
        case DeadlineSet(answer_by=answer_by):
            return replace(issue, deadline=Deadline(answer_by, issue.version))
        case DeadlineMissed():
            missed = issue.deadline and replace(issue.deadline, missed=True)
            return replace(issue, deadline=missed)
        case _:
            assert_never(event)
