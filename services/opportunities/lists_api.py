"""HTTP for lists of opportunities by their record: ranked by quality, committed, shared."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, TypeVar

import orjson
from fastapi import Depends, HTTPException, Query, Request, Response

from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.record.lists import Rank, Ranked, ranked
from services.opportunities.record.pages import Audience, Page, document
from services.opportunities.record.quality import (
    alerts,
    decision_map,
    quality,
    snoozed_until,
)
from services.opportunities.record.views import OpportunityRecord, opportunity_record
from shared.command import Day, Instant
from shared.errors import InvalidError
from shared.exports import note_columns
from shared.known import parked_at, views_at
from shared.pages import FORMS, Form, formed
from shared.reading import Seen, Token
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    PageWanted,
    Paging,
    StreamId,
    composed,
    cursor_of,
    key_of,
    runtime_of,
)
from shared.web.looking import NoticedLists
from shared.web.paging import PAGE_MAX
from shared.web.router import Router

router = Router(tags=["opportunities"], route_class=NoticedLists)
Opportunities = Annotated[Runtime, Depends(runtime_of("opportunities"))]
# What is ranked or summed is read as a whole: an answer about more would be slow, or a part of it.
WHOLE_MAX = 3_000
L = TypeVar("L")
KnownAt = Annotated[
    Instant | None, Query(description="by what had been recorded until this instant (C-06)")
]
Today = Annotated[Day | None, Query(description="as of this day; today when not told")]


class When(NamedTuple):
    """As of which day, and by whose knowledge: None: by all there is."""

    day: date
    known_at: datetime | None


async def _when(runtime: Opportunities, today: Today = None, known_at: KnownAt = None) -> When:
    if known_at is None:
        return When(today or runtime.today, None)
    return When(today or known_at.astimezone(runtime.settings.zone).date(), known_at)


WhenAsked = Annotated[When, Depends(_when)]


def rules_of(runtime: Runtime) -> OpportunitiesDefaults:
    rules = runtime.domain.defaults
    assert isinstance(rules, OpportunitiesDefaults)
    return rules


async def read_all(
    runtime: Runtime, where: dict[str, Any], at_least: Token | None
) -> tuple[list[OpportunityRecord], list[str]]:
    """Return all that fits, and which streams it lacks facts of.

    Raises:
        InvalidError: there is more than one answer can hold.

    """
    given = {name: value for name, value in where.items() if value is not None}
    found: list[OpportunityRecord] = []
    parked: set[str] = set()
    after = None
    while True:
        reader = runtime.reader(opportunity_record)
        part = await reader.page(given, limit=PAGE_MAX, after=after, at_least=at_least)
        found += [item.value for item in part.items]
        parked |= set(part.parked)
        if part.next_key is None:
            return found, sorted(parked)
        if len(found) >= WHOLE_MAX:
            raise _too_many()
        after = part.next_key


def _too_many() -> InvalidError:
    said = f"more than {WHOLE_MAX} fit: ask for one owner or company"
    return InvalidError(said, field="query/owner")


async def known_then(
    runtime: Runtime, where: dict[str, Any], known_at: datetime
) -> tuple[list[OpportunityRecord], list[str]]:
    """Return all that was known to fit at an instant, and which streams it lacks facts of.

    Those are facts that had been recorded by then and are set aside.

    Raises:
        InvalidError: there is more than one answer can hold.

    """
    given = {name: value for name, value in where.items() if value is not None}
    found = await views_at(runtime, opportunity_record, known_at, given)
    if len(found) > WHOLE_MAX:
        raise _too_many()
    shown = [view.opportunity for view in found]
    return found, await parked_at(runtime, opportunity_record, shown, known_at)


def cut(
    items: list[L], wanted: Paging, rank: Callable[[L], Rank], listed: str
) -> tuple[list[L], str | None]:
    """Return the page after the rank that the cursor tells, and the cursor of the next one.

    What moved up since the page before is not shown twice, nor is anything in between left out.
    """
    ordered = sorted(items, key=rank)
    if wanted.cursor is not None:
        ordered = ordered[bisect_right(ordered, _rank_of(wanted.cursor, listed), key=rank) :]
    shown = ordered[: wanted.limit]
    more = len(ordered) > wanted.limit
    return shown, _cursor(rank(shown[-1]), listed) if more else None


def _cursor(rank: Rank, listed: str) -> str:
    return cursor_of(orjson.dumps([[*map(str, rank[0])], rank[1]]).decode(), listed)


def _rank_of(cursor: str, listed: str) -> Rank:
    try:
        numbers, stream = orjson.loads(key_of(cursor, listed))
        return tuple(map(Decimal, numbers)), str(stream)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise InvalidError("not a cursor of ours", field="query/cursor") from error


def found_or_404(found: Seen | None, what: str) -> Seen:
    if found is None:
        raise HTTPException(404, f"no such {what}")
    return found


@router.get("/opportunities/ranked")
async def list_ranked(
    runtime: Opportunities,
    wanted: PageWanted,
    at_least: AtLeast,
    when: WhenAsked,
    owner: EmployeeStream | None = None,
    company: str | None = None,
    latent: bool = False,  # noqa: FBT001, FBT002
    snoozed: Annotated[bool, Query(description="also those that rest")] = True,  # noqa: FBT002
) -> dict[str, Any]:
    """Open opportunities, the best ones first, each with why; what rests raises no alerts.

    With `known_at` as they were known at that instant, which costs a pass over the log, and as of
    its day unless `today` tells another.
    """
    rules = rules_of(runtime)
    where = {"open": True, "owner": owner, "company": company}
    day = when.day
    if when.known_at is None:
        views, parked = await read_all(runtime, where, at_least)
    else:
        views, parked = await known_then(runtime, where, when.known_at)
    items = [ranked(view, day, rules) for view in views if view.latent == latent]
    if not snoozed:
        items = [item for item in items if item.snoozed_until is None]
    note_columns(Ranked)
    shown, cursor = cut(items, wanted, lambda item: item.rank, "ranked")
    return {"items": shown, "next_cursor": cursor, "parked": parked}


@router.get("/opportunities/{opportunity}/page")
async def get_page(
    opportunity: StreamId,
    runtime: Opportunities,
    at_least: AtLeast,
    request: Request,
    response: Response,
    today: Today = None,
) -> dict[str, Any]:
    """All that the opportunity's own screen shows, in one call."""
    found = await read(runtime, opportunity, at_least)
    shown = screen(found.value, today or runtime.today, rules_of(runtime))
    answer: dict[str, Any] = composed(found, shown, request, response)
    return answer


async def read(runtime: Runtime, opportunity: str, at_least: Token | None) -> Seen:
    reader = runtime.reader(opportunity_record)
    found = await reader.get(f"opportunity-{opportunity}", at_least)
    return found_or_404(found, "opportunity")


def screen(view: OpportunityRecord, day: date, rules: OpportunitiesDefaults) -> dict[str, Any]:
    plan, deal = view.record.plan, view.record.deal
    return {
        "record": view,
        "decision_map": decision_map(view),
        "quality": quality(view, day, rules),
        "alerts": alerts(view, day, rules),
        "snoozed_until": snoozed_until(view, day),
        "next_step": view.record.progress.next_step,
        "positioning": plan.positioning,
        "competitors": plan.competitors_now,
        "credit": deal.credit,
        "hand_off": deal.hand_offs_now,
        "commitment": view.record.commitments.now if view.committed_by else None,
        "stages": rules.stages,
    }


@router.get("/opportunities/{opportunity}/pages/{audience}", response_model=None, responses=FORMS)
async def get_document(
    opportunity: StreamId,
    audience: Audience,
    runtime: Opportunities,
    at_least: AtLeast,
    request: Request,
    response: Response,
    form: Form = "json",
    today: Today = None,
) -> Page | Response:
    """One record for four readers: the seller, the coach, the boss and the executives (O-05)."""
    found = await read(runtime, opportunity, at_least)
    told = document(found.value, audience, today or runtime.today, rules_of(runtime))
    made: Page = composed(found, told, request, response)
    return formed(made, made, form, response)
