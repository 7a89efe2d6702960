"""HTTP for what comes back of what was won: CloudEvents of an ERP in, a reconciliation out."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from services.opportunities.hand_off_events import Read, Reading
from services.opportunities.lists_api import WHOLE_MAX, rules_of
from services.opportunities.record.hand_offs import (
    HandOffCard,
    Reconciled,
    State,
    hand_off_card,
    reconciled,
)
from shared.clock import derived_id
from shared.cloudevents import BATCH, EVENTS_MAX, STRUCTURED, events_of, mode_of
from shared.command import Day
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.exports import note_columns
from shared.reading import Token
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.service import Outcome, Refused
from shared.service import Request as CommandRequest
from shared.web import AtLeast, CommandMeta, Meta, outcome_name, refusal, runtime_of
from shared.web.looking import NoticedLists
from shared.web.media import unread
from shared.web.paging import PAGE_MAX
from shared.web.problems import problem_response
from shared.web.router import Router

SUMMED = ("won", "order", "contract", "finance")
router = Router(tags=["opportunities"], route_class=NoticedLists)
Opportunities = Annotated[Runtime, Depends(runtime_of("opportunities"))]
# An order may be told of just before what names it: the view is looked at again for so long.
LOOK_AGAIN_S, LOOKS = 0.1, 10
ORDERS_AT_ONCE = 50
_EVENT = {"type": "object", "required": ["specversion", "id", "source", "type", "data"]}


class OrderUnknownError(NotFoundError):
    """No opportunity was named with this order before."""


@router.post(
    "/opportunities/hand-offs",
    status_code=202,
    response_model=None,
    openapi_extra={
        "requestBody": {
            "content": {
                STRUCTURED: {"schema": _EVENT},
                BATCH: {"schema": {"type": "array", "items": _EVENT, "maxItems": EVENTS_MAX}},
            }
        }
    },
)
async def take_hand_offs(request: Request, runtime: Opportunities, meta: CommandMeta) -> Response:
    """Take in what order, contract, fulfilment and finance say, as CloudEvents 1.0 (O-12, X-01).

    Each event of a batch is recorded or rejected for itself; the same `source` and `id` again is
    the same event.
    """
    mode = mode_of(request.headers.get("content-type", ""), request.headers)
    if mode is None:
        raise unread(request, STRUCTURED, BATCH)
    reading = Reading(rules_of(runtime).hand_off_events, runtime.settings.zone)
    brought = events_of(mode, request.headers, await request.body())
    told = await _taken(runtime, [reading.read(event, at) for at, event in brought], meta)
    if mode == "batch":
        counts = Counter(one["status"] for one in told)
        words = ("accepted", "duplicate", "unchanged", "rejected")
        return JSONResponse({**{word: counts[word] for word in words}, "events": told}, 202)
    (only,) = told
    return problem_response(only["problem"]) if "problem" in only else JSONResponse(only, 202)


async def _taken(runtime: Runtime, read: Sequence[Read], meta: Meta) -> list[dict[str, Any]]:
    streams = await _streams(runtime, read)
    asked = [
        CommandRequest(
            stream=stream,
            command=one.command,
            actor=meta.actor,
            id=derived_id("hand-off", one.source or "", one.id or ""),
            correlation_id=meta.correlation_id,
            traceparent=meta.traceparent,
        )
        for one, stream in zip(read, streams, strict=True)
        if one.command is not None and isinstance(stream, str)
    ]
    decided = iter(await runtime.service.handle_many(asked) if asked else [])
    told = []
    for one, stream in zip(read, streams, strict=True):
        about: dict[str, Any] = {"id": one.id, "source": one.source}
        if one.command is None:
            told.append(about | {"status": "rejected", "problem": one.problem})
        elif isinstance(stream, DomainError):
            told.append(about | {"status": "rejected", "problem": refusal(stream)})
        else:
            told.append(about | _outcome(next(decided), one.at))
    return told


def _outcome(outcome: Outcome, at: str) -> dict[str, Any]:
    if isinstance(outcome, Refused):
        told = refusal(outcome.error)
        for error in told.get("errors", ()):
            field = str(error["pointer"])
            inside = f"{at}/data{field.removeprefix('#')}" if field.startswith("#/") else f"{at}/id"
            error["pointer"] = inside
        return {"status": "rejected", "problem": told}
    status = {"recorded": "accepted"}.get(outcome_name(outcome), outcome_name(outcome))
    token = Token(outcome.stream, outcome.version).encode()
    return {"status": status, "stream": outcome.stream, "token": token}


async def _streams(runtime: Runtime, read: Sequence[Read]) -> list[str | DomainError | None]:
    """Say of each event which opportunity it tells of, also by an order that was told before."""
    told: dict[str, str] = {}
    found: list[str | None] = []
    for one in read:
        stream = one.stream or (told.get(one.order) if one.order else None)
        if stream is not None and one.command is not None and one.command.reference:
            told[one.command.reference] = stream
        found.append(stream)
    named = zip(read, found, strict=True)
    orders = {one.order for one, stream in named if stream is None and one.order is not None}
    known = await _of_orders(runtime, orders) if orders else {}
    return [
        stream if stream is not None or one.order is None else _meant(known, one.order, one.at)
        for one, stream in zip(read, found, strict=True)
    ]


def _meant(known: Mapping[str, set[str]], order: str, at: str) -> str | DomainError:
    field = f"{at}/data/order"
    match sorted(known.get(order, ())):
        case []:
            return OrderUnknownError(f"nobody named an opportunity with {order!r}", field=field)
        case [stream]:
            return stream
        case _:
            several = f"{order!r} is of several opportunities: name the one that is meant"
            return InvalidError(several, field=field)


async def _of_orders(runtime: Runtime, orders: AbstractSet[str]) -> dict[str, set[str]]:
    """Return of which opportunities these references were told, looked for at once and together."""
    found: dict[str, set[str]] = defaultdict(set)
    for look in range(LOOKS):
        missing = sorted(orders - found.keys())
        if not missing:
            break
        if look:
            await asyncio.sleep(LOOK_AGAIN_S)
        for start in range(0, len(missing), ORDERS_AT_ONCE):
            some = missing[start : start + ORDERS_AT_ONCE]
            cards = runtime.reader(hand_off_card).every({"references": {"$in": some}})
            async for card in cards:
                for reference in set(card.references).intersection(some):
                    found[reference].add(card.opportunity)
    return found


@router.get("/opportunities/reconciliation")
async def get_reconciliation(
    runtime: Opportunities,
    at_least: AtLeast,
    first: Annotated[Day | None, Query(alias="from")] = None,
    last: Annotated[Day | None, Query(alias="to")] = None,
    state: Annotated[State | None, Query()] = None,
    owner: EmployeeStream | None = None,
    company: Annotated[str | None, Query(max_length=200)] = None,
    today: Annotated[Day | None, Query(description="as of this day")] = None,
) -> dict[str, Any]:
    """What was won in a period against what came back of it: missing, contradicting, matched.

    A row is of the period of its win or, where there is none, of what came back first. `sent` is
    the fact that we won it, which is the `webhook-id` of its delivery; `opens` has all its facts.
    """
    day, terms = today or runtime.today, rules_of(runtime).hand_off_terms
    if first is not None and last is not None and first > last:
        raise InvalidError(f"{first} is after {last}", field="query/from")
    cards, parked = await _cards(runtime, first, last, (owner, company), at_least)
    rows = [reconciled(card, terms, day) for card in cards]
    counts = Counter(row.state for row in rows)
    sums = _sums(rows)
    if state is not None:
        rows = [row for row in rows if row.state == state]
    note_columns(Reconciled)
    return {
        "from": first,
        "to": last,
        "as_of": day,
        "counts": {word: counts[word] for word in ("matched", "waiting", "missing", "contradicts")},
        "sums": sums,
        "rows": sorted(rows, key=lambda row: (str(row.concerned_on), row.opportunity)),
        "parked": parked,
    }


async def _cards(
    runtime: Runtime,
    first: date | None,
    last: date | None,
    whose: tuple[str | None, str | None],
    at_least: Token | None,
) -> tuple[list[HandOffCard], list[str]]:
    days = {"$gte": (first or date.min).isoformat(), "$lte": (last or date.max).isoformat()}
    where: dict[str, Any] = {"concerned_on": days}
    where |= {n: v for n, v in zip(("owner", "company"), whose, strict=True) if v is not None}
    found: list[HandOffCard] = []
    parked: set[str] = set()
    after = None
    while True:
        part = await runtime.reader(hand_off_card).page(
            where, limit=PAGE_MAX, after=after, at_least=at_least
        )
        found += [item.value for item in part.items]
        parked |= set(part.parked)
        if part.next_key is None:
            return found, sorted(parked)
        if len(found) >= WHOLE_MAX:
            raise InvalidError(f"more than {WHOLE_MAX}: ask for fewer days", field="query/from")
        after = part.next_key


def _sums(rows: Sequence[Reconciled]) -> dict[str, dict[str, Decimal]]:
    """Add up both sides, each currency for itself."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(SUMMED, Decimal(0)))
    for row in rows:
        if row.outcome == "won" and row.value is not None and row.currency is not None:
            sums[row.currency]["won"] += row.value
        for came in row.came:
            if came.amount is not None and came.currency and came.step in SUMMED:
                sums[came.currency][came.step] += came.amount
    return dict(sorted(sums.items()))
