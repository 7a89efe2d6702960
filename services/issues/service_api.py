"""HTTP for how well customers are served: what is agreed, how satisfied they are, what we hear."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from starlette.exceptions import HTTPException

from services.issues.agreements import (
    AgreeService,
    AssessService,
    ServiceKept,
    agreement_card,
    agreement_of,
    service_kept,
)
from services.issues.boards_api import Issues, between, days_asked
from services.issues.capture import Captured, captured, expressed_touch, issues_of
from services.issues.projections import issue_card
from services.issues.satisfaction import Satisfaction, satisfaction
from shared.command import Day, Instant
from shared.known import views_at
from shared.references import EmployeeStream
from shared.web import AtLeast, CommandMeta, Recorded, StreamId, record
from shared.web.looking import NoticedLists
from shared.web.router import Router

router = Router(prefix="/issues", tags=["issues"], route_class=NoticedLists)
ISSUES_AT_ONCE = 200


@router.post("/agreements/{company}/agree", status_code=202)
async def agree_service(
    company: StreamId,
    command: AgreeService,
    runtime: Issues,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Agree what excellent service is; issues of that customer owe an answer by it from then on."""
    return await record(runtime, agreement_of(company), command, meta, response)


@router.post("/agreements/{company}/assess", status_code=202)
async def assess_service(
    company: StreamId,
    command: AssessService,
    runtime: Issues,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, agreement_of(company), command, meta, response)


@router.get("/agreements/{company}")
async def get_agreement(company: StreamId, runtime: Issues, at_least: AtLeast) -> ServiceKept:
    """What is agreed with a customer, and whether each of their issues was answered by it."""
    found = await runtime.reader(agreement_card).get(agreement_of(company), at_least)
    if found is None:
        raise HTTPException(404, "nothing is agreed with that company")
    where = {"company": found.value.company}
    cards = [card async for card in runtime.reader(issue_card).every(where, at_least)]
    return service_kept(found.value, cards, runtime.today)


@router.get("/satisfaction")
async def get_satisfaction(
    runtime: Issues,
    at_least: AtLeast,
    first: Day | None = None,
    last: Day | None = None,
    company: str | None = None,
) -> Satisfaction:
    """How satisfied customers were before and after, of the issues registered in these days."""
    first, last = days_asked(first, last, runtime.today)
    where = between("registered_on", first, last, company=company)
    cards = [card async for card in runtime.reader(issue_card).every(where, at_least)]
    return satisfaction(cards, first, last)


@router.get("/capture")
async def get_capture(
    runtime: Issues,
    at_least: AtLeast,
    first: Day | None = None,
    last: Day | None = None,
    employee: EmployeeStream | None = None,
    company: str | None = None,
    known_at: Annotated[
        Instant | None, Query(description="by what had been recorded until this instant (C-06)")
    ] = None,
) -> Captured:
    """How much of what customers expressed in touches was registered, and answered.

    With `known_at`, by what was known then: that costs a pass over the log.
    """
    zone = runtime.settings.zone
    day = runtime.today if known_at is None else known_at.astimezone(zone).date()
    first, last = days_asked(first, last, day)
    where = between("heard_on", first, last, employee=employee, company=company)
    touches = await views_at(runtime, expressed_touch, known_at, where, at_least)
    if known_at is not None:  # One pass over the log, however many issues there are.
        cards = await views_at(runtime, issue_card, known_at)
        return captured(touches, {card.issue for card in cards if card.feedback}, first, last)
    issues, answered = issues_of(touches), set[str]()
    for start in range(0, len(issues), ISSUES_AT_ONCE):
        some: dict[str, Any] = {"issue": {"$in": issues[start : start + ISSUES_AT_ONCE]}}
        async for card in runtime.reader(issue_card).every(some, at_least):
            answered |= {card.issue} if card.feedback else set()
    return captured(touches, answered, first, last)
