"""HTTP for names that publishers know people by: which belong to nobody yet, and whose they are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from services.contacts.identities import (
    ClaimIdentity,
    Identity,
    ReleaseIdentity,
    entry_named,
    identity_card,
)
from services.contacts.reads import Contacts
from shared.errors import InvalidError
from shared.web import AtLeast, CommandMeta, PageWanted, Recorded, StreamId, page, record, seen
from shared.web.router import Router

router = Router(tags=["contacts"])
Name = Annotated[str | None, Query(min_length=1, max_length=320)]


@router.post("/contacts/people/{person}/claim-identity", status_code=202)
async def claim_identity(
    person: StreamId,
    command: ClaimIdentity,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """That this address, number or id is the person's: touches that name it are theirs (C-14)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/release-identity", status_code=202)
async def release_identity(
    person: StreamId,
    command: ReleaseIdentity,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """That it is not the person's; touches that name it wait for whose it is (C-14)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.get("/contacts/identities/unresolved")
async def list_unresolved(
    runtime: Contacts, wanted: PageWanted, at_least: AtLeast
) -> dict[str, Any]:
    """Names that touches were told of and that are nobody's yet (C-14)."""
    return await page(runtime.reader(identity_card), {"unresolved": True}, wanted, at_least)


@router.get("/contacts/identities/of")
async def get_identity(
    runtime: Contacts,
    at_least: AtLeast,
    request: Request,
    response: Response,
    email: Name = None,
    phone: Name = None,
    external_id: Name = None,
) -> Identity:
    """Whose name this is, who says so, and how many touches name it (C-14)."""
    told = {"email": email, "phone": phone, "external": external_id}
    asked = [f"{kind}:{name}" for kind, name in told.items() if name is not None]
    if len(asked) != 1:
        raise InvalidError("ask for one of email, phone, external_id", field="query/email")
    entry = entry_named(asked[0], await runtime.seals.blinder())
    found = await runtime.reader(identity_card).get(entry, at_least)
    identity: Identity = seen(found, "identity", request, response)
    return identity
