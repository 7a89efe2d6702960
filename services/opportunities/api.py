"""HTTP for opportunities and products: a POST records, a GET reads one view. Never both."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from services.opportunities.model import (
    Advance,
    Discover,
    InvolvePerson,
    Lose,
    Reassign,
    Reopen,
    Revalue,
    Win,
)
from services.opportunities.products import ListProduct, Reprice
from services.opportunities.projections import (
    OpportunityCard,
    ProductCard,
    opportunity_card,
    product_card,
)
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    runtime_of,
    seen,
)
from shared.web.looking import NoticedLists
from shared.web.router import Router

router = Router(tags=["opportunities"], route_class=NoticedLists)
Opportunities = Annotated[Runtime, Depends(runtime_of("opportunities"))]
Latent = Annotated[bool | None, Query(description="those not real yet, or those that are")]


@router.post("/opportunities/{opportunity}/discover", status_code=202)
async def discover(
    opportunity: StreamId,
    command: Discover,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"opportunity-{opportunity}", command, meta, response)


@router.post("/opportunities/{opportunity}/advance", status_code=202)
async def advance(
    opportunity: StreamId,
    command: Advance,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"opportunity-{opportunity}", command, meta, response)


@router.post("/opportunities/{opportunity}/win", status_code=202)
async def win(
    opportunity: StreamId,
    command: Win,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"opportunity-{opportunity}", command, meta, response)


@router.post("/opportunities/{opportunity}/lose", status_code=202)
async def lose(
    opportunity: StreamId,
    command: Lose,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"opportunity-{opportunity}", command, meta, response)


@router.post("/opportunities/{opportunity}/reopen", status_code=202)
async def reopen(
    opportunity: StreamId,
    command: Reopen,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"opportunity-{opportunity}", command, meta, response)


@router.post("/opportunities/{opportunity}/reassign", status_code=202)
async def reassign(
    opportunity: StreamId,
    command: Reassign,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"opportunity-{opportunity}", command, meta, response)


@router.post("/opportunities/{opportunity}/revalue", status_code=202)
async def revalue(
    opportunity: StreamId,
    command: Revalue,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"opportunity-{opportunity}", command, meta, response)


@router.post("/opportunities/{opportunity}/involve-person", status_code=202)
async def involve_person(
    opportunity: StreamId,
    command: InvolvePerson,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"opportunity-{opportunity}", command, meta, response)


@router.post("/products/{product}/list", status_code=202)
async def list_product(
    product: StreamId,
    command: ListProduct,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"product-{product}", command, meta, response)


@router.post("/products/{product}/reprice", status_code=202)
async def reprice(
    product: StreamId,
    command: Reprice,
    runtime: Opportunities,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"product-{product}", command, meta, response)


@router.get("/opportunities/{opportunity}")
async def get_opportunity(
    opportunity: StreamId,
    runtime: Opportunities,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> OpportunityCard:
    found = await runtime.reader(opportunity_card).get(f"opportunity-{opportunity}", at_least)
    card: OpportunityCard = seen(found, "opportunity", request, response)
    return card


@router.get("/opportunities")
async def list_opportunities(
    runtime: Opportunities,
    wanted: PageWanted,
    at_least: AtLeast,
    owner: EmployeeStream | None = None,
    company: str | None = None,
    stage: str | None = None,
    latent: Latent = None,
) -> dict[str, Any]:
    where = {"owner": owner, "company": company, "stage": stage, "latent": latent}
    return await page(runtime.reader(opportunity_card), where, wanted, at_least)


@router.get("/products/{product}")
async def get_product(
    product: StreamId,
    runtime: Opportunities,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> ProductCard:
    found = await runtime.reader(product_card).get(f"product-{product}", at_least)
    card: ProductCard = seen(found, "product", request, response)
    return card


@router.get("/products")
async def list_products(
    runtime: Opportunities, wanted: PageWanted, at_least: AtLeast, name: str | None = None
) -> dict[str, Any]:
    return await page(runtime.reader(product_card), {"name": name}, wanted, at_least)
