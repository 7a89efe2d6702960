"""HTTP for lists of opportunities by their record: ranked by quality, committed, shared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.responses import HTMLResponse

from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.record.pages import Audience, Document, document
from services.opportunities.record.quality import (
    alerts,
    decision_map,
    quality,
    snoozed_until,
)
from services.opportunities.record.rendering import html, markdown
from services.opportunities.record.views import OpportunityRecord, opportunity_record
from shared.errors import InvalidError
from shared.reading import Seen, Token
from shared.runtime import Runtime
from shared.web import PAGE_MAX, PARKED_MAX, AtLeast, PageWanted, Paging, StreamId, runtime_of

router = APIRouter(tags=["opportunities"])
Opportunities = Annotated[Runtime, Depends(runtime_of("opportunities"))]
# What is ranked or summed is read as a whole: an answer about more would be slow, or a part of it.
WHOLE_MAX = 3_000
Today = Annotated[date | None, Query(description="as of this day; today when not told")]


def rules_of(runtime: Runtime) -> OpportunitiesDefaults:
    rules = runtime.domain.defaults
    assert isinstance(rules, OpportunitiesDefaults)
    return rules


def day_of(runtime: Runtime, today: date | None) -> date:
    return today or runtime.clock.now().astimezone(runtime.settings.zone).date()


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
            raise InvalidError(
                f"more than {WHOLE_MAX} fit: ask for one owner or company", field="query/owner"
            )
        after = part.next_key


def cut(
    items: list[dict[str, Any]], wanted: Paging, key: Callable[[dict[str, Any]], str]
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the page after the item that the cursor names, and the cursor of the next one."""
    first = 0
    if wanted.cursor is not None:
        keys = [key(item) for item in items]
        if wanted.cursor not in keys:
            raise InvalidError("it is not in this list (any more)", field="cursor")
        first = keys.index(wanted.cursor) + 1
    shown = items[first : first + wanted.limit]
    more = first + wanted.limit < len(items)
    return shown, key(shown[-1]) if more and shown else None


def told(found: Seen | None, what: str, response: Response) -> Any:
    """Answer what depends on the day, too: so it has no ETag."""
    if found is None:
        raise HTTPException(404, f"no such {what}")
    if found.parked:
        response.headers["X-Parked"] = ", ".join(found.parked[:PARKED_MAX])
    return found.value


def line(view: OpportunityRecord, today: date, rules: OpportunitiesDefaults) -> dict[str, Any]:
    """Return what a list shows of one opportunity."""
    card, step = view.card, view.record.progress.next_step
    assert card is not None
    return {
        "opportunity": view.opportunity,
        "title": card.title,
        "owner": view.owner,
        "company": view.company,
        "stage": card.stage,
        "stage_on": card.stage_on,
        "latent": view.latent,
        "amount": card.amount,
        "currency": card.currency,
        "expected_close_on": card.expected_close_on,
        "next_step": step,
        "quality": quality(view, today, rules),
        "alerts": alerts(view, today, rules),
        "snoozed_until": snoozed_until(view, today),
    }


def rank(item: dict[str, Any]) -> tuple[Any, ...]:
    """Quality ranks above amount (O-08)."""
    return (-item["quality"].score, -(item["amount"] or Decimal(0)), item["opportunity"])


@router.get("/opportunities/ranked")
async def list_ranked(
    runtime: Opportunities,
    wanted: PageWanted,
    at_least: AtLeast,
    owner: str | None = None,
    company: str | None = None,
    latent: bool = False,  # noqa: FBT001, FBT002
    snoozed: Annotated[bool, Query(description="also those that rest")] = True,  # noqa: FBT002
    today: Today = None,
) -> dict[str, Any]:
    """Open opportunities, the best ones first, each with why; what rests raises no alerts."""
    day, rules = day_of(runtime, today), rules_of(runtime)
    where = {"open": True, "owner": owner, "company": company}
    views, parked = await read_all(runtime, where, at_least)
    items = sorted((line(view, day, rules) for view in views if view.latent == latent), key=rank)
    if not snoozed:
        items = [item for item in items if item["snoozed_until"] is None]
    shown, cursor = cut(items, wanted, lambda item: item["opportunity"])
    return {"items": shown, "next_cursor": cursor, "parked": parked}


@router.get("/opportunities/{opportunity}/page")
async def get_page(
    opportunity: StreamId,
    runtime: Opportunities,
    at_least: AtLeast,
    response: Response,
    today: Today = None,
) -> dict[str, Any]:
    """All that the opportunity's own screen shows, in one call."""
    found = await runtime.reader(opportunity_record).get(f"opportunity-{opportunity}", at_least)
    view: OpportunityRecord = told(found, "opportunity", response)
    day, rules = day_of(runtime, today), rules_of(runtime)
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


@router.get("/opportunities/{opportunity}/pages/{audience}", response_model=None)
async def get_document(
    opportunity: StreamId,
    audience: Audience,
    runtime: Opportunities,
    at_least: AtLeast,
    response: Response,
    form: Literal["json", "markdown", "html"] = "json",
    today: Today = None,
) -> Document | Response:
    """One record for four readers: the seller, the coach, the boss and the executives (O-05)."""
    found = await runtime.reader(opportunity_record).get(f"opportunity-{opportunity}", at_least)
    view: OpportunityRecord = told(found, "opportunity", response)
    made = document(view, audience, day_of(runtime, today), rules_of(runtime))
    if form == "json":
        return made
    headers = dict(response.headers) | {"X-Content-Type-Options": "nosniff"}
    if form == "markdown":
        return Response(markdown(made), headers=headers, media_type="text/markdown")
    # Nothing on the page runs or is fetched, whatever people wrote into the record.
    headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return HTMLResponse(html(made), headers=headers)
