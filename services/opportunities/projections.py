"""What people ask about chances to sell. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from shared.events import Envelope
from shared.events.opportunities import (
    EngagementCorrected,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    OutcomeCorrected,
    PersonInvolved,
    ProductListed,
    ProductRepriced,
    StageAdvanced,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Involved:
    """Who has a say, in which role (O-09)."""

    person: str
    role: str


@dataclass(frozen=True, slots=True)
class OpportunityCard:
    """Answers: what may we sell to whom, where does it stand since when, and whose is it?

    A date that is None is not known.
    """

    opportunity: str
    title: str | None = None
    stage: str | None = None
    stage_on: date | None = None
    # Whether it ever left the stage of its discovery: until then both dates are one.
    moved: bool = False
    latent: bool = False
    outcome: Literal["won", "lost"] | None = None
    owner: str | None = None
    # Since when it has been theirs; None: since its discovery, or nobody knows.
    owner_since: date | None = None
    company: str | None = None
    product: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    expected_close_on: date | None = None
    discovered_on: date | None = None
    closed_on: date | None = None
    value: Decimal | None = None
    value_currency: str | None = None
    # What is left of the value for us, in its currency.
    profit: Decimal | None = None
    lost_reason: str | None = None
    people: tuple[Involved, ...] = ()
    source_ref: str | None = None


opportunity_card = Projection(
    "opportunity_card",
    version=3,
    view=OpportunityCard,
    indexes=("owner", "company", "stage"),
    published=True,
    streams=("opportunity",),
)


@opportunity_card.on(OpportunityDiscovered)
def discovered(
    card: OpportunityCard, event: OpportunityDiscovered, at: Envelope
) -> OpportunityCard:
    return replace(
        card,
        title=event.title,
        stage=event.stage,
        stage_on=event.on,
        moved=False,
        latent=event.latent,
        owner=event.owner,
        owner_since=None,
        company=event.company,
        product=event.product,
        amount=event.amount,
        currency=event.currency,
        expected_close_on=event.expected_close_on,
        discovered_on=event.on,
        source_ref=event.source_ref,
    )


@opportunity_card.on(StageAdvanced)
def advanced(card: OpportunityCard, event: StageAdvanced, at: Envelope) -> OpportunityCard:
    if card.moved and _entered_late(card.stage_on, event.on):
        return card  # It is beyond that stage already.
    return replace(card, stage=event.stage, stage_on=event.on, moved=True, latent=False)


def _entered_late(known: date | None, told: date | None) -> bool:
    """Say whether something that happened later is known already, both with their dates."""
    return known is not None and told is not None and told < known


@opportunity_card.on(OpportunityWon)
def won(card: OpportunityCard, event: OpportunityWon, at: Envelope) -> OpportunityCard:
    return replace(
        card,
        outcome="won",
        value=event.value,
        value_currency=event.currency,
        profit=event.profit,
        closed_on=event.on,
        lost_reason=None,
        latent=False,
    )


@opportunity_card.on(OpportunityLost)
def lost(card: OpportunityCard, event: OpportunityLost, at: Envelope) -> OpportunityCard:
    return replace(
        card,
        outcome="lost",
        value=None,
        value_currency=None,
        profit=None,
        closed_on=event.on,
        lost_reason=event.reason,
        latent=False,
    )


@opportunity_card.on(OpportunityReopened)
def reopened(card: OpportunityCard, event: OpportunityReopened, at: Envelope) -> OpportunityCard:
    return replace(
        card,
        outcome=None,
        closed_on=None,
        value=None,
        value_currency=None,
        profit=None,
        lost_reason=None,
        stage=event.stage,
        stage_on=event.on,
        moved=True,
        latent=False,
    )


@opportunity_card.on(OpportunityReassigned)
def reassigned(
    card: OpportunityCard, event: OpportunityReassigned, at: Envelope
) -> OpportunityCard:
    if _entered_late(card.owner_since, event.on):
        return card  # It has come into other hands since.
    return replace(card, owner=event.owner, owner_since=event.on)


@opportunity_card.on(OpportunityRevalued)
def revalued(card: OpportunityCard, event: OpportunityRevalued, at: Envelope) -> OpportunityCard:
    return replace(
        card,
        amount=event.amount,
        currency=event.currency,
        expected_close_on=event.expected_close_on,
    )


@opportunity_card.on(PersonInvolved)
def person_involved(card: OpportunityCard, event: PersonInvolved, at: Envelope) -> OpportunityCard:
    return replace(card, people=(*card.people, Involved(event.person, event.role)))


@opportunity_card.on(OpportunityCorrected)
def corrected(card: OpportunityCard, event: OpportunityCorrected, at: Envelope) -> OpportunityCard:
    return replace(
        card,
        title=event.title,
        company=event.company,
        product=event.product,
        discovered_on=event.on,
        stage_on=card.stage_on if card.moved else event.on,
    )


@opportunity_card.on(OutcomeCorrected)
def outcome_corrected(
    card: OpportunityCard, event: OutcomeCorrected, at: Envelope
) -> OpportunityCard:
    if card.outcome is None:
        return card  # It was reopened since: that outcome is history.
    profit = card.profit if event.profit is None else event.profit
    return replace(
        card,
        value=event.value,
        value_currency=event.currency,
        profit=profit,
        closed_on=event.on,
    )


@opportunity_card.on(EngagementCorrected)
def engagement_corrected(
    card: OpportunityCard, event: EngagementCorrected, at: Envelope
) -> OpportunityCard:
    if event.stage != card.stage:
        return card  # It was left since: its date is history, and the card shows the present.
    discovered_on = card.discovered_on if card.moved else event.on
    return replace(card, stage_on=event.on, discovered_on=discovered_on)


@dataclass(frozen=True, slots=True)
class ProductCard:
    """Answers: what is this product, and what does it cost?"""

    product: str
    name: str | None = None
    series: str | None = None
    price: Decimal | None = None
    currency: str | None = None


product_card = Projection(
    "product_card", version=1, view=ProductCard, indexes=("name",), streams=("product",)
)


@product_card.on(ProductListed)
def product_listed(card: ProductCard, event: ProductListed, at: Envelope) -> ProductCard:
    return replace(
        card, name=event.name, series=event.series, price=event.price, currency=event.currency
    )


@product_card.on(ProductRepriced)
def product_repriced(card: ProductCard, event: ProductRepriced, at: Envelope) -> ProductCard:
    return replace(card, price=event.price, currency=event.currency)


PROJECTIONS = (opportunity_card, product_card)
