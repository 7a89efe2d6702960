"""HTTP for handovers: a POST records, a GET answers one screen. Never both."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from services.organization.handovers import (
    Acknowledge,
    CallOffHandover,
    MeetCustomer,
    NameReceiver,
    StartHandover,
)
from services.organization.pages import HandoverPage, handover_page
from services.organization.projections import handover_card
from services.organization.reads import Organization, Reads
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    composed,
    page,
    record,
)

router = APIRouter(prefix="/organization", tags=["organization"])


@router.post("/handovers/{employee}/start", status_code=202)
async def start_handover(
    employee: StreamId,
    command: StartHandover,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"handover-{employee}", command, meta, response)


@router.post("/handovers/{employee}/name-receiver", status_code=202)
async def name_receiver(
    employee: StreamId,
    command: NameReceiver,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"handover-{employee}", command, meta, response)


@router.post("/handovers/{employee}/acknowledge", status_code=202)
async def acknowledge(
    employee: StreamId,
    command: Acknowledge,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"handover-{employee}", command, meta, response)


@router.post("/handovers/{employee}/meet-customer", status_code=202)
async def meet_customer(
    employee: StreamId,
    command: MeetCustomer,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"handover-{employee}", command, meta, response)


@router.post("/handovers/{employee}/call-off", status_code=202)
async def call_off_handover(
    employee: StreamId,
    command: CallOffHandover,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"handover-{employee}", command, meta, response)


@router.get("/handovers/{employee}")
async def get_handover(
    employee: StreamId,
    runtime: Organization,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> HandoverPage:
    """Answer how what this colleague hands over stands today, and what it lacks."""
    reads = Reads(runtime, at_least)
    found = await reads.seen(handover_card, f"handover-{employee}")
    if found is None:
        raise HTTPException(404, "no such handover")
    told = await handover_page(reads, found.value.on(runtime.today))
    answered: HandoverPage = composed(found, told, request, response)
    return answered


@router.get("/handovers")
async def list_handovers(
    runtime: Organization,
    wanted: PageWanted,
    at_least: AtLeast,
    receiver: str | None = None,
    *,
    is_open: bool | None = None,
    overdue: bool | None = None,
) -> dict[str, Any]:
    """Handovers, those to a colleague, open or overdue ones. A page may have fewer of those."""
    where = {"receiver": receiver, "is_open": is_open}
    found = await page(runtime.reader(handover_card), where, wanted, at_least)
    cards = [card.on(runtime.today) for card in found["items"]]
    return {**found, "items": [card for card in cards if overdue in (None, card.overdue)]}
