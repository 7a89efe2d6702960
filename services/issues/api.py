"""HTTP for issues: a POST records, a GET reads one view. Never both."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.issues.model import Assign, Close, GiveFeedback, Register, SetDeadline
from services.issues.projections import IssueCard, issue_card
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

router = APIRouter(prefix="/issues", tags=["issues"])
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
    owner: str | None = None,
    open: bool | None = None,  # noqa: A002, FBT001 - the query parameter's name.
) -> dict[str, Any]:
    """Return issues by account and by person, the open ones or those that are settled (I-06)."""
    where = {"person": person, "company": company, "owner": owner, "open": open}
    return await page(runtime.reader(issue_card), where, wanted, at_least)
