"""An issue as another system has it, told change by change: what is new there becomes facts. Pure.

That system has rules of its own. It may close what nobody was told about, so the facts say that
nothing is known of any feedback; and it may say that it does not know where something stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from services.issues.state import Issue, IssueAlreadyRegisteredError, There, after
from shared.command import Command, Day, Instant
from shared.events.issues import (
    Expressed,
    IssueAssigned,
    IssueClosed,
    IssueGraded,
    IssueKind,
    IssueRegistered,
    IssueReopened,
    IssuesEvent,
    ServiceLevelTold,
    Severity,
    StatusTold,
)
from shared.exact import NOT_BLANK
from shared.references import CompanyStream, EmployeeStream, PersonStream

CHANGES_MAX = 1_000
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Change(Command):
    """How it stood there after one change; what is missing, that system does not say.

    `stage` is what that status means. `status` None: it stands nowhere that anybody knows of.
    """

    at: Instant
    on: Day
    status: Short | None = None
    stage: Literal["open", "answered", "closed"] = "open"
    severity: Severity | None = None
    owner: EmployeeStream | None = None
    kept: bool | None = None


class Mirror(Command):
    """All changes so far, the oldest first. Told again with more of them, the rest is new."""

    kind: IssueKind
    words: Annotated[str, StringConstraints(max_length=10_000, pattern=NOT_BLANK)]
    source_ref: Short
    opened_on: Day
    opened_at: Instant
    changes: Annotated[tuple[Change, ...], Field(min_length=1, max_length=CHANGES_MAX)]
    person: PersonStream | None = None
    company: CompanyStream | None = None
    category: Short | None = None
    expressed: Expressed | None = None


def mirror(issue: Issue, command: Mirror) -> list[IssuesEvent]:
    """Say what is new there.

    What was told before is the beginning of what is told now. If it is not, that system rewrote its
    past: then only how it stands there now is new.
    """
    if issue.registered and issue.there is None:
        raise IssueAlreadyRegisteredError  # Entered here, under an id that is not that system's.
    every = list(_told(command))
    known = issue.there
    if known is None:
        return every
    then: There | None = None
    for event in every[: known.facts]:
        then = after(then, event)
    if then == known:
        return every[known.facts :]
    return list(_changed(known, command.changes[-1]))


def _told(command: Mirror) -> Iterator[IssuesEvent]:
    """Yield all facts that the changes come to, the first one registers it."""
    first = command.changes[0]
    registered = IssueRegistered(
        kind=command.kind,
        words=command.words,
        severity=first.severity or "moderate",
        person=command.person,
        company=command.company,
        owner=first.owner,
        expressed=command.expressed,
        category=command.category,
        status=first.status,
        kept=first.kept,
        source_ref=command.source_ref,
        on=command.opened_on,
        at=command.opened_at,
    )
    there = after(None, registered)
    yield registered
    for change in command.changes:
        for event in _changed(there, change):
            there = after(there, event)
            yield event


def _changed(there: There, change: Change) -> Iterator[IssuesEvent]:
    """Yield what that change brought; who opens anew says where it stands then."""
    on, at = change.on, change.at
    answered, closes = change.stage == "answered", change.stage == "closed" and not there.closed
    if _again(there, change):
        yield IssueReopened(on=on, at=at)
    if not closes and (change.status != there.status or (answered and not there.answered)):
        yield StatusTold(status=change.status, answered=answered, on=on, at=at)
    if change.severity is not None and change.severity != there.severity:
        yield IssueGraded(severity=change.severity, on=on, at=at)
    if change.owner is not None and change.owner != there.owner:
        yield IssueAssigned(owner=change.owner, on=on, at=at)
    if change.kept is not None and change.kept != there.kept:
        yield ServiceLevelTold(kept=change.kept, on=on, at=at)
    if closes:
        yield IssueClosed(fed_back=False, status=change.status, on=on, at=at)


def _again(there: There, change: Change) -> bool:
    """Whether what was answered or settled is open again. Where it stands may just be unknown."""
    if there.closed:
        return change.stage != "closed"
    return there.answered and change.stage == "open" and change.status is not None
