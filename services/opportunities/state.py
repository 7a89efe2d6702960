"""How an opportunity stands, for the rules about it: what facts make of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple, TypeVar, assert_never

from services.opportunities.record import Record
from shared.events.opportunities import (
    EngagementCorrected,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    OutcomeCorrected,
    PersonInvolved,
    StageAdvanced,
)


class Step(NamedTuple):
    """It entered a stage on a date; None: nobody knows when."""

    stage: str
    on: date | None


class Hand(NamedTuple):
    """It came into somebody's hands on a date; None: nobody knows when, or from discovery on."""

    owner: str | None
    on: date | None


T = TypeVar("T", bound=Step | Hand)


def with_late(told: tuple[T, ...], new: T) -> tuple[T, ...]:
    """Add what we were told where its date puts it: it may be entered long after it happened.

    Discovery stays first. What has no date stands where it was told, and so does what is told
    after it.
    """
    at = len(told)
    while at > 1 and is_later(told[at - 1].on, new.on):
        at -= 1
    return (*told[:at], new, *told[at:])


def is_later(known: date | None, told: date | None) -> bool:
    return known is not None and told is not None and known > told


def held_on(told: tuple[T, ...], on: date | None) -> T:
    """Return what held on a day, on the first day what held from the beginning."""
    began = [one for one in told if not is_later(one.on, on)]
    return began[-1] if began else told[0]


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Only what a rule needs to know. What a screen needs lives in projections.py.

    `steps` and `hands` are in the order in which they held; the first is the discovery.
    """

    title: str | None = None
    steps: tuple[Step, ...] = (Step("", None),)
    hands: tuple[Hand, ...] = (Hand(None, None),)
    latent: bool = False
    outcome: Literal["won", "lost"] | None = None
    closed_on: date | None = None
    value: Decimal | None = None
    currency: str | None = None
    company: str | None = None
    product: str | None = None
    amount: Decimal | None = None
    amount_currency: str | None = None
    expected_close_on: date | None = None
    people: frozenset[tuple[str, str]] = field(default=frozenset())
    record: Record = field(default=Record())

    @property
    def stage(self) -> str:
        return self.steps[-1].stage

    @property
    def stage_on(self) -> date | None:
        return self.steps[-1].on

    @property
    def moved(self) -> bool:
        """Whether it ever left the stage of its discovery: until then both dates are one."""
        return len(self.steps) > 1

    @property
    def discovered_on(self) -> date | None:
        return self.steps[0].on

    @property
    def owner(self) -> str | None:
        return self.hands[-1].owner


def evolve(opportunity: Opportunity, event: OpportunityEvent) -> Opportunity:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case OpportunityDiscovered() | OpportunityCorrected():
            return _described(opportunity, event)
        case StageAdvanced(stage=stage, on=on):
            steps = with_late(opportunity.steps, Step(stage, on))
            return replace(opportunity, steps=steps, latent=False)
        case EngagementCorrected(stage=stage, on=on):
            if stage != opportunity.stage:
                return opportunity  # It was left since: its date is history, no rule asks for it.
            return replace(opportunity, steps=(*opportunity.steps[:-1], Step(stage, on)))
        case OpportunityWon() | OpportunityLost() | OutcomeCorrected():
            return _decided(opportunity, event)
        case OpportunityReopened(stage=stage, on=on):
            open_again = replace(
                opportunity, outcome=None, value=None, currency=None, closed_on=None, latent=False
            )
            return replace(open_again, steps=(*opportunity.steps, Step(stage, on)))
        case OpportunityReassigned(owner=owner, on=on, reason=reason):
            if opportunity.owner is None and on is None and reason == "unstated":
                return replace(opportunity, hands=(Hand(owner, None),))
            return replace(opportunity, hands=with_late(opportunity.hands, Hand(owner, on)))
        case OpportunityRevalued():
            return replace(
                opportunity,
                amount=event.amount,
                amount_currency=event.currency,
                expected_close_on=event.expected_close_on,
            )
        case PersonInvolved(person=person, role=role):
            return replace(opportunity, people=opportunity.people | {(person, role)})
        case _:
            assert_never(event)


def _described(
    opportunity: Opportunity, event: OpportunityDiscovered | OpportunityCorrected
) -> Opportunity:
    known = replace(opportunity, title=event.title, company=event.company, product=event.product)
    if isinstance(event, OpportunityCorrected):
        first = Step(opportunity.steps[0].stage, event.on)
        return replace(known, steps=(first, *opportunity.steps[1:]))
    return replace(
        known,
        steps=(Step(event.stage, event.on),),
        hands=(Hand(event.owner, None),),
        latent=event.latent,
        amount=event.amount,
        amount_currency=event.currency,
        expected_close_on=event.expected_close_on,
    )


def _decided(
    opportunity: Opportunity, event: OpportunityWon | OpportunityLost | OutcomeCorrected
) -> Opportunity:
    match event:
        case OpportunityWon(value=value, currency=currency, on=on):
            decided = replace(
                opportunity, outcome="won", value=value, currency=currency, latent=False
            )
        case OpportunityLost(on=on):
            decided = replace(opportunity, outcome="lost", value=None, currency=None, latent=False)
        case OutcomeCorrected(value=value, currency=currency, on=on):
            if opportunity.outcome is None:
                return opportunity  # It was reopened since: that outcome is history.
            decided = replace(opportunity, value=value, currency=currency)
        case _:
            assert_never(event)
    return replace(decided, closed_on=on)
