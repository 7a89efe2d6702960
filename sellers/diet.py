"""The data diet (N-09): which data is collected, which of it is filled in, and what nobody uses.

A field is used where some module that speaks of its fact also speaks of the field: whatever reads
it would have to. So what is told to be unused is so for certain; what is told to be used may be
used for little.
"""

from __future__ import annotations

import ast
import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query

from shared.batch import decoded
from shared.events import REGISTRY, Envelope, Event
from shared.log import Log
from shared.personal import personal_fields
from shared.runtime import Runtime
from shared.web import Runtimes
from shared.web.router import Router

ROOT = Path(__file__).parent.parent
# Where facts are folded, decided on and shown; what only writes them down uses nothing of them.
LOOKED_AT = ("services", "shared")
LEFT_OUT = {"tests", "testing", "events"}
# Who takes a fact whole takes all of its fields.
WHOLE = {"model_dump", "model_dump_json", "model_fields", "__dict__"}

router = Router(tags=["operations"])


@dataclass(slots=True)
class Filled:
    """How many facts of a kind there are, and in how many of them each field says something."""

    facts: int = 0
    fields: Counter[str] = field(default_factory=Counter)

    def add(self, event: Event) -> None:
        self.facts += 1
        for name, one in type(event).model_fields.items():
            said = getattr(event, name)
            # What a field says when nobody says anything is not filled in.
            if one.is_required() or said != one.get_default(call_default_factory=True):
                self.fields[name] += 1


@cache
def uses() -> Mapping[str, frozenset[str]]:
    """Return which modules use a field, by `<class of the fact>.<field>`."""
    found: dict[str, set[str]] = {}
    # Two domains may call a fact the same: then whoever names one may mean either.
    classes: dict[str, list[type[Event]]] = {}
    for event in REGISTRY.values():
        classes.setdefault(event.__name__, []).append(event)
    for path in sorted(path for top in LOOKED_AT for path in (ROOT / top).rglob("*.py")):
        if LEFT_OUT & set(path.relative_to(ROOT).parts):
            continue
        names, whole = _named(ast.parse(path.read_text(encoding="utf-8")))
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name in names & classes.keys():
            for one in {one for event in classes[name] for one in event.model_fields}:
                if whole or one in names:
                    found.setdefault(f"{name}.{one}", set()).add(module)
    return {name: frozenset(modules) for name, modules in found.items()}


def _named(tree: ast.Module) -> tuple[set[str], bool]:
    """Return all that a module names, and whether it takes something whole."""
    names: set[str] = set()
    whole = False
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.keyword(arg=str(name)) | ast.alias(name=name):
                names.add(name)
            case ast.Attribute(attr=name):
                names.add(name)
                whole = whole or name in WHOLE
            case ast.MatchClass(kwd_attrs=attributes):
                names |= {*attributes}
            case ast.Constant(value=str(text)) if text.isidentifier():
                names.add(text)
            case _:
                pass
        # `dict(event)`, `{**event}`, `replace(view, **dict(event))`.
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            whole = whole or node.func.id == "dict"
    return names, whole


async def filled(log: Log, topics: Iterable[str], since: datetime) -> dict[str, Filled]:
    """Count what facts recorded since then say; some seconds for a million of them."""
    found: dict[str, Filled] = {}
    for topic in topics:
        for partition, end in (await log.ends(topic)).items():
            async for records in log.read(partition, 0, end):
                for record in records:
                    fact = decoded(record)
                    if isinstance(fact, Envelope) and fact.recorded_at >= since:
                        found.setdefault(fact.wire, Filled()).add(fact.data)
                await asyncio.sleep(0)
    return found


def rows_of(found: Mapping[str, Filled]) -> list[dict[str, Any]]:
    """Return each field of what was collected, those that nobody uses first, then the emptiest."""
    rows = []
    for wire, told in found.items():
        event = REGISTRY[wire]
        for name in event.model_fields:
            share = round(100 * told.fields[name] / told.facts, 2)
            used = sorted(uses().get(f"{event.__name__}.{name}", ()))
            rows.append(
                {
                    "fact": wire,
                    "field": name,
                    "facts": told.facts,
                    "filled": told.fields[name],
                    "share": str(share),
                    "personal": name in personal_fields(event),
                    "used": bool(used),
                    "used_by": used,
                }
            )
    return sorted(rows, key=lambda row: (row["used"], float(row["share"]), row["fact"]))


def cost_of(found: Mapping[str, Filled]) -> str | None:
    """Return how many fields a touch says on average: what it costs to enter one (X-05)."""
    told = found.get("touches.touch_recorded.v1")
    if told is None:
        return None
    return str(round(sum(told.fields.values()) / told.facts, 2))


@router.get("/data-diet")
async def data_diet(
    runtimes: Runtimes,
    days: Annotated[int, Query(ge=1, le=36_500, description="looked back so far")] = 365,
) -> dict[str, Any]:
    """Which fields are collected, in how many of the facts they say something, and who uses them.

    First those that no view, figure or rule uses: leave them out, or make something of them; then
    the emptiest. `fields_of_a_touch` is what a touch says on average. Of what people read on pages
    and lists `/contacts/field-use` tells.
    """
    runtime: Runtime = next(iter(runtimes.values()))
    since = runtime.clock.now() - timedelta(days=days)
    topics = sorted({event.topic for event in REGISTRY.values()})
    found = await filled(runtime.log, topics, since)
    never = sorted(wire for wire in REGISTRY if wire not in found)
    return {
        "rows": await asyncio.to_thread(rows_of, found),
        "never_recorded": never,
        "fields_of_a_touch": cost_of(found),
        "days": days,
    }
