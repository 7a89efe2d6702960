"""HTTP for the figures: sums of cells, each of which opens into the facts behind it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.analytics import pipeline as report
from services.analytics.measures import Cell
from services.analytics.pipeline import By, Per, TouchesBy, axes_of, in_order, row_document
from services.analytics.projections import OrgNode, labels, org_tree
from services.analytics.proof import total, why
from services.analytics.sink import MEASURES, entities_of, read_cells
from services.analytics.tree import Organization
from shared import builds
from shared.projection import Projection
from shared.projector import Collections
from shared.runtime import Runtime
from shared.web import runtime_of

router = APIRouter(prefix="/analytics", tags=["analytics"])
Analytics = Annotated[Runtime, Depends(runtime_of("analytics"))]
AsOf = Annotated[date | None, Query(description="as it stood at the end of this day")]
Day = Annotated[date | None, Query()]


async def _collection(runtime: Runtime) -> str:
    return (await builds.read(runtime.store, MEASURES)).active.collection


async def _everything(runtime: Runtime, projection: Projection[Any]) -> dict[str, Any]:
    """Read a small view whole: our organisation, or the names of products and companies."""
    collection = await runtime.runners[projection.name].collection()
    documents = await runtime.store.find(collection, {"view": {"$ne": None}})
    return {d["_id"]: projection.from_document(d["view"]) for d in documents}


async def _names(runtime: Runtime, nodes: Mapping[str, OrgNode]) -> dict[str, str]:
    called = {stream: node.name for stream, node in nodes.items()}
    called |= {s: label.name for s, label in (await _everything(runtime, labels)).items()}
    return {stream: name for stream, name in called.items() if name is not None}


async def _cursors(runtime: Runtime, collection: str) -> dict[str, int]:
    found = await runtime.store.find(Collections(collection).cursors, {})
    return {cursor["_id"]: cursor["offset"] for cursor in found}


@router.get("/pipeline")
async def pipeline(
    runtime: Analytics, by: By = "stage", as_of: AsOf = None, seller: str | None = None
) -> dict[str, Any]:
    """Opportunities by stage, product, seller, ... (N-06): counts, value won, rate, mean cycle.

    `key` is the name of the row, `id` the stream behind the name; both null where a row has none.
    Money and rates are decimal text; `win_rate` is in percent. `positions` say which facts of the
    log are in the figures.
    """
    collection = await _collection(runtime)
    positions = await _cursors(runtime, collection)
    nodes = await _everything(runtime, org_tree)
    cells: Mapping[Cell, int] = await read_cells(
        runtime.store, collection, axes_of(by), _employee(seller)
    )
    rows = report.pipeline(by, cells, Organization(nodes), as_of)
    names = await _names(runtime, nodes)
    currency = runtime.settings.currency
    return {
        "rows": [
            {"id": key, **row_document(_named(key, names), rows[key], currency)}
            for key in in_order(rows)
        ],
        "by": by,
        "as_of": as_of,
        "currency": currency,
        "positions": positions,
    }


def _employee(seller: str | None) -> str | None:
    if seller is None or seller.startswith("employee-"):
        return seller
    return f"employee-{seller}"


def _named(key: str | None, names: Mapping[str, str]) -> str | None:
    return None if key is None else names.get(key, key)


@router.get("/inflow")
async def inflow(
    runtime: Analytics,
    per: Per = "month",
    first: Day = None,
    last: Day = None,
    seller: str | None = None,
) -> dict[str, Any]:
    """What was discovered, won and lost in each period."""
    cells = await read_cells(
        runtime.store, await _collection(runtime), ("owner",), _employee(seller)
    )
    flows = report.inflow(per, cells, first, last)
    currency = runtime.settings.currency
    return {
        "rows": [
            {
                "key": key,
                "discovered": flows[key].discovered,
                "won": flows[key].tally.won,
                "lost": flows[key].tally.lost,
                "value_won": report.money(flows[key].tally.values[currency]),
            }
            for key in sorted(flows)
        ],
        "per": per,
        "currency": currency,
    }


@router.get("/touches")
async def touches(
    runtime: Analytics,
    by: TouchesBy = "seller",
    first: Day = None,
    last: Day = None,
    seller: str | None = None,
) -> dict[str, Any]:
    """Touches by seller, unit or period (N-01), each where its employee was on its day."""
    nodes = await _everything(runtime, org_tree)
    cells = await read_cells(
        runtime.store, await _collection(runtime), ("touch",), _employee(seller)
    )
    counts = report.touches(by, cells, Organization(nodes), first, last)
    names = await _names(runtime, nodes)
    return {
        "rows": [
            {"key": _named(key, names), "id": key, "touches": counts[key]}
            for key in in_order(counts)
        ],
        "by": by,
    }


@router.get("/why")
async def explain(
    runtime: Analytics, by: By, key: str | None = None, as_of: AsOf = None
) -> dict[str, Any]:
    """Why is this number? The opportunities behind a row of `/analytics/pipeline`.

    What they add is in the row's own measures (money in ten-thousandths) and adds up to the row;
    `/opportunities/history/<stream>` has the facts of each.
    """
    nodes = await _everything(runtime, org_tree)
    names = await _names(runtime, nodes)
    streams = {name: stream for stream, name in names.items()}
    documents = await runtime.store.find(entities_of(await _collection(runtime)), {})
    contributing = why(
        by,
        None if key is None else streams.get(key, key),
        {d["_id"]: d for d in documents},
        Organization(nodes),
        as_of,
    )
    return {
        "by": by,
        "key": key,
        "as_of": as_of,
        "total": total(contributing),
        "contributions": [{"stream": one.stream, **one.amounts} for one in contributing],
    }
