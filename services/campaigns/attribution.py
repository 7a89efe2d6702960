"""Whom a campaign reached, who answered, and what was sold: each of it opens into facts. Pure.

Touches and opportunities say themselves which campaign they belong to; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shared.events import Envelope
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    OutcomeCorrected,
    StageAdvanced,
)
from shared.events.touches import TouchRecorded
from shared.projection import Projection


def plain(name: str) -> str:
    """Return a campaign's name as it is compared: publishers write it as they like."""
    return " ".join(name.casefold().split())


@dataclass(frozen=True, slots=True)
class Contact:
    """One touch of the campaign."""

    touch: str
    occurred_at: datetime
    channel: str
    direction: str
    publisher: str
    opportunity: str | None = None


@dataclass(frozen=True, slots=True)
class CampaignPerson:
    """Answers: what did this person get of the campaign, and did they answer?"""

    key: str
    campaign: str = ""
    person: str = ""
    sent: int = 0
    responses: int = 0
    responded: bool = False
    touches: tuple[Contact, ...] = ()


campaign_person = Projection(
    "campaign_person",
    version=1,
    view=CampaignPerson,
    indexes=("campaign", "responded"),
    streams=("touch",),
)


def _of_campaign(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, TouchRecorded)
    name = plain(at.data.campaign or "")
    return (f"{name}/{at.data.person}",) if name else ()


@campaign_person.on(TouchRecorded, keys=_of_campaign)
def touched(view: CampaignPerson, event: TouchRecorded, at: Envelope) -> CampaignPerson:
    one = Contact(
        at.stream,
        at.occurred_at,
        event.channel,
        event.direction,
        event.publisher,
        event.opportunity,
    )
    touches = sorted((*view.touches, one), key=lambda one: (one.occurred_at, one.touch))
    responses = sum(each.direction == "inbound" for each in touches)
    return replace(
        view,
        campaign=plain(event.campaign or ""),
        person=event.person,
        touches=tuple(touches),
        sent=len(touches) - responses,
        responses=responses,
        responded=responses > 0,
    )


@dataclass(frozen=True, slots=True)
class CampaignOpportunity:
    """Answers: which opportunity came of the campaign, how does it stand, what is it worth?"""

    opportunity: str
    campaign: str = ""
    title: str | None = None
    owner: str | None = None
    company: str | None = None
    discovered_on: date | None = None
    stage: str | None = None
    outcome: str | None = None
    amount: Decimal | None = None
    value: Decimal | None = None
    currency: str | None = None


campaign_opportunity = Projection(
    "campaign_opportunity",
    version=1,
    view=CampaignOpportunity,
    indexes=("campaign",),
    streams=("opportunity",),
)


@campaign_opportunity.on(OpportunityDiscovered)
def discovered(
    view: CampaignOpportunity, event: OpportunityDiscovered, at: Envelope
) -> CampaignOpportunity | None:
    name = plain(event.campaign or "")
    if not name:
        return None
    told = event.model_dump(include={"title", "owner", "company", "stage", "amount", "currency"})
    return replace(view, campaign=name, discovered_on=event.on, **told)


def _told(view: CampaignOpportunity, **changed: Any) -> CampaignOpportunity | None:
    """Of an opportunity that came of no campaign nothing is kept."""
    return replace(view, **changed) if view.campaign else None


@campaign_opportunity.on(StageAdvanced)
def advanced(
    view: CampaignOpportunity, event: StageAdvanced, at: Envelope
) -> CampaignOpportunity | None:
    return _told(view, stage=event.stage)


@campaign_opportunity.on(OpportunityReassigned)
def reassigned(
    view: CampaignOpportunity, event: OpportunityReassigned, at: Envelope
) -> CampaignOpportunity | None:
    return _told(view, owner=event.owner)


@campaign_opportunity.on(OpportunityRevalued)
def revalued(
    view: CampaignOpportunity, event: OpportunityRevalued, at: Envelope
) -> CampaignOpportunity | None:
    told = event.model_dump(include={"amount", "currency"}, exclude_none=True)
    return _told(view, **told)


@campaign_opportunity.on(OpportunityWon)
def won(
    view: CampaignOpportunity, event: OpportunityWon, at: Envelope
) -> CampaignOpportunity | None:
    return _told(view, outcome="won", value=event.value, currency=event.currency)


@campaign_opportunity.on(OpportunityLost)
def lost(
    view: CampaignOpportunity, event: OpportunityLost, at: Envelope
) -> CampaignOpportunity | None:
    return _told(view, outcome="lost", value=None)


@campaign_opportunity.on(OutcomeCorrected)
def outcome_corrected(
    view: CampaignOpportunity, event: OutcomeCorrected, at: Envelope
) -> CampaignOpportunity | None:
    if view.outcome != "won":
        return _told(view)  # It was reopened since, or lost: it has no value.
    return _told(view, value=event.value, currency=event.currency)


@campaign_opportunity.on(OpportunityReopened)
def reopened(
    view: CampaignOpportunity, event: OpportunityReopened, at: Envelope
) -> CampaignOpportunity | None:
    return _told(view, outcome=None, value=None, stage=event.stage)


@dataclass(slots=True)
class Attributed:
    """What a campaign brought about. Amounts of different currencies are never added up.

    Some answer whom nothing was sent: the rate is of those who were reached alone.
    """

    reached: int = 0
    sent: int = 0
    responded: int = 0
    responses: int = 0
    reached_and_responded: int = 0
    response_rate: float | None = None
    opportunities: int = 0
    open: int = 0
    won: int = 0
    lost: int = 0
    open_value: dict[str, Decimal] = field(default_factory=dict)
    won_value: dict[str, Decimal] = field(default_factory=dict)

    def of_person(self, one: CampaignPerson) -> None:
        self.reached += one.sent > 0
        self.sent += one.sent
        self.responded += one.responded
        self.responses += one.responses
        self.reached_and_responded += one.sent > 0 and one.responded

    def of_opportunity(self, one: CampaignOpportunity) -> None:
        self.opportunities += 1
        self.open += one.outcome is None
        self.won += one.outcome == "won"
        self.lost += one.outcome == "lost"
        if one.currency is None or one.outcome == "lost":
            return
        sums = self.won_value if one.outcome == "won" else self.open_value
        worth = one.value if one.outcome == "won" else one.amount
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + (worth or 0)


def attributed(
    people: Iterable[CampaignPerson], opportunities: Iterable[CampaignOpportunity]
) -> Attributed:
    """Count what came of one campaign."""
    found = Attributed()
    for person in people:
        found.of_person(person)
    for opportunity in opportunities:
        found.of_opportunity(opportunity)
    if found.reached:
        found.response_rate = round(found.reached_and_responded / found.reached, 4)
    return found
