"""HTTP for handovers: a POST records, a GET answers one screen. Never both."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from services.organization.dossiers import Dossier, document, dossier, named_in
from services.organization.handovers import (
    Acknowledge,
    CallOffHandover,
    HandOver,
    MeetCustomer,
    MoveItems,
    NameReceiver,
    StartHandover,
)
from services.organization.pages import HandoverPage, handover_page, items_of
from services.organization.projections import handover_card, owned_item
from services.organization.reads import Organization, Reads
from shared.events.organization import HandedItem
from shared.pages import FORMS, Form, formed
from shared.reading import lacking
from shared.references import EmployeeStream
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
from shared.web.looking import NoticedLists
from shared.web.router import Router

router = Router(prefix="/organization", tags=["organization"], route_class=NoticedLists)


def assigned_to(command: HandOver) -> dict[str, str]:
    return {f"#/assign/{item}": receiver for item, receiver in command.assign.items()}


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


@router.post("/handovers/{employee}/hand-over", status_code=202)
async def hand_over(
    employee: StreamId,
    command: HandOver,
    runtime: Organization,
    meta: CommandMeta,
    at_least: AtLeast,
    response: Response,
) -> Recorded:
    """Move all that the leaver looks after; asked again, what has come to them since.

    `X-Parked` names the streams of theirs of which facts are set aside: look at those again.
    """
    reads = Reads(runtime, at_least)
    await reads.check_takers({"#/receiver": command.receiver} | assigned_to(command))
    items = await reads.items(owner=f"employee-{employee}", open=True)
    theirs = tuple(
        HandedItem(item=one.item, held_from=one.held_from)
        for one in items
        if one.owed(runtime.today)
    )
    response.headers.update(lacking(sorted(reads.parked)))
    move = MoveItems(**command.model_dump(), items=theirs)
    return await record(runtime, f"handover-{employee}", move, meta, response)


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


@router.get("/handovers/{employee}/dossier", response_model=None, responses=FORMS)
async def get_dossier(
    employee: StreamId,
    runtime: Organization,
    at_least: AtLeast,
    request: Request,
    response: Response,
    form: Form = "json",
) -> Dossier | Response:
    """All that who takes over must know, customer by customer, and what is theirs already."""
    reads = Reads(runtime, at_least)
    found = await reads.seen(handover_card, f"handover-{employee}")
    if found is None:
        raise HTTPException(404, "no such handover")
    card = found.value.on(runtime.today)
    items = await items_of(reads, card)
    known = await reads.named(named_in(items))
    names = await reads.names([card.employee, card.receiver])
    lacked = tuple(sorted({*found.parked, *reads.parked}))
    told = dossier(card, items, known, names, runtime.today)
    made: Dossier = composed(found._replace(parked=lacked), told, request, response)
    return formed(made, document(made), form, response)


@router.get("/owned-items")
async def list_owned_items(
    runtime: Organization,
    wanted: PageWanted,
    at_least: AtLeast,
    owner: EmployeeStream | None = None,
    *,
    is_open: bool | None = None,
) -> dict[str, Any]:
    """What a colleague looks after, in all domains."""
    where = {"owner": owner, "open": is_open}
    return await page(runtime.reader(owned_item), where, wanted, at_least)


@router.get("/handovers")
async def list_handovers(
    runtime: Organization,
    wanted: PageWanted,
    at_least: AtLeast,
    receiver: EmployeeStream | None = None,
    *,
    is_open: bool | None = None,
    overdue: bool | None = None,
) -> dict[str, Any]:
    """Handovers, those to a colleague, open or overdue ones. A page may have fewer of those."""
    where = {"receiver": receiver, "is_open": is_open}
    found = await page(runtime.reader(handover_card), where, wanted, at_least)
    cards = [card.on(runtime.today) for card in found["items"]]
    return {**found, "items": [card for card in cards if overdue in (None, card.overdue)]}
