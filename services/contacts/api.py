"""HTTP for people, companies and touches: a POST records, a GET reads one view. Never both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from services.contacts.model import (
    Affiliate,
    DescribeCompany,
    EndAffiliation,
    PlaceCompanyUnder,
    RegisterCompany,
    RegisterPerson,
)
from services.contacts.projections import (
    CompanyCard,
    PersonCard,
    company_card,
    person_card,
    timeline,
)
from services.contacts.touches import NewTouch, Sent, take_in
from shared.command import Command
from shared.errors import CommandReusedError, InvalidError
from shared.observability import TOUCHES
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import (
    KEY,
    AtLeast,
    BatchMeta,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    refusal,
    runtime_of,
    seen,
)

router = APIRouter(tags=["contacts"])
TOUCHES_MAX = 1_000
Source = Annotated[str, Field(min_length=1, max_length=200)]
Contacts = Annotated[Runtime, Depends(runtime_of("contacts"))]


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


@router.get("/contacts/people/{person}")
async def get_person(
    person: StreamId, runtime: Contacts, at_least: AtLeast, request: Request, response: Response
) -> PersonCard:
    found = await runtime.reader(person_card).get(f"person-{person}", at_least)
    card: PersonCard = seen(found, "person", request, response)
    return card


@router.get("/contacts/people")
async def list_people(
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    company: str | None = None,
    email: str | None = None,
) -> dict[str, Any]:
    where = {"companies": company, "email": email}
    return await page(runtime.reader(person_card), where, wanted, at_least)


@router.get("/contacts/people/{person}/timeline")
async def get_timeline(
    person: StreamId, runtime: Contacts, wanted: PageWanted, at_least: AtLeast
) -> dict[str, Any]:
    """Everything that happened with this person, a month an item, oldest first (C-03)."""
    where = {"person": f"person-{person}"}
    return await page(runtime.reader(timeline), where, wanted, at_least)


@router.post("/contacts/companies/{company}/register", status_code=202)
async def register_company(
    company: StreamId,
    command: RegisterCompany,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"company-{company}", command, meta, response)


@router.post("/contacts/companies/{company}/place-under", status_code=202)
async def place_company_under(
    company: StreamId,
    command: PlaceCompanyUnder,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"company-{company}", command, meta, response)


@router.post("/contacts/companies/{company}/describe", status_code=202)
async def describe_company(
    company: StreamId,
    command: DescribeCompany,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"company-{company}", command, meta, response)


@router.get("/contacts/companies/{company}")
async def get_company(
    company: StreamId, runtime: Contacts, at_least: AtLeast, request: Request, response: Response
) -> CompanyCard:
    found = await runtime.reader(company_card).get(f"company-{company}", at_least)
    card: CompanyCard = seen(found, "company", request, response)
    return card


@router.get("/contacts/companies")
async def list_companies(
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    name: str | None = None,
    parent: str | None = None,
    sector: str | None = None,
) -> dict[str, Any]:
    where = {"name": name, "parent": parent, "sector": sector}
    return await page(runtime.reader(company_card), where, wanted, at_least)


@router.post("/touches", status_code=202)
async def record_touch(
    touch: NewTouch,
    runtime: Contacts,
    meta: CommandMeta,
    source: Annotated[Source, Query()] = "api",
) -> Recorded:
    """Record one touch. Its `Idempotency-Key` is required: sent again it is the same touch."""
    if meta.id is None:
        raise InvalidError(
            "a touch needs an id of its own, so that sending it again is no second touch",
            field="Idempotency-Key",
        )
    (fact,) = await take_in(
        runtime,
        [Sent(touch, source, meta.id)],
        actor=meta.actor,
        correlation_id=meta.correlation_id,
    )
    TOUCHES.labels("accepted").inc()
    return Recorded(
        stream=fact.stream,
        version=1,
        recorded=1,
        duplicate=False,
        token=Token(fact.stream, 1).encode(),
    )


class TouchItem(Command):
    """A touch of a batch, with the id that an `Idempotency-Key` would tell."""

    id: Annotated[str, Field(pattern=rf"^{KEY}$")]
    touch: NewTouch


class TouchBatch(Command):
    """Touches of one source."""

    source: Source
    touches: tuple[TouchItem, ...]


@router.post("/touches/batch", status_code=202)
async def record_touches(batch: TouchBatch, runtime: Contacts, meta: BatchMeta) -> dict[str, Any]:
    """Record up to 1,000 touches; those that were recorded before stay as they are.

    What says the same under the same id again is a `duplicate`. What says something else under an
    id of this batch is refused: under that id it would be lost.
    """
    if len(batch.touches) > TOUCHES_MAX:
        raise InvalidError(f"at most {TOUCHES_MAX} touches", field="#/touches")
    once: dict[str, NewTouch] = {}
    for item in batch.touches:
        once.setdefault(item.id, item.touch)
    refused = list(_refused(batch, once))
    facts = await take_in(
        runtime,
        [Sent(touch, batch.source, name) for name, touch in once.items()],
        actor=meta.actor,
        correlation_id=meta.correlation_id,
    )
    TOUCHES.labels("accepted").inc(len(facts))
    TOUCHES.labels("refused").inc(len(refused))
    duplicates = len(batch.touches) - len(facts) - len(refused)
    return {"accepted": len(facts), "duplicates": duplicates, "refused": refused}


def _refused(batch: TouchBatch, once: dict[str, NewTouch]) -> Iterator[dict[str, Any]]:
    for place, item in enumerate(batch.touches):
        if item.touch != once[item.id]:
            problem = CommandReusedError(
                f"{item.id!r} is the id of another touch of this batch",
                field=f"#/touches/{place}/id",
            )
            yield {"id": item.id, "problem": refusal(problem)}
