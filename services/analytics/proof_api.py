"""HTTP for the proof of a view: which facts are in it, and a digest of what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Annotated, Any

import orjson
from fastapi import Query
from msgspec.structs import astuple

from services.analytics.api import Analytics
from services.analytics.cells import AXES, Cell
from services.analytics.figures import read_tables
from services.analytics.projections import PROJECTIONS
from services.analytics.proof import verify_measures
from services.analytics.sink import MEASURES
from shared import builds
from shared.errors import NotFoundError
from shared.projection import Projection
from shared.projector import Collections
from shared.runtime import Runtime
from shared.store import Document
from shared.verify import verify_projection
from shared.web.router import Router

router = Router(prefix="/analytics", tags=["analytics"])
Recompute = Annotated[
    bool, Query(description="fold the log anew and compare; seconds for a long history")
]
PROVED: Mapping[str, Projection[Any]] = {one.name: one for one in (MEASURES, *PROJECTIONS)}


@router.get("/views/{name}/proof")
async def prove(name: str, runtime: Analytics, *, recompute: Recompute = False) -> dict[str, Any]:
    """Say which facts are in a view and what it holds, as a digest (BLAKE2b of its sorted lines).

    Two copies that cover the same positions have the same digest, or one of them is wrong. With
    `recompute` the log is folded anew: `differences` name what is not as the log says.
    """
    projection = PROVED.get(name)
    if projection is None:
        raise NotFoundError(f"there are {', '.join(sorted(PROVED))}", field="path/name")
    build, positions, lines = await _held(runtime, projection)
    told: dict[str, Any] = {
        "view": name,
        "build": build,
        "positions": positions,
        "entries": len(lines),
        "digest": await asyncio.to_thread(digest, lines),
    }
    if recompute:
        measured = projection is MEASURES
        check = await (
            verify_measures(runtime) if measured else verify_projection(runtime, projection)
        )
        told["checked"] = check.checked
        told["differences"] = check.differences
    return told


async def _held(
    runtime: Runtime, projection: Projection[Any]
) -> tuple[str, dict[str, int], list[bytes]]:
    """Return the lines of a view, and the positions that they cover, of one moment."""
    async with runtime.store.transaction() as tx:
        build = (await builds.read(tx, projection)).active.collection
        cursors = await tx.find(Collections(build).cursors, {})
        positions = {cursor["_id"]: cursor["offset"] for cursor in cursors}
        if projection is MEASURES:
            tables = await read_tables(runtime, tx, build)
            cells = await asyncio.to_thread(tables.cells, AXES)
            return build, positions, [_cell(cell, n) for cell, n in cells.items()]
        views = await tx.find(build, {"view": {"$ne": None}})
    return build, positions, [_view(document) for document in views]


def _cell(cell: Cell, amount: int) -> bytes:
    return orjson.dumps([*astuple(cell), amount])


def _view(document: Document) -> bytes:
    return orjson.dumps([document["_id"], document["view"]], option=orjson.OPT_SORT_KEYS)


def digest(lines: Iterable[bytes]) -> str:
    """Return the digest of lines, in whatever order they come."""
    found = blake2b(digest_size=16)
    for line in sorted(lines):
        found.update(line)
        found.update(b"\n")
    return found.hexdigest()
