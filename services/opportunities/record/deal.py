"""Whether it rests, whose credit it is, and how it goes on once it is won (O-10, O-12). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import assert_never

from services.opportunities.record.dated import Told, held_on
from shared.dated import placed
from shared.events.opportunities import (
    CreditShared,
    DealEvent,
    HandOffReported,
    OpportunityResumed,
    OpportunitySnoozed,
)
from shared.hand_offs import HandOffStep


@dataclass(frozen=True, slots=True)
class Snoozed(Told):
    reason: str
    resume_on: date

    def rests(self, today: date) -> bool:
        return (self.on is None or self.on <= today) and today < self.resume_on


@dataclass(frozen=True, slots=True)
class DivisionShare:
    division: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Credit(Told):
    introduced_by: str
    shares: tuple[DivisionShare, ...]


@dataclass(frozen=True, slots=True)
class HandOff(Told):
    step: HandOffStep
    status: str
    reference: str | None = None
    system: str | None = None
    amount: Decimal | None = None
    currency: str | None = None

    def says(self, other: HandOff) -> bool:
        """Whether it says the same, whenever it does."""
        return replace(self, on=None) == replace(other, on=None)


@dataclass(frozen=True, slots=True)
class Deal:
    """The present rest, if any; credits and statuses in the order in which they hold."""

    snoozed: Snoozed | None = None
    credits: tuple[Credit, ...] = ()
    hand_offs: tuple[HandOff, ...] = ()

    @property
    def credit(self) -> Credit | None:
        return self.credits[-1] if self.credits else None

    def hand_off(self, step: HandOffStep, on: date | None) -> HandOff | None:
        return held_on(self.hand_offs, on, lambda one: one.step == step)

    @property
    def hand_offs_now(self) -> tuple[HandOff, ...]:
        """Return the newest status of each step."""
        return tuple({one.step: one for one in self.hand_offs}.values())


def handed_off(event: HandOffReported) -> HandOff:
    """Return what another system said, as it is kept."""
    return HandOff(
        event.on,
        event.step,
        event.status,
        event.reference,
        event.system,
        event.amount,
        event.currency,
    )


def evolve_deal(deal: Deal, event: DealEvent) -> Deal:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    match event:
        case OpportunitySnoozed(reason=reason, resume_on=resume_on, on=on):
            return replace(deal, snoozed=Snoozed(on, reason, resume_on))
        case OpportunityResumed():
            return replace(deal, snoozed=None)
        case CreditShared(introduced_by=introduced_by, on=on):
            shares = tuple(DivisionShare(one.division, one.percent) for one in event.shares)
            credits_ = placed(deal.credits, Credit(on, introduced_by, shares))
            return replace(deal, credits=credits_)
        case HandOffReported():
            return replace(deal, hand_offs=placed(deal.hand_offs, handed_off(event)))
        case _:
            assert_never(event)
