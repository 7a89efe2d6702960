"""The tiny domain over HTTP, in this process: what tests of answers ask."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from httpx2 import AsyncClient

from shared import admin, changes, pulling
from shared.bulk import bulk_router
from shared.clock import SystemClock
from shared.projection import Projection
from shared.runtime import Runtime
from shared.tests.tiny import Assign, Card, Join, card_projection
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    build_app,
    page,
    record,
    runtime_of,
    seen,
)
from shared.web.router import Router

CARD = card_projection()
Current = Annotated[Runtime, Depends(runtime_of("organization"))]


def routes(cards: Projection[Card] = CARD) -> Router:
    router = Router(prefix="/organization")

    @router.post("/employees/{employee}/join", status_code=202)
    async def join(
        employee: StreamId, command: Join, runtime: Current, meta: CommandMeta, response: Response
    ) -> Recorded:
        return await record(runtime, f"employee-{employee}", command, meta, response)

    @router.post("/employees/{employee}/assign", status_code=202)
    async def move(
        employee: StreamId, command: Assign, runtime: Current, meta: CommandMeta, response: Response
    ) -> Recorded:
        return await record(runtime, f"employee-{employee}", command, meta, response)

    @router.get("/employees/{employee}")
    async def get(
        employee: StreamId,
        runtime: Current,
        at_least: AtLeast,
        request: Request,
        response: Response,
    ) -> Card:
        found = await runtime.reader(cards).get(f"employee-{employee}", at_least)
        card: Card = seen(found, "employee", request, response)
        return card

    @router.get("/employees")
    async def every(
        runtime: Current, wanted: PageWanted, at_least: AtLeast, name: str | None = None
    ) -> dict[str, Any]:
        return await page(runtime.reader(cards), {"name": name}, wanted, at_least)

    @router.get("/bug")
    async def bug() -> None:
        raise RuntimeError("a bug")

    return router


async def nothing_missing() -> dict[str, str]:
    return {}


def app_of(runtime: Runtime, cards: Projection[Card] = CARD) -> FastAPI:
    app = build_app(
        "tiny",
        {"organization": runtime},
        [
            admin.router,
            changes.router,
            pulling.router,
            bulk_router(runtime.domain),
            routes(cards),
        ],
        new_id=SystemClock().new_id,
        ready=nothing_missing,
    )
    app.state.verifiers = []
    return app


async def join(client: AsyncClient, who: str, name: str = "Ada", **headers: str) -> Any:
    return await client.post(
        f"/organization/employees/{who}/join",
        json={"name": name},
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


async def move(client: AsyncClient, if_match: str) -> Any:
    return await client.post(
        "/organization/employees/ada/assign",
        json={"unit": "unit-1"},
        headers={"If-Match": if_match},
    )


async def settled(client: AsyncClient) -> None:
    while any(p["lag"] for p in (await client.get("/lag")).json()["projections"]):
        continue
