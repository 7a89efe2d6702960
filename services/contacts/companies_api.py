"""HTTP for companies: a POST records, a GET reads."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from services.contacts.company_views import CompanyCard, company_card
from services.contacts.model import (
    AssignCompanyOwner,
    DescribeCompany,
    PlaceCompanyUnder,
    RegisterCompany,
)
from services.contacts.readings_api import FieldsAsked
from services.contacts.reads import Contacts
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
    company: StreamId,
    runtime: Contacts,
    at_least: AtLeast,
    asked: FieldsAsked,
    request: Request,
    response: Response,
) -> CompanyCard | dict[str, Any]:
    found = await runtime.reader(company_card).get(f"company-{company}", at_least)
    card: CompanyCard = seen(found, "company", request, response)
    only: CompanyCard | dict[str, Any] = (await asked.of(CompanyCard, [card]))[0]
    return only


@router.get("/contacts/companies")
async def list_companies(
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    asked: FieldsAsked,
    name: str | None = None,
    parent: str | None = None,
    sector: str | None = None,
    owner: EmployeeStream | None = None,
) -> dict[str, Any]:
    where = {"name": name, "parent": parent, "sector": sector, "owner": owner}
    found = await page(runtime.reader(company_card), where, wanted, at_least)
    return found | {"items": await asked.of(CompanyCard, found["items"])}


@router.post("/contacts/companies/{company}/assign-owner", status_code=202)
async def assign_company_owner(
    company: StreamId,
    command: AssignCompanyOwner,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"company-{company}", command, meta, response)
