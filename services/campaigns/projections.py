"""What people ask about campaigns. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from services.campaigns.attribution import campaign_opportunity, campaign_person, plain
from shared.events import Envelope
from shared.events.campaigns import (
    CampaignEnded,
    CampaignFeedbackGiven,
    CampaignPlanned,
    CampaignStarted,
    Useful,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a seller says the campaign was worth, of one opportunity or altogether."""

    seller: str
    useful: Useful
    words: str | None = None
    opportunity: str | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class CampaignCard:
    """Answers: what is the campaign for, who shares it, how does it stand, what do sellers say?

    `called` is the name under which touches and opportunities are counted for it.
    """

    campaign: str
    name: str | None = None
    goal: str | None = None
    audience: str | None = None
    from_on: date | None = None
    until_on: date | None = None
    budget: Decimal | None = None
    currency: str | None = None
    planned_by: str | None = None
    sellers: tuple[str, ...] = ()
    called: str = ""
    state: str = "planned"
    started_on: date | None = None
    ended_on: date | None = None
    result: str | None = None
    spent: Decimal | None = None
    spent_currency: str | None = None
    feedback: tuple[Feedback, ...] = ()


campaign_card = Projection(
    "campaign_card",
    version=1,
    view=CampaignCard,
    indexes=("state", "sellers", "planned_by"),
    streams=("campaign",),
)


@campaign_card.on(CampaignPlanned)
def planned(card: CampaignCard, event: CampaignPlanned, at: Envelope) -> CampaignCard:
    told = event.model_dump(exclude={"on", "known_as"})
    name = event.known_as or card.campaign.removeprefix("campaign-")
    return replace(card, **told, called=plain(name))


@campaign_card.on(CampaignStarted)
def started(card: CampaignCard, event: CampaignStarted, at: Envelope) -> CampaignCard:
    return replace(card, state="started", started_on=event.on)


@campaign_card.on(CampaignEnded)
def ended(card: CampaignCard, event: CampaignEnded, at: Envelope) -> CampaignCard:
    return replace(
        card,
        state="ended",
        ended_on=event.on,
        result=event.result,
        spent=event.spent,
        spent_currency=event.currency,
    )


@campaign_card.on(CampaignFeedbackGiven)
def judged(card: CampaignCard, event: CampaignFeedbackGiven, at: Envelope) -> CampaignCard:
    told = Feedback(event.seller, event.useful, event.words, event.opportunity, event.on)
    others = (
        one
        for one in card.feedback
        if (one.seller, one.opportunity) != (told.seller, told.opportunity)
    )
    return replace(card, feedback=(*others, told))


PROJECTIONS = (campaign_card, campaign_person, campaign_opportunity)
