"""HTTP for issues: a POST records, a GET reads one view. Never both."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from services.issues.model import (
    Act,
    Assign,
    Close,
    Escalate,
    FindCause,
    GiveFeedback,
    Grade,
    Inform,
    Register,
    RemoveCause,
    Reopen,
    SetDeadline,
    StateSatisfaction,
)
from services.issues.projections import IssueCard, issue_card
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    runtime_of,
    seen,
)
from shared.web.looking import NoticedByName
from shared.web.router import Router

router = Router(prefix="/issues", tags=["issues"], route_class=NoticedByName)
Issues = Annotated[Runtime, Depends(runtime_of("issues"))]


@router.post("/{issue}/register", status_code=202)
async def register(
    issue: StreamId, command: Register, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/assign", status_code=202)
async def assign(
    issue: StreamId, command: Assign, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/set-deadline", status_code=202)
async def set_deadline(
    issue: StreamId, command: SetDeadline, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/grade", status_code=202)
async def grade(
    issue: StreamId, command: Grade, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    """How severe it is was judged anew."""
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/escalate", status_code=202)
async def escalate(
    issue: StreamId, command: Escalate, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    """Somebody above its owner has to see to it."""
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/find-cause", status_code=202)
async def find_cause(
    issue: StreamId, command: FindCause, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    """Why it happened (I-04)."""
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/act", status_code=202)
async def act(
    issue: StreamId, command: Act, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    """Something was done about it."""
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/remove-cause", status_code=202)
async def remove_cause(
    issue: StreamId, command: RemoveCause, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    """It will not happen again for this reason (I-04)."""
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/inform", status_code=202)
async def inform(
    issue: StreamId, command: Inform, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    """A part of our organisation was told of it (I-04)."""
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/state-satisfaction", status_code=202)
async def state_satisfaction(
    issue: StreamId,
    command: StateSatisfaction,
    runtime: Issues,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """How satisfied the customer is (I-07)."""
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/reopen", status_code=202)
async def reopen(
    issue: StreamId, command: Reopen, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    """It was not settled after all."""
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/give-feedback", status_code=202)
async def give_feedback(
    issue: StreamId, command: GiveFeedback, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.post("/{issue}/close", status_code=202)
async def close(
    issue: StreamId, command: Close, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"issue-{issue}", command, meta, response)


@router.get("/{issue}")
async def get_issue(
    issue: StreamId, runtime: Issues, at_least: AtLeast, request: Request, response: Response
) -> IssueCard:
    found = await runtime.reader(issue_card).get(f"issue-{issue}", at_least)
    card: IssueCard = seen(found, "issue", request, response)
    return card


@router.get("")
async def list_issues(
    runtime: Issues,
    wanted: PageWanted,
    at_least: AtLeast,
    person: str | None = None,
    company: str | None = None,
    owner: EmployeeStream | None = None,
    open: bool | None = None,  # noqa: A002, FBT001 - the query parameter's name.
) -> dict[str, Any]:
    """Return issues by account and by person, the open ones or those that are settled (I-06)."""
    where = {"person": person, "company": company, "owner": owner, "open": open}
    return await page(runtime.reader(issue_card), where, wanted, at_least)
