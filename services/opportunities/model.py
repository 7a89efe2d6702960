"""What may happen to a chance to sell. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Annotated, Literal, assert_never

from pydantic import Field, StringConstraints, model_validator

from shared.command import Command, DatedCommand
from shared.errors import DomainError, InvalidError, NotFoundError
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

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Stage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
# Figures are summed as whole ten-thousandths in 64 bits: these bounds keep every sum exact.
Money = Annotated[Decimal, Field(ge=0, max_digits=16, decimal_places=4)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
EmployeeStream = Annotated[str, Field(pattern=r"^employee-[^\s@]{1,200}$")]
CompanyStream = Annotated[str, Field(pattern=r"^company-[^\s@]{1,200}$")]
ProductStream = Annotated[str, Field(pattern=r"^product-[^\s@]{1,200}$")]
PersonStream = Annotated[str, Field(pattern=r"^person-[^\s@]{1,200}$")]

RESERVED = frozenset({"Won", "Lost"})
FIRST_STAGE = "Prospecting"
OTHERWISE = "the source says otherwise now"


class OpportunityUnknownError(NotFoundError):
    """Nobody discovered an opportunity of that id."""


class OpportunityAlreadyDiscoveredError(DomainError):
    """An opportunity is discovered once."""


class OpportunityClosedError(DomainError):
    """It is won or lost: reopen it first."""


class OpportunityStillOpenError(DomainError):
    """It is neither won nor lost."""


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Only what a rule needs to know. What a screen needs lives in projections.py."""

    title: str | None = None
    stage: str = ""
    stage_on: date | None = None
    # Whether it ever left the stage of its discovery: until then both dates are one.
    moved: bool = False
    outcome: Literal["won", "lost"] | None = None
    closed_on: date | None = None
    value: Decimal | None = None
    currency: str | None = None
    owner: str | None = None
    company: str | None = None
    product: str | None = None
    discovered_on: date | None = None
    amount: Decimal | None = None
    amount_currency: str | None = None
    expected_close_on: date | None = None
    people: frozenset[tuple[str, str]] = field(default=frozenset())


class Discover(DatedCommand):
    title: Text
    stage: Stage = FIRST_STAGE
    latent: bool = False
    owner: EmployeeStream | None = None
    company: CompanyStream | None = None
    product: ProductStream | None = None
    amount: Money | None = None
    currency: Currency | None = None
    expected_close_on: date | None = None
    source_ref: str | None = Field(None, max_length=300)


class Advance(DatedCommand):
    stage: Stage


class Win(DatedCommand):
    value: Money
    currency: Currency


class Lose(DatedCommand):
    reason: str | None = Field(None, max_length=1_000)


class Reopen(DatedCommand):
    stage: Stage
    reason: str | None = Field(None, max_length=1_000)


class Reassign(DatedCommand):
    owner: EmployeeStream
    reason: Literal["handover", "leave", "territory", "unstated"]


class Revalue(DatedCommand):
    """What is not told stays as it is."""

    amount: Money | None = None
    currency: Currency | None = None
    expected_close_on: date | None = None


class InvolvePerson(DatedCommand):
    person: PersonStream
    role: Text


class Mirror(Command):
    """A row of another system: how it says the opportunity stands.

    `discovered_on` is when it was first seen, None: nobody knows. `stage_on` is when its present
    stage was entered, `stage` of a decided one the stage it was decided in. A row that does not
    tell `stage_on` or `owner` leaves them as they are.
    """

    title: Text
    stage: Stage
    outcome: Literal["won", "lost"] | None = None
    owner: EmployeeStream | None = None
    company: CompanyStream | None = None
    product: ProductStream | None = None
    value: Money | None = None
    currency: Currency | None = None
    discovered_on: date | None = None
    stage_on: date | None = None
    closed_on: date | None = None
    source_ref: str | None = Field(None, max_length=300)

    @model_validator(mode="after")
    def _makes_sense(self) -> Mirror:
        if self.outcome == "won" and (self.value is None or self.currency is None):
            raise ValueError("a won opportunity has a value and a currency")
        if self.outcome is None and self.closed_on is not None:
            raise ValueError("an open opportunity has no closing date")
        if self.closed_on and self.discovered_on and self.closed_on < self.discovered_on:
            raise ValueError("closed before it was discovered")
        return self


OpportunityCommand = (
    Discover | Advance | Win | Lose | Reopen | Reassign | Revalue | InvolvePerson | Mirror
)


def decide(opportunity: Opportunity, command: OpportunityCommand) -> list[OpportunityEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Discover():
            return _discover(opportunity, command)
        case Mirror():
            return _mirror(opportunity, command)
        case _ if opportunity.title is None:
            raise OpportunityUnknownError
        case Reassign(owner=owner, reason=reason, on=on):
            if opportunity.owner == owner:
                return []
            return [OpportunityReassigned(owner=owner, reason=reason, on=on)]
        case InvolvePerson(person=person, role=role, on=on):
            if (person, role) in opportunity.people:
                return []
            return [PersonInvolved(person=person, role=role, on=on)]
        case Reopen(stage=stage, reason=reason, on=on):
            if opportunity.outcome is None:
                raise OpportunityStillOpenError
            return [OpportunityReopened(stage=_real(stage), reason=reason, on=on)]
        case Advance() | Win() | Lose() | Revalue():
            return _go_on(opportunity, command)
        case _:
            assert_never(command)


def _discover(opportunity: Opportunity, command: Discover) -> list[OpportunityEvent]:
    if opportunity.title is not None:
        raise OpportunityAlreadyDiscoveredError(f"it is known as {opportunity.title!r}")
    if (command.amount is None) != (command.currency is None):
        raise InvalidError("amount and currency come together", field="#/currency")
    _real(command.stage)
    return [OpportunityDiscovered(**command.model_dump(exclude={"date_unknown"}))]


def _go_on(
    opportunity: Opportunity, command: Advance | Win | Lose | Revalue
) -> list[OpportunityEvent]:
    if opportunity.outcome is not None:
        raise OpportunityClosedError(f"it was {opportunity.outcome}")
    match command:
        case Advance(stage=stage, on=on):
            if opportunity.stage == stage:
                return []
            return [StageAdvanced(stage=_real(stage), on=on)]
        case Win(value=value, currency=currency, on=on):
            return [OpportunityWon(value=value, currency=currency, on=on)]
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


def _real(stage: str) -> str:
    """Won and lost are outcomes with facts of their own, not stages to advance to."""
    if stage in RESERVED:
        raise InvalidError(f"{stage!r} is an outcome: use win or lose", field="#/stage")
    return stage


def _mirror(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    """Return what must have happened, or was mistaken, for us to stand where the row stands."""
    _real(row.stage)
    if opportunity.title is None:
        return [*_first_seen(row), *_close(row)]
    facts = _correct(opportunity, row)
    standing = reduce(evolve, facts, opportunity)
    if standing.outcome is None:
        return [*facts, *_move(standing, row), *_close(row)]
    if row.outcome == standing.outcome and not _stands_elsewhere(standing, row):
        return [*facts, *_correct_stage_date(standing, row), *_correct_outcome(standing, row)]
    # What was decided otherwise, or in another stage, is undone from that stage's day on.
    undone_on = row.stage_on if row.stage_on or row.outcome is None else standing.closed_on
    reopened = OpportunityReopened(stage=row.stage, on=undone_on, reason=OTHERWISE)
    return [*facts, reopened, *_close(row)]


def _first_seen(row: Mirror) -> list[OpportunityEvent]:
    moved = row.stage_on is not None and row.stage_on != row.discovered_on
    discovered = OpportunityDiscovered(
        title=row.title,
        stage=FIRST_STAGE if moved else row.stage,
        owner=row.owner,
        company=row.company,
        product=row.product,
        source_ref=row.source_ref,
        on=row.discovered_on,
    )
    return [discovered, StageAdvanced(stage=row.stage, on=row.stage_on)] if moved else [discovered]


def _correct(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    facts: list[OpportunityEvent] = []
    held = (opportunity.title, opportunity.company, opportunity.product, opportunity.discovered_on)
    if held != (row.title, row.company, row.product, row.discovered_on):
        facts.append(
            OpportunityCorrected(
                title=row.title,
                company=row.company,
                product=row.product,
                on=row.discovered_on,
                reason=OTHERWISE,
            )
        )
    if row.owner is not None and row.owner != opportunity.owner:
        facts.append(OpportunityReassigned(owner=row.owner, reason="unstated"))
    return facts


def _stands_elsewhere(opportunity: Opportunity, row: Mirror) -> bool:
    """Say whether the row needs a step that we never recorded, not only another date of one."""
    if row.stage != opportunity.stage:
        return True
    return not opportunity.moved and row.stage_on not in (None, opportunity.stage_on)


def _move(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    if _stands_elsewhere(opportunity, row):
        return [StageAdvanced(stage=row.stage, on=row.stage_on)]
    return _correct_stage_date(opportunity, row)


def _correct_stage_date(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    if row.stage_on in (None, opportunity.stage_on):
        return []
    return [EngagementCorrected(stage=row.stage, on=row.stage_on, reason=OTHERWISE)]


def _close(row: Mirror) -> list[OpportunityEvent]:
    if row.outcome == "won" and row.value is not None and row.currency is not None:
        return [OpportunityWon(value=row.value, currency=row.currency, on=row.closed_on)]
    if row.outcome == "lost":
        return [OpportunityLost(on=row.closed_on)]
    return []


def _correct_outcome(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    value = row.value if row.outcome == "won" else None
    currency = row.currency if row.outcome == "won" else None
    held = (opportunity.value, opportunity.currency, opportunity.closed_on)
    if held == (value, currency, row.closed_on):
        return []
    return [OutcomeCorrected(value=value, currency=currency, on=row.closed_on, reason=OTHERWISE)]


def evolve(opportunity: Opportunity, event: OpportunityEvent) -> Opportunity:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case OpportunityDiscovered():
            return replace(
                opportunity,
                title=event.title,
                stage=event.stage,
                stage_on=event.on,
                moved=False,
                discovered_on=event.on,
                owner=event.owner,
                company=event.company,
                product=event.product,
                amount=event.amount,
                amount_currency=event.currency,
                expected_close_on=event.expected_close_on,
            )
        case StageAdvanced(stage=stage, on=on):
            return replace(opportunity, stage=stage, stage_on=on, moved=True)
        case EngagementCorrected(stage=stage, on=on):
            # A stage that was left since: its date is history, and no rule asks for it.
            return replace(opportunity, stage_on=on) if stage == opportunity.stage else opportunity
        case OpportunityWon(value=value, currency=currency, on=on):
            return replace(opportunity, outcome="won", value=value, currency=currency, closed_on=on)
        case OpportunityLost(on=on):
            return replace(opportunity, outcome="lost", value=None, currency=None, closed_on=on)
        case OpportunityReopened(stage=stage, on=on):
            return replace(
                opportunity,
                outcome=None,
                value=None,
                currency=None,
                closed_on=None,
                stage=stage,
                stage_on=on,
                moved=True,
            )
        case OpportunityReassigned(owner=owner):
            return replace(opportunity, owner=owner)
        case OpportunityRevalued():
            return replace(
                opportunity,
                amount=event.amount,
                amount_currency=event.currency,
                expected_close_on=event.expected_close_on,
            )
        case PersonInvolved(person=person, role=role):
            return replace(opportunity, people=opportunity.people | {(person, role)})
        case OpportunityCorrected():
            return replace(
                opportunity,
                title=event.title,
                company=event.company,
                product=event.product,
                discovered_on=event.on,
                stage_on=opportunity.stage_on if opportunity.moved else event.on,
            )
        case OutcomeCorrected(value=value, currency=currency, on=on):
            if opportunity.outcome is None:
                return opportunity  # It was reopened since: that outcome is history.
            return replace(opportunity, value=value, currency=currency, closed_on=on)
        case _:
            assert_never(event)
