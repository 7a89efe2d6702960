"""HTTP for notices: what the owners of companies have to know of, and that they do (C-08)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query, Response

from services.contacts.notices import AcknowledgeMove, move_notice
from services.contacts.reads import Contacts, cards_of
from shared.references import EmployeeStream
from shared.web import AtLeast, CommandMeta, PageWanted, Recorded, StreamId, page, record
from shared.web.router import Router

router = Router(tags=["contacts"])


@router.get("/contacts/notices")
async def list_notices(
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    employee: EmployeeStream | None = None,
    is_open: Annotated[bool | None, Query()] = None,
) -> dict[str, Any]:
    """Who moved at the companies of this colleague, with the person's name and companies now."""
    where = {"owner": employee, "is_open": is_open}
    found = await page(runtime.reader(move_notice), where, wanted, at_least)
    cards = await cards_of(runtime, {one.person for one in found["items"]}, at_least)
    items = []
    for one in found["items"]:
        card = cards.get(one.person)
        who = {"name": card.name, "now_with": card.companies} if card else {}
        items.append(asdict(one) | {"name": None, "now_with": (), **who})
    return found | {"items": items}


@router.post("/contacts/companies/{company}/acknowledge-move", status_code=202)
async def acknowledge_move(
    company: StreamId,
    command: AcknowledgeMove,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """That a colleague who was told, or answers for the company now, knows of the move."""
    return await record(runtime, f"company-{company}", command, meta, response)
