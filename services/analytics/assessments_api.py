"""HTTP for what the numbers do not tell (N-12): given, answered, and read beside them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from services.analytics.api import Analytics
from services.analytics.assessment_views import AssessmentCard, assessment_card
from services.analytics.assessments import AnswerAssessment, GiveAssessment, WithdrawAssessment
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    seen,
)

router = APIRouter(prefix="/analytics", tags=["analytics"])

Of = Annotated[str | None, Query(description="of whom: `employee-...`, `unit-...`")]


@router.post("/assessments/{assessment}/give", status_code=202)
async def give(
    assessment: StreamId,
    command: GiveAssessment,
    runtime: Analytics,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Say how somebody worked in a period, beside what the numbers say; they can read it."""
    return await record(runtime, f"assessment-{assessment}", command, meta, response)


@router.post("/assessments/{assessment}/answer", status_code=202)
async def answer(
    assessment: StreamId,
    command: AnswerAssessment,
    runtime: Analytics,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Say what you think of what was said of you."""
    return await record(runtime, f"assessment-{assessment}", command, meta, response)


@router.post("/assessments/{assessment}/withdraw", status_code=202)
async def withdraw(
    assessment: StreamId,
    command: WithdrawAssessment,
    runtime: Analytics,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"assessment-{assessment}", command, meta, response)


@router.get("/assessments/{assessment}")
async def get_assessment(
    assessment: StreamId,
    runtime: Analytics,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> AssessmentCard:
    found = await runtime.reader(assessment_card).get(f"assessment-{assessment}", at_least)
    card: AssessmentCard = seen(found, "assessment", request, response)
    return card


@router.get("/assessments")
async def list_assessments(
    runtime: Analytics,
    wanted: PageWanted,
    at_least: AtLeast,
    of: Of = None,
    leader: str | None = None,
    period: str | None = None,
) -> dict[str, Any]:
    """What leaders said, of whom, of which period; withdrawn ones say so."""
    where = {"of": of, "leader": leader, "period": period}
    return await page(runtime.reader(assessment_card), where, wanted, at_least)
