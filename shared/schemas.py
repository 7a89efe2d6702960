"""HTTP for the schemas of facts, at addresses that stay: who publishes or reads checks by them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from fastapi.responses import Response

from shared.errors import NotFoundError
from shared.events import REGISTRY
from shared.events.base import WIRE
from shared.released import schema_path
from shared.web.router import Router

MEDIA_TYPE = "application/schema+json"
# A released schema only grows: an hour old it is still right about what it says.
KEPT = "public, max-age=3600"

router = Router(tags=["schemas"])


@router.get("/schemas")
async def list_schemas() -> dict[str, Any]:
    """Every kind of fact, and where its schema is."""
    items = [
        {"type": wire, "topic": event.topic, "schema": f"/schemas/{wire}"}
        for wire, event in sorted(REGISTRY.items())
    ]
    return {"items": items, "next_cursor": None}


@router.get(
    "/schemas/{wire}",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}},
)
async def get_schema(wire: Annotated[str, Path(pattern=f"^{WIRE.pattern}$")]) -> Response:
    """The JSON Schema (2020-12) of a fact's `data`, by the type of its CloudEvent."""
    if wire not in REGISTRY:
        raise NotFoundError(f"no fact is called {wire!r}", field="path/wire")
    text = schema_path(wire).read_bytes()
    return Response(text, media_type=MEDIA_TYPE, headers={"Cache-Control": KEPT})
