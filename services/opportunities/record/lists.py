"""What lists show of each opportunity: ranked by quality, or shared by divisions. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.record.forecasts import FrozenLine
from services.opportunities.record.progress import NextStep
from services.opportunities.record.quality import Alert, Quality, alerts, quality, snoozed_until
from services.opportunities.record.views import OpportunityRecord

# By which a list is in order, and after which its next page begins: numbers first, then the stream.
Rank = tuple[tuple[Decimal, ...], str]


@dataclass(frozen=True, slots=True)
class Ranked:
    """An open opportunity as it is ranked, with why (O-08)."""

    opportunity: str
    title: str | None
    owner: str | None
    company: str | None
    stage: str | None
    stage_on: date | None
    latent: bool
    amount: Decimal | None
    currency: str | None
    expected_close_on: date | None
    next_step: NextStep | None
    quality: Quality
    alerts: tuple[Alert, ...]
    snoozed_until: date | None

    @property
    def rank(self) -> Rank:
        """Quality ranks above amount."""
        return (-Decimal(self.quality.score), -(self.amount or Decimal(0))), self.opportunity


def ranked(view: OpportunityRecord, today: date, rules: OpportunitiesDefaults) -> Ranked:
    """Return how an open opportunity stands on a day."""
    card = view.card
    assert card is not None
    return Ranked(
        opportunity=view.opportunity,
        title=card.title,
        owner=view.owner,
        company=view.company,
        stage=card.stage,
        stage_on=card.stage_on,
        latent=view.latent,
        amount=card.amount,
        currency=card.currency,
        expected_close_on=card.expected_close_on,
        next_step=view.record.progress.next_step,
        quality=quality(view, today, rules),
        alerts=alerts(view, today, rules),
        snoozed_until=snoozed_until(view, today),
    )


@dataclass(frozen=True, slots=True)
class ShareWorth:
    """What a division has of a deal: `value` of what it was won with, None before."""

    division: str
    percent: Decimal
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class SharedDeal:
    """A deal of which several divisions have credit, and what came of it (O-10)."""

    opportunity: str
    title: str | None
    owner: str | None
    introduced_by: str
    outcome: str | None
    value: Decimal | None
    currency: str | None
    shares: tuple[ShareWorth, ...]

    @property
    def rank(self) -> Rank:
        return (), self.opportunity


def shared_deal(view: OpportunityRecord) -> SharedDeal:
    """Return who introduced it and what each division has of it."""
    credit, card = view.record.deal.credit, view.card
    assert credit is not None
    value = card.value if card else None
    shares = (
        ShareWorth(
            share.division,
            share.percent,
            None if value is None else value * share.percent / Decimal(100),
        )
        for share in credit.shares
    )
    return SharedDeal(
        opportunity=view.opportunity,
        title=card.title if card else None,
        owner=view.owner,
        introduced_by=credit.introduced_by,
        outcome=card.outcome if card else None,
        value=value,
        currency=card.value_currency if card else None,
        shares=tuple(shares),
    )


def committed(view: OpportunityRecord) -> FrozenLine | None:
    """Return what its owner stands by, None where nothing that could be frozen was said."""
    now = view.record.commitments.now
    if view.committed_by is None or now is None or now.close_on is None:
        return None
    return FrozenLine(
        view.opportunity, now.seller, now.confidence, now.amount, now.currency, now.close_on
    )
