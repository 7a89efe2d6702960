"""HTTP for the schemas of facts, of what comes in and of what goes out, at addresses that stay."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from fastapi.responses import Response

from shared.errors import NotFoundError
from shared.events import REGISTRY
from shared.snapshots import KINDS, released_names, schema_path
from shared.web.router import Router

MEDIA_TYPE = "application/schema+json"
# A released schema only grows: an hour old it is still right about what it says.
KEPT = "public, max-age=3600"
NAME = r"^[a-z]{1,60}\.[a-z][a-z_]{0,99}(\.v[1-9][0-9]{0,8})?$"

router = Router(tags=["schemas"])


@router.get("/schemas")
async def list_schemas() -> dict[str, Any]:
    """Every kind of fact, what comes `in` from others and goes `out` to them; where its schema is.

    A fact has its topic.
    """
    items = [
        {
            "type": name,
            "kind": kind,
            "topic": REGISTRY[name].topic if name in REGISTRY else None,
            "schema": f"/schemas/{name}",
        }
        for kind in KINDS
        for name in released_names(kind)
    ]
    return {"items": items, "next_cursor": None}


@router.get(
    "/schemas/{wire}",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}},
)
async def get_schema(wire: Annotated[str, Path(pattern=NAME)]) -> Response:
    """The JSON Schema (2020-12) of a fact's `data`, or of what else `/schemas` lists."""
    for kind in KINDS:
        path = schema_path(wire, kind)
        if path.exists():
            headers = {"Cache-Control": KEPT}
            return Response(path.read_bytes(), media_type=MEDIA_TYPE, headers=headers)
    raise NotFoundError(f"no schema is called {wire!r}", field="path/wire")
