"""What may happen to an issue. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from shared.command import DatedCommand
from shared.errors import DomainError, NotFoundError
from shared.events.issues import (
    FeedbackGiven,
    IssueAssigned,
    IssueClosed,
    IssueKind,
    IssueRegistered,
    IssuesEvent,
    Severity,
)

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
EmployeeStream = Annotated[str, Field(pattern=r"^employee-[^\s@]{1,200}$")]
PersonStream = Annotated[str, Field(pattern=r"^person-[^\s@]{1,200}$")]
CompanyStream = Annotated[str, Field(pattern=r"^company-[^\s@]{1,200}$")]
TouchStream = Annotated[str, Field(pattern=r"^touch-[^\s@]{1,200}$")]


class IssueUnknownError(NotFoundError):
    """Nobody registered an issue of that id."""


class IssueAlreadyRegisteredError(DomainError):
    """An issue is registered once."""


class IssueClosedError(DomainError):
    """It is settled: nothing more happens to it."""


class NoFeedbackYetError(DomainError):
    """The customer has not been told what became of it (I-03)."""


@dataclass(frozen=True, slots=True)
class Issue:
    """Only what a rule needs to know. What a screen needs lives in projections.py."""

    registered: bool = False
    owner: str | None = None
    told: str | None = None
    closed: bool = False


class Register(DatedCommand):
    kind: IssueKind
    words: Words
    severity: Severity = "moderate"
    person: PersonStream | None = None
    company: CompanyStream | None = None
    owner: EmployeeStream | None = None
    touch: TouchStream | None = None


class Assign(DatedCommand):
    owner: EmployeeStream


class GiveFeedback(DatedCommand):
    result: Words


class Close(DatedCommand):
    """The issue is settled. Only after the customer was told."""


IssueCommand = Register | Assign | GiveFeedback | Close


def decide(issue: Issue, command: IssueCommand) -> list[IssuesEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Register():
            if issue.registered:
                raise IssueAlreadyRegisteredError
            return [IssueRegistered(**command.model_dump(exclude={"date_unknown"}))]
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
        case GiveFeedback(result=result, on=on):
            return [] if issue.told == result else [FeedbackGiven(result=result, on=on)]
        case _:
            assert_never(command)


def evolve(issue: Issue, event: IssuesEvent) -> Issue:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case IssueRegistered(owner=owner):
            return replace(issue, registered=True, owner=owner)
        case IssueAssigned(owner=owner):
            return replace(issue, owner=owner)
        case FeedbackGiven(result=result):
            return replace(issue, told=result)
        case IssueClosed():
            return replace(issue, closed=True)
        case _:
            assert_never(event)
