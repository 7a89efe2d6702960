"""HTTP for people: a POST records, a GET reads all entries of one person as one."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import HTTPException, Request, Response

from services.contacts.model import (
    Affiliate,
    AssignPersonOwner,
    EndAffiliation,
    MergePerson,
    RegisterPerson,
    StateDetails,
    TellApart,
    UnmergePerson,
)
from services.contacts.person_views import PersonCard, joined, person_card
from services.contacts.readings_api import FieldsAsked
from services.contacts.reads import (
    Contacts,
    as_one,
    cards_of,
    entries,
    months_of,
    statements_of,
    with_survivors,
)
from services.contacts.search import search_entry, whole
from services.contacts.statement_views import PersonPage, all_statements, person_page
from shared.exports import note_columns
from shared.reading import Token
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Paging,
    Recorded,
    StreamId,
    composed,
    page,
    record,
)
from shared.web.router import Router

router = Router(tags=["contacts"])


@router.post("/contacts/people/{person}/register", status_code=202)
async def register_person(
    person: StreamId,
    command: RegisterPerson,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/affiliate", status_code=202)
async def affiliate(
    person: StreamId, command: Affiliate, runtime: Contacts, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/end-affiliation", status_code=202)
async def end_affiliation(
    person: StreamId,
    command: EndAffiliation,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/state-details", status_code=202)
async def state_details(
    person: StreamId,
    command: StateDetails,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/merge", status_code=202)
async def merge_person(
    person: StreamId, command: MergePerson, runtime: Contacts, meta: CommandMeta, response: Response
) -> Recorded:
    """Read this entry as part of another from now on (C-02); what was told of it stays with it."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/unmerge", status_code=202)
async def unmerge_person(
    person: StreamId,
    command: UnmergePerson,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/tell-apart", status_code=202)
async def tell_apart(
    person: StreamId, command: TellApart, runtime: Contacts, meta: CommandMeta, response: Response
) -> Recorded:
    """Say that two alike entries are two people: they are no duplicates any more (C-02)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/assign-owner", status_code=202)
async def assign_person_owner(
    person: StreamId,
    command: AssignPersonOwner,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Say which colleague answers for the person, whatever the company (C-09)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.get("/contacts/people/{person}")
async def get_person(
    person: StreamId,
    runtime: Contacts,
    at_least: AtLeast,
    asked: FieldsAsked,
    request: Request,
    response: Response,
) -> PersonPage | dict[str, Any]:
    """All that we know of this person; of a merged entry, the person it is part of (C-01, C-02)."""
    found = await entries(runtime, f"person-{person}", at_least)
    if not found:
        raise HTTPException(404, "no such person")
    told = await statements_of(runtime, [one.value.person for one in found], at_least)
    card = joined([entry.value for entry in found])
    shown = person_page(card, all_statements([view.value for view in told], card.person))
    one = as_one([*found, *told], f"person-{person}")
    answer: PersonPage = composed(one, shown, request, response)
    only: PersonPage | dict[str, Any] = (await asked.of(PersonPage, [answer]))[0]
    return only


@router.get("/contacts/people")
async def list_people(
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    asked: FieldsAsked,
    company: str | None = None,
    email: str | None = None,
    owner: EmployeeStream | None = None,
) -> dict[str, Any]:
    """Some of our people; an entry that is part of another is answered by the whole person."""
    where = {"companies": company, "owner": owner}
    if email is None:
        found = await page(runtime.reader(person_card), where, wanted, at_least)
    else:
        found = await _reached_by(runtime, email, where, wanted, at_least)
    people = await with_survivors(runtime, found["items"], at_least)
    return found | {"items": await asked.of(PersonCard, people)}


async def _reached_by(
    runtime: Runtime,
    email: str,
    where: dict[str, Any],
    wanted: Paging,
    at_least: Token | None,
) -> dict[str, Any]:
    """Return a page of those whose address it is; addresses are kept sealed, and found blind."""
    blind = await runtime.seals.blinder()
    known = {"grams": blind(whole(email)), "kind": "person"}
    found = await page(runtime.reader(search_entry), known, wanted, at_least)
    cards = await cards_of(runtime, [entry.key for entry in found["items"]], at_least)
    company, owner = where["companies"], where["owner"]
    note_columns(person_card.view)
    people = [
        card
        for _, card in sorted(cards.items())
        if card.email == email
        and (company is None or company in card.companies)
        and owner in (None, card.owner)
    ]
    return found | {"items": people}


@router.get("/contacts/people/{person}/timeline")
async def get_timeline(
    person: StreamId, runtime: Contacts, wanted: PageWanted, at_least: AtLeast
) -> dict[str, Any]:
    """Everything that happened with this person, a month an item, oldest first (C-03)."""
    name = f"person-{person}"
    # Both at once: whoever has just written waits for both views, and few are of several entries.
    alone = asyncio.create_task(months_of(runtime, [name], wanted, at_least))
    try:
        found = await entries(runtime, name, at_least)
        people = [one.value.person for one in found] or [name]
        if people == [name]:
            return await alone
        return await months_of(runtime, people, wanted, at_least)
    finally:
        alone.cancel()
