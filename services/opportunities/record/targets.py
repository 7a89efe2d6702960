"""What is to be reached, by period and seller, unit or product, and what has been (O-07). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, assert_never

from pydantic import Field, model_validator

from services.opportunities.fields import Currency, Money
from services.opportunities.record.views import OpportunityRecord
from shared.command import Day, HappenedCommand
from shared.errors import NotFoundError
from shared.events import Envelope
from shared.events.opportunities import TargetEvent, TargetSet, TargetWithdrawn
from shared.projection import Projection
from shared.references import EmployeeStream, ProductStream, UnitStream

Measure = Literal["value_won", "count_won"]


class TargetUnknownError(NotFoundError):
    """Nobody set a target of that id."""


class SetTarget(HappenedCommand):
    """What a seller, a unit or a product is to reach in a period; set again, it is replaced."""

    owner: EmployeeStream | None = None
    unit: UnitStream | None = None
    product: ProductStream | None = None
    measure: Measure = "value_won"
    amount: Money
    currency: Currency | None = None
    period_from: Day
    period_to: Day

    @model_validator(mode="after")
    def _makes_sense(self) -> SetTarget:
        if self.period_to < self.period_from:
            raise ValueError(f"{self.period_to} is before {self.period_from}")
        if self.owner is None and self.unit is None and self.product is None:
            raise ValueError("say whose it is: a seller's, a unit's or a product's")
        if (self.measure == "value_won") != (self.currency is not None):
            raise ValueError("a value has a currency, a number has none")
        return self


class WithdrawTarget(HappenedCommand):
    """Nobody need reach it any more."""

    reason: str | None = Field(None, max_length=1_000)


@dataclass(frozen=True, slots=True)
class Target:
    """Only what a rule needs to know."""

    told: TargetSet | None = None
    withdrawn: bool = False


def decide_target(target: Target, command: SetTarget | WithdrawTarget) -> list[TargetEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case SetTarget():
            told = TargetSet(**command.model_dump(exclude={"date_unknown"}))
            return [] if target.told == told and not target.withdrawn else [told]
        case WithdrawTarget(reason=reason, on=on):
            if target.told is None:
                raise TargetUnknownError
            return [] if target.withdrawn else [TargetWithdrawn(reason=reason, on=on)]
        case _:
            assert_never(command)


def evolve_target(target: Target, event: TargetEvent) -> Target:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case TargetSet():
            return Target(event)
        case TargetWithdrawn():
            return replace(target, withdrawn=True)
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class TargetCard:
    """Answers: what is to be reached, by whom, until when?"""

    target: str
    owner: str | None = None
    unit: str | None = None
    product: str | None = None
    measure: Measure | None = None
    amount: Decimal | None = None
    currency: str | None = None
    period_from: date | None = None
    period_to: date | None = None
    set_on: date | None = None
    withdrawn: bool = False


target_card = Projection(
    "target_card",
    version=1,
    view=TargetCard,
    indexes=("owner", "unit", "product"),
    streams=("target",),
)


@target_card.on(TargetSet)
def target_set(card: TargetCard, event: TargetSet, at: Envelope) -> TargetCard:
    said = event.model_dump(exclude={"on"})
    return TargetCard(card.target, set_on=event.on, **said)


@target_card.on(TargetWithdrawn)
def target_withdrawn(card: TargetCard, event: TargetWithdrawn, at: Envelope) -> TargetCard:
    return replace(card, withdrawn=True)


@dataclass(frozen=True, slots=True)
class Attainment:
    """What was won, and what sellers have committed to bring in the same period.

    `percent` of the target has been won; `gap` is left of it. Both open into opportunities.
    """

    attained: Decimal
    committed: Decimal
    percent: Decimal | None
    gap: Decimal
    won: tuple[str, ...]
    open: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attained:
    """A target with how far it is reached, or `why` that is not told."""

    target: TargetCard
    attainment: Attainment | None
    why: str | None


def attainment(target: TargetCard, views: Sequence[OpportunityRecord]) -> Attainment:
    """Return how far a seller's or a product's target is reached, of the facts alone."""
    won = [view for view in views if _won(target, view)]
    promised = [view for view in views if _promised(target, view)]
    attained = sum((_worth(target, view) for view in won), Decimal(0))
    committed = sum((_worth(target, view) for view in promised), Decimal(0))
    amount = target.amount or Decimal(0)
    percent = None
    if amount:
        percent = (100 * attained / amount).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Attainment(
        attained,
        committed,
        percent,
        max(Decimal(0), amount - attained),
        tuple(view.opportunity for view in won),
        tuple(view.opportunity for view in promised),
    )


def _won(target: TargetCard, view: OpportunityRecord) -> bool:
    card = view.card
    if card is None or card.outcome != "won" or not _within(target, card.closed_on):
        return False
    if target.owner not in (None, view.won_by) or target.product not in (None, view.product):
        return False
    return target.currency in (None, card.value_currency)


def _promised(target: TargetCard, view: OpportunityRecord) -> bool:
    now = view.record.commitments.now
    if view.committed_by is None or now is None or now.confidence != "commit":
        return False
    if target.owner not in (None, view.owner) or target.product not in (None, view.product):
        return False
    return _within(target, now.close_on) and target.currency in (None, now.currency)


def _within(target: TargetCard, day: date | None) -> bool:
    begin, end = target.period_from, target.period_to
    return day is not None and begin is not None and end is not None and begin <= day <= end


def _worth(target: TargetCard, view: OpportunityRecord) -> Decimal:
    if target.measure == "count_won":
        return Decimal(1)
    if view.open:
        now = view.record.commitments.now
        return now.amount if now else Decimal(0)
    return (view.card.value if view.card else None) or Decimal(0)
