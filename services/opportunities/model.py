"""What may happen to a chance to sell. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from typing import Literal, assert_never

from pydantic import Field

from services.opportunities.fields import (
    Currency,
    Money,
    Sentences,
    SignedMoney,
    Stage,
    Text,
    real_stage,
)
from services.opportunities.mirroring import Mirror, mirror
from services.opportunities.state import Opportunity, evolve, held_on, is_later
from shared.command import Day, HappenedCommand
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.opportunities import (
    FIRST_STAGE,
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    PersonInvolved,
    StageAdvanced,
)
from shared.handovers import TakeOver
from shared.references import CompanyStream, EmployeeStream, PersonStream, ProductStream


class OpportunityUnknownError(NotFoundError):
    """Nobody discovered an opportunity of that id."""


class OpportunityAlreadyDiscoveredError(DomainError):
    """An opportunity is discovered once."""


class OpportunityClosedError(DomainError):
    """It is won or lost: reopen it first."""


class OpportunityStillOpenError(DomainError):
    """It is neither won nor lost."""


class Discover(HappenedCommand):
    title: Text
    stage: Stage = FIRST_STAGE
    latent: bool = False
    owner: EmployeeStream | None = None
    company: CompanyStream | None = None
    product: ProductStream | None = None
    amount: Money | None = None
    currency: Currency | None = None
    expected_close_on: Day | None = None
    source_ref: str | None = Field(None, max_length=300)
    campaign: Text | None = None


class Advance(HappenedCommand):
    """What shows that it is there, and what happens next, may be told with it (O-01)."""

    stage: Stage
    evidence: Sentences | None = None
    next_step: Text | None = None
    next_step_due_on: Day | None = None


class Win(HappenedCommand):
    value: Money
    currency: Currency
    # What is left of it for us. None: nobody says.
    profit: SignedMoney | None = None


class Lose(HappenedCommand):
    reason: str | None = Field(None, max_length=1_000)


class Reopen(HappenedCommand):
    stage: Stage
    reason: str | None = Field(None, max_length=1_000)


class Reassign(HappenedCommand):
    owner: EmployeeStream
    reason: Literal["handover", "leave", "territory", "unstated"]


class Revalue(HappenedCommand):
    """What is not told stays as it is."""

    amount: Money | None = None
    currency: Currency | None = None
    expected_close_on: Day | None = None


class InvolvePerson(HappenedCommand):
    person: PersonStream
    role: Text


OpportunityCommand = (
    Discover
    | Advance
    | Win
    | Lose
    | Reopen
    | Reassign
    | Revalue
    | InvolvePerson
    | Mirror
    | TakeOver
)


def decide(opportunity: Opportunity, command: OpportunityCommand) -> list[OpportunityEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Discover():
            return _discover(opportunity, command)
        case Mirror():
            return mirror(opportunity, command)
        case _ if opportunity.title is None:
            raise OpportunityUnknownError
        case TakeOver():
            return _take_over(opportunity, command)
        case _ if is_later(opportunity.discovered_on, command.on):
            raise InvalidError(
                f"{command.on} is before it was discovered, {opportunity.discovered_on}",
                field="#/on",
            )
        case Reassign(owner=owner, reason=reason, on=on):
            if held_on(opportunity.hands, on).owner == owner:
                return []
            return [OpportunityReassigned(owner=owner, reason=reason, on=on)]
        case InvolvePerson(person=person, role=role, on=on):
            if (person, role) in opportunity.people:
                return []
            return [PersonInvolved(person=person, role=role, on=on)]
        case Reopen(stage=stage, reason=reason, on=on):
            if opportunity.outcome is None:
                raise OpportunityStillOpenError
            return [OpportunityReopened(stage=real_stage(stage), reason=reason, on=on)]
        case Advance() | Win() | Lose() | Revalue():
            return _go_on(opportunity, command)
        case _:
            assert_never(command)


def _take_over(opportunity: Opportunity, command: TakeOver) -> list[OpportunityEvent]:
    if opportunity.outcome is not None:
        raise OpportunityClosedError(f"it was {opportunity.outcome}")
    if not command.moves(opportunity.owner):
        return []
    # Its hands go on from the last one, whatever day that was.
    known = (opportunity.discovered_on, opportunity.hands[-1].on)
    on = command.on and max(day for day in (*known, command.on) if day is not None)
    return [OpportunityReassigned(owner=command.receiver, reason="handover", on=on)]


def _discover(opportunity: Opportunity, command: Discover) -> list[OpportunityEvent]:
    if opportunity.title is not None:
        raise OpportunityAlreadyDiscoveredError(f"it is known as {opportunity.title!r}")
    if (command.amount is None) != (command.currency is None):
        raise InvalidError("amount and currency come together", field="#/currency")
    real_stage(command.stage)
    return [OpportunityDiscovered(**command.model_dump(exclude={"date_unknown"}))]


def _go_on(
    opportunity: Opportunity, command: Advance | Win | Lose | Revalue
) -> list[OpportunityEvent]:
    if opportunity.outcome is not None:
        raise OpportunityClosedError(f"it was {opportunity.outcome}")
    match command:
        case Advance(stage=stage, on=on):
            # To advance what is latent makes it real, also within its stage.
            if held_on(opportunity.steps, on).stage == stage and not opportunity.latent:
                return []
            return [StageAdvanced(stage=real_stage(stage), on=on)]
        case Win(value=value, currency=currency, profit=profit, on=on):
            return [OpportunityWon(value=value, currency=currency, profit=profit, on=on)]
        case Lose(reason=reason, on=on):
            return [OpportunityLost(reason=reason, on=on)]
        case Revalue():
            return _revalue(opportunity, command)
        case _:
            assert_never(command)


def _revalue(opportunity: Opportunity, command: Revalue) -> list[OpportunityEvent]:
    if (command.amount is None) != (command.currency is None):
        raise InvalidError("amount and currency come together", field="#/currency")
    if command.amount is None and command.expected_close_on is None:
        raise InvalidError("say the new amount or the new closing date", field="#/amount")
    revalued = OpportunityRevalued(
        amount=opportunity.amount if command.amount is None else command.amount,
        currency=command.currency or opportunity.amount_currency,
        expected_close_on=command.expected_close_on or opportunity.expected_close_on,
        on=command.on,
    )
    return [] if evolve(opportunity, revalued) == opportunity else [revalued]
