"""HTTP for what we promise customers: a POST records, a GET reads one view (I-08). Never both."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from services.issues.commitment_views import CommitmentCard, commitment_card
from services.issues.commitments import (
    FollowUp,
    KeepCommitment,
    MakeCommitment,
    MoveCommitment,
    ReassignCommitment,
    WithdrawCommitment,
)
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

router = Router(prefix="/issues/commitments", tags=["issues"], route_class=NoticedByName)
Issues = Annotated[Runtime, Depends(runtime_of("issues"))]


@router.post("/{commitment}/make", status_code=202)
async def make(
    commitment: StreamId,
    command: MakeCommitment,
    runtime: Issues,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Promise a customer something; they hear from us within the hours that the company chose."""
    return await record(runtime, f"commitment-{commitment}", command, meta, response)


@router.post("/{commitment}/follow-up", status_code=202)
async def follow_up(
    commitment: StreamId, command: FollowUp, runtime: Issues, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"commitment-{commitment}", command, meta, response)


@router.post("/{commitment}/move", status_code=202)
async def move(
    commitment: StreamId,
    command: MoveCommitment,
    runtime: Issues,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"commitment-{commitment}", command, meta, response)


@router.post("/{commitment}/keep", status_code=202)
async def keep(
    commitment: StreamId,
    command: KeepCommitment,
    runtime: Issues,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"commitment-{commitment}", command, meta, response)


@router.post("/{commitment}/withdraw", status_code=202)
async def withdraw(
    commitment: StreamId,
    command: WithdrawCommitment,
    runtime: Issues,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"commitment-{commitment}", command, meta, response)


@router.post("/{commitment}/reassign", status_code=202)
async def reassign(
    commitment: StreamId,
    command: ReassignCommitment,
    runtime: Issues,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"commitment-{commitment}", command, meta, response)


@router.get("/{commitment}")
async def get_commitment(
    commitment: StreamId, runtime: Issues, at_least: AtLeast, request: Request, response: Response
) -> CommitmentCard:
    """How the promise stands: who keeps it, what the customer heard, what was broken."""
    found = await runtime.reader(commitment_card).get(f"commitment-{commitment}", at_least)
    card: CommitmentCard = seen(found, "commitment", request, response)
    return card


class Which(BaseModel):
    """Of which owner, customer or issue, and how they stand; what is None does not matter."""

    owner: EmployeeStream | None = None
    person: str | None = None
    company: str | None = None
    issue: str | None = None
    state: Literal["owed", "kept", "withdrawn"] | None = None
    is_broken: bool | None = None


@router.get("")
async def list_commitments(
    runtime: Issues, wanted: PageWanted, at_least: AtLeast, which: Annotated[Which, Query()]
) -> dict[str, Any]:
    return await page(runtime.reader(commitment_card), which.model_dump(), wanted, at_least)
