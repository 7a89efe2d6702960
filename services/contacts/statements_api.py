"""HTTP for statements about people: opinions, advocacy, access, surveys. A POST records."""

from __future__ import annotations

from fastapi import Response

from services.contacts.model import (
    AnswerQuestion,
    AskQuestion,
    StateAccess,
    StateAdvocacy,
    StateBuyingRole,
    StateOpinion,
)
from services.contacts.reads import Contacts
from shared.web import CommandMeta, Recorded, StreamId, record
from shared.web.router import Router

router = Router(tags=["contacts"])


@router.post("/contacts/people/{person}/state-buying-role", status_code=202)
async def state_buying_role(
    person: StreamId,
    command: StateBuyingRole,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Which say the person has in what a company buys (C-10)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/state-opinion", status_code=202)
async def state_opinion(
    person: StreamId,
    command: StateOpinion,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """What the person thinks of us, a product, a competitor (C-05)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/state-advocacy", status_code=202)
async def state_advocacy(
    person: StreamId,
    command: StateAdvocacy,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Whether the person recommends our company, or a seller (C-18)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/state-access", status_code=202)
async def state_access(
    person: StreamId, command: StateAccess, runtime: Contacts, meta: CommandMeta, response: Response
) -> Recorded:
    """How easily a colleague reaches this executive (C-17)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/ask", status_code=202)
async def ask(
    person: StreamId, command: AskQuestion, runtime: Contacts, meta: CommandMeta, response: Response
) -> Recorded:
    """That we asked a question; inside the window again: refused, or marked (C-12)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/answer", status_code=202)
async def answer(
    person: StreamId,
    command: AnswerQuestion,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """What the person answered to a survey (C-12)."""
    return await record(runtime, f"person-{person}", command, meta, response)
