"""What may happen to a chance to sell, and to a product. Pure: no clock, no ids, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
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
    ProductEvent,
    ProductListed,
    ProductRepriced,
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


class OpportunityUnknownError(NotFoundError):
    """Nobody discovered an opportunity of that id."""


class OpportunityAlreadyDiscoveredError(DomainError):
    """An opportunity is discovered once."""


class OpportunityClosedError(DomainError):
    """It is won or lost: reopen it first."""


class OpportunityStillOpenError(DomainError):
    """It is neither won nor lost."""


class ProductUnknownError(NotFoundError):
    """We do not list a product of that id."""


class ProductAlreadyListedError(DomainError):
    """A product is listed once."""


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Only what a rule needs to know. What a screen needs lives in projections.py."""

    title: str | None = None
    stage: str = ""
    stage_on: date | None = None
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
    stage: Stage = "Prospecting"
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
    amount: Money | None = None
    currency: Currency | None = None
    expected_close_on: date | None = None


class InvolvePerson(DatedCommand):
    person: PersonStream
    role: Text


class Mirror(Command):
    """A row of another system: how it says the opportunity stands. Dates it lacks are unknown.

    `discovered_on` is when it was first seen, `stage_on` when its present stage was entered.
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
        case Revalue(amount=amount, currency=currency, expected_close_on=expected, on=on):
            if (amount is None) != (currency is None):
                raise InvalidError("amount and currency come together", field="#/currency")
            told = (amount, currency, expected)
            if told == (
                opportunity.amount,
                opportunity.amount_currency,
                opportunity.expected_close_on,
            ):
                return []
            return [
                OpportunityRevalued(
                    amount=amount, currency=currency, expected_close_on=expected, on=on
                )
            ]
        case _:
            assert_never(command)


def _real(stage: str) -> str:
    """Won and lost are outcomes with facts of their own, not stages to advance to."""
    if stage in RESERVED:
        raise InvalidError(f"{stage!r} is an outcome: use win or lose", field="#/stage")
    return stage


def _mirror(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    """Return what must have happened, or was mistaken, for us to stand where the row stands."""
    if opportunity.title is None:
        discovered = OpportunityDiscovered(
            title=row.title,
            stage=_real(row.stage),
            owner=row.owner,
            company=row.company,
            product=row.product,
            source_ref=row.source_ref,
            on=row.discovered_on,
        )
        return [discovered, *_close(row)]
    return [*_correct(opportunity, row), *_move(opportunity, row)]


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
                reason="the source says otherwise now",
            )
        )
    if row.owner is not None and row.owner != opportunity.owner:
        facts.append(OpportunityReassigned(owner=row.owner, reason="unstated"))
    return facts


def _move(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    if opportunity.outcome is not None and opportunity.outcome == row.outcome:
        return _correct_outcome(opportunity, row)
    facts: list[OpportunityEvent] = []
    stage, stage_on = opportunity.stage, opportunity.stage_on
    if opportunity.outcome is not None:
        stage, stage_on = _real(row.stage), row.stage_on
        reopened_on = row.stage_on if row.outcome is None else opportunity.closed_on
        facts.append(
            OpportunityReopened(stage=stage, on=reopened_on, reason="the source says otherwise now")
        )
    if row.stage != stage:
        facts.append(StageAdvanced(stage=_real(row.stage), on=row.stage_on))
    elif row.stage_on is not None and row.stage_on != stage_on and not facts:
        facts.append(
            EngagementCorrected(
                stage=stage, on=row.stage_on, reason="the source says otherwise now"
            )
        )
    return [*facts, *_close(row)]


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
    return [
        OutcomeCorrected(
            value=value,
            currency=currency,
            on=row.closed_on,
            reason="the source says otherwise now",
        )
    ]


def evolve(opportunity: Opportunity, event: OpportunityEvent) -> Opportunity:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case OpportunityDiscovered():
            return replace(
                opportunity,
                title=event.title,
                stage=event.stage,
                stage_on=event.on,
                discovered_on=event.on,
                owner=event.owner,
                company=event.company,
                product=event.product,
                amount=event.amount,
                amount_currency=event.currency,
                expected_close_on=event.expected_close_on,
            )
        case StageAdvanced(stage=stage, on=on) | EngagementCorrected(stage=stage, on=on):
            return replace(opportunity, stage=stage, stage_on=on)
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
            )
        case OutcomeCorrected(value=value, currency=currency, on=on):
            return replace(opportunity, value=value, currency=currency, closed_on=on)
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class Product:
    """Only what a rule needs to know."""

    name: str | None = None
    price: Decimal | None = None
    currency: str | None = None


class ListProduct(DatedCommand):
    name: Text
    series: Text | None = None
    price: Money | None = None
    currency: Currency | None = None


class Reprice(DatedCommand):
    price: Money
    currency: Currency


class MirrorProduct(Command):
    """Another system says: this product exists at this list price."""

    name: Text
    series: Text | None = None
    price: Money | None = None
    currency: Currency | None = None


ProductCommand = ListProduct | Reprice | MirrorProduct


def decide_product(product: Product, command: ProductCommand) -> list[ProductEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case ListProduct():
            if product.name is not None:
                raise ProductAlreadyListedError(f"we list {product.name!r} already")
            return [ProductListed(**command.model_dump(exclude={"date_unknown"}))]
        case Reprice(price=price, currency=currency, on=on):
            if product.name is None:
                raise ProductUnknownError
            if (product.price, product.currency) == (price, currency):
                return []
            return [ProductRepriced(price=price, currency=currency, on=on)]
        case MirrorProduct(price=price, currency=currency):
            if product.name is None:
                return [ProductListed(**command.model_dump())]
            if (
                price is None
                or currency is None
                or (price, currency)
                == (
                    product.price,
                    product.currency,
                )
            ):
                return []
            return [ProductRepriced(price=price, currency=currency)]
        case _:
            assert_never(command)


def evolve_product(product: Product, event: ProductEvent) -> Product:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case ProductListed(name=name, price=price, currency=currency):
            return replace(product, name=name, price=price, currency=currency)
        case ProductRepriced(price=price, currency=currency):
            return replace(product, price=price, currency=currency)
        case _:
            assert_never(event)
