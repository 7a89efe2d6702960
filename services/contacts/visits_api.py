"""HTTP for visits of our executives: a POST records, a GET reads one view (C-13)."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from services.contacts.reads import Contacts
from services.contacts.visits import (
    CancelVisit,
    HoldVisit,
    KeepFollowUp,
    PlanVisit,
    State,
    VisitCard,
    visit_card,
)
from shared.references import EmployeeStream
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
from shared.web.router import Router

router = Router(tags=["contacts"])


@router.post("/contacts/visits/{visit}/plan", status_code=202)
async def plan(
    visit: StreamId, command: PlanVisit, runtime: Contacts, meta: CommandMeta, response: Response
) -> Recorded:
    """Plan a visit, or plan it again: with a purpose and points to talk about."""
    return await record(runtime, f"visit-{visit}", command, meta, response)


@router.post("/contacts/visits/{visit}/hold", status_code=202)
async def hold(
    visit: StreamId, command: HoldVisit, runtime: Contacts, meta: CommandMeta, response: Response
) -> Recorded:
    """It took place: with what we promised, or why we promised nothing."""
    return await record(runtime, f"visit-{visit}", command, meta, response)


@router.post("/contacts/visits/{visit}/cancel", status_code=202)
async def cancel(
    visit: StreamId, command: CancelVisit, runtime: Contacts, meta: CommandMeta, response: Response
) -> Recorded:
    """It does not take place."""
    return await record(runtime, f"visit-{visit}", command, meta, response)


@router.post("/contacts/visits/{visit}/keep-follow-up", status_code=202)
async def keep_follow_up(
    visit: StreamId, command: KeepFollowUp, runtime: Contacts, meta: CommandMeta, response: Response
) -> Recorded:
    """What was promised is done."""
    return await record(runtime, f"visit-{visit}", command, meta, response)


@router.get("/contacts/visits/{visit}")
async def get_visit(
    visit: StreamId, runtime: Contacts, at_least: AtLeast, request: Request, response: Response
) -> VisitCard:
    found = await runtime.reader(visit_card).get(f"visit-{visit}", at_least)
    card: VisitCard = seen(found, "visit", request, response)
    return card


@router.get("/contacts/visits")
async def list_visits(
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    company: str | None = None,
    executive: EmployeeStream | None = None,
    person: str | None = None,
    state: State | None = None,
    *,
    unkept: bool = False,
) -> dict[str, Any]:
    """Visits by customer or executive; `unkept`: those with promises that wait to be kept."""
    where = {"company": company, "executive": executive, "people": person, "state": state}
    waiting = {"open_follow_ups": {"$gt": 0}} if unkept else {}
    return await page(runtime.reader(visit_card), where | waiting, wanted, at_least)
