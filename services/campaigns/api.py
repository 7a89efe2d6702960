"""HTTP for campaigns: a POST records, a GET reads what was planned and what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from services.campaigns.attribution import (
    Attributed,
    CampaignOpportunity,
    CampaignPerson,
    attributed,
    campaign_opportunity,
    campaign_person,
)
from services.campaigns.model import End, GiveFeedback, Plan, Start
from services.campaigns.projections import CampaignCard, campaign_card
from shared.exports import note_names
from shared.reading import Token
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    composed,
    page,
    record,
    runtime_of,
    seen,
)
from shared.web.router import Router

router = Router(prefix="/campaigns", tags=["campaigns"])
Current = Annotated[Runtime, Depends(runtime_of("campaigns"))]
State = Annotated[str | None, Query(pattern="^(planned|started|ended)$")]


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """One campaign, what came of it, and where that opens into facts."""

    campaign: CampaignCard
    came_of_it: Attributed
    opens: dict[str, str]


@router.post("/{campaign}/plan", status_code=202)
async def plan_campaign(
    campaign: StreamId, command: Plan, runtime: Current, meta: CommandMeta, response: Response
) -> Recorded:
    """Plan it: goal, audience, period, budget, and the sellers who share it (X-02)."""
    return await record(runtime, f"campaign-{campaign}", command, meta, response)


@router.post("/{campaign}/start", status_code=202)
async def start_campaign(
    campaign: StreamId, command: Start, runtime: Current, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"campaign-{campaign}", command, meta, response)


@router.post("/{campaign}/end", status_code=202)
async def end_campaign(
    campaign: StreamId, command: End, runtime: Current, meta: CommandMeta, response: Response
) -> Recorded:
    """It is over: the result in words, and what was spent (X-02)."""
    return await record(runtime, f"campaign-{campaign}", command, meta, response)


@router.post("/{campaign}/give-feedback", status_code=202)
async def give_feedback(
    campaign: StreamId,
    command: GiveFeedback,
    runtime: Current,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Say as a seller what it was worth, of an opportunity or altogether (X-02)."""
    return await record(runtime, f"campaign-{campaign}", command, meta, response)


@router.get("")
async def list_campaigns(
    runtime: Current,
    wanted: PageWanted,
    at_least: AtLeast,
    state: State = None,
    seller: EmployeeStream | None = None,
) -> dict[str, Any]:
    """Campaigns; of a `seller`: those that they share."""
    where = {"state": state, "sellers": seller}
    return await page(runtime.reader(campaign_card), where, wanted, at_least)


@router.get("/figures")
async def campaign_figures(
    runtime: Current, at_least: AtLeast, state: State = None
) -> dict[str, Any]:
    """What each campaign reached and what came of it, the newest first (X-02)."""
    where = {} if state is None else {"state": state}
    cards = [card async for card in runtime.reader(campaign_card).every(where, at_least)]
    rows = [
        _row(card, await _attributed(runtime, card, at_least))
        for card in sorted(cards, key=lambda card: (str(card.from_on), card.campaign), reverse=True)
    ]
    note_names(rows[0] if rows else ())
    return {"rows": rows}


def _row(card: CampaignCard, found: Attributed) -> dict[str, Any]:
    told = {
        name: getattr(card, name)
        for name in ("campaign", "name", "state", "from_on", "until_on", "spent", "spent_currency")
    }
    judged = {f"useful_{word}": 0 for word in ("yes", "partly", "no")}
    for one in card.feedback:
        judged[f"useful_{one.useful}"] += 1
    return {**told, **asdict(found), **judged}


@router.get("/{campaign}")
async def get_campaign(
    campaign: StreamId, runtime: Current, at_least: AtLeast, request: Request, response: Response
) -> CampaignPage:
    """Plan, execution, result and feedback; `came_of_it` opens into facts at `opens` (X-02)."""
    found = await runtime.reader(campaign_card).get(f"campaign-{campaign}", at_least)
    card: CampaignCard = seen(found, "campaign", request, response)
    assert found is not None  # Otherwise that was a 404.
    here = f"/campaigns/{campaign}"
    opens = {
        "reached": f"{here}/people",
        "responded": f"{here}/people?responded=true",
        "opportunities": f"{here}/opportunities",
    }
    shown = CampaignPage(card, await _attributed(runtime, card, at_least), opens)
    answer: CampaignPage = composed(found, shown, request, response)
    return answer


@router.get("/{campaign}/people")
async def list_campaign_people(
    campaign: StreamId,
    runtime: Current,
    wanted: PageWanted,
    at_least: AtLeast,
    request: Request,
    response: Response,
    *,
    responded: bool | None = None,
) -> dict[str, Any]:
    """Whom it reached, each with the touches that say so (X-02)."""
    card = await _card(runtime, campaign, at_least, request, response)
    where = {"campaign": card.called, "responded": responded}
    return await page(runtime.reader(campaign_person), where, wanted, at_least)


@router.get("/{campaign}/opportunities")
async def list_campaign_opportunities(
    campaign: StreamId,
    runtime: Current,
    wanted: PageWanted,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> dict[str, Any]:
    """Opportunities that say that they came from it, each with what it is worth (X-02)."""
    card = await _card(runtime, campaign, at_least, request, response)
    reader = runtime.reader(campaign_opportunity)
    return await page(reader, {"campaign": card.called}, wanted, at_least)


async def _card(
    runtime: Runtime, campaign: str, at_least: Token | None, request: Request, response: Response
) -> CampaignCard:
    found = await runtime.reader(campaign_card).get(f"campaign-{campaign}", at_least)
    card: CampaignCard = seen(found, "campaign", request, response)
    return card


async def _attributed(runtime: Runtime, card: CampaignCard, at_least: Token | None) -> Attributed:
    where = {"campaign": card.called}
    people: list[CampaignPerson] = [
        one async for one in runtime.reader(campaign_person).every(where, at_least)
    ]
    opportunities: list[CampaignOpportunity] = [
        one async for one in runtime.reader(campaign_opportunity).every(where, at_least)
    ]
    return attributed(people, opportunities)
