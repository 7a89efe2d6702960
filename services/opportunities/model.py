"""What may happen to a chance to sell. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeVar, assert_never

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from services.opportunities.record import Record
from services.opportunities.record.commands import Sentences
from shared.command import Day, HappenedCommand
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.opportunities import (
    FIRST_STAGE,
    LOST,
    WON,
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

RESERVED = frozenset({WON, LOST})
OTHERWISE = "the source says otherwise now"


class OpportunityUnknownError(NotFoundError):
    """Nobody discovered an opportunity of that id."""


class OpportunityAlreadyDiscoveredError(DomainError):
    """An opportunity is discovered once."""


class OpportunityClosedError(DomainError):
    """It is won or lost: reopen it first."""


class OpportunityStillOpenError(DomainError):
    """It is neither won nor lost."""


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


class Advance(HappenedCommand):
    """What shows that it is there, and what happens next, may be told with it (O-01)."""

    stage: Stage
    evidence: Sentences | None = None
    next_step: Text | None = None
    next_step_due_on: Day | None = None


class Win(HappenedCommand):
    value: Money
    currency: Currency


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


class Mirror(HappenedCommand):
    """A row of another system: how it says the opportunity stands.

    `on` is when it says so: from then on another owner than before has it.
    `discovered_on` is when it was first seen, None: nobody knows. `stage_on` is when its present
    stage was entered, `stage` of a decided one the stage it was decided in. A row that does not
    tell `stage_on` or `owner` leaves them as they are.
    """

    happened: ClassVar[tuple[str, ...]] = ("on", "discovered_on", "stage_on", "closed_on")

    title: Text
    stage: Stage
    outcome: Literal["won", "lost"] | None = None
    owner: EmployeeStream | None = None
    company: CompanyStream | None = None
    product: ProductStream | None = None
    value: Money | None = None
    currency: Currency | None = None
    discovered_on: Day | None = None
    stage_on: Day | None = None
    closed_on: Day | None = None
    source_ref: str | None = Field(None, max_length=300)

    @field_validator("stage_on", "closed_on")
    @classmethod
    def _not_before_discovery(cls, day: date | None, told: ValidationInfo) -> date | None:
        discovered = told.data.get("discovered_on")
        if day is not None and discovered is not None and day < discovered:
            raise ValueError(f"{day} is before it was discovered, {discovered}")
        return day

    @model_validator(mode="after")
    def _makes_sense(self) -> Mirror:
        if self.outcome == "won" and (self.value is None or self.currency is None):
            raise ValueError("a won opportunity has a value and a currency")
        if self.outcome is None and self.closed_on is not None:
            raise ValueError("an open opportunity has no closing date")
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
            # To advance what is latent makes it real, also within its stage.
            if held_on(opportunity.steps, on).stage == stage and not opportunity.latent:
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
        facts = _first_seen(row)
        # What was recorded of it before anybody discovered it may have decided it.
        return [*facts, *_settle(reduce(evolve, facts, opportunity), row)]
    facts = _correct(opportunity, row)
    facts += _settle(reduce(evolve, facts, opportunity), row)
    # Steps may have got other dates: what the row says of the discovery before them counts then.
    return [*facts, *_correct_discovery(reduce(evolve, facts, opportunity), row)]


def _settle(standing: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    if standing.outcome is None:
        return [*_move(standing, row), *_close(row)]
    if row.outcome == standing.outcome and not _stands_elsewhere(standing, row):
        return [*_correct_stage_date(standing, row), *_correct_outcome(standing, row)]
    # What was decided otherwise, or in another stage, is undone from that stage's day on.
    undone_on = row.stage_on if row.stage_on or row.outcome is None else standing.closed_on
    return [OpportunityReopened(stage=row.stage, on=undone_on, reason=OTHERWISE), *_close(row)]


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
    facts = _correct_discovery(opportunity, row)
    if row.owner is not None and row.owner != opportunity.owner:
        # The first owner whom anybody names had it all along; another one has it from now on.
        on = row.on if opportunity.owner is not None else None
        facts.append(OpportunityReassigned(owner=row.owner, reason="unstated", on=on))
    return facts


def _correct_discovery(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    discovered_on = _discovered_on(opportunity, row)
    held = (opportunity.title, opportunity.company, opportunity.product, opportunity.discovered_on)
    if held == (row.title, row.company, row.product, discovered_on):
        return []
    return [
        OpportunityCorrected(
            title=row.title,
            company=row.company,
            product=row.product,
            on=discovered_on,
            reason=OTHERWISE,
        )
    ]


def _discovered_on(opportunity: Opportunity, row: Mirror) -> date | None:
    """Return when it was discovered, as far as the row tells.

    A source that has one date only gives a new one with each step. Of what had been discovered
    without a date, such a date tells the step, and nothing about the discovery before it.
    """
    if opportunity.discovered_on is not None or row.discovered_on is None:
        return row.discovered_on
    if opportunity.moved:
        step_on = opportunity.steps[1].on
    elif row.stage != opportunity.stage:
        step_on = _stage_on(opportunity, row)
    else:
        return row.discovered_on
    return row.discovered_on if is_later(step_on, row.discovered_on) else None


def _stage_on(opportunity: Opportunity, row: Mirror) -> date | None:
    """Return when its present stage was entered; a row with one date means that one by it."""
    if row.stage_on is None and opportunity.discovered_on is None:
        return row.discovered_on if row.stage != opportunity.stage else None
    return row.stage_on


def _stands_elsewhere(opportunity: Opportunity, row: Mirror) -> bool:
    """Say whether the row needs a step that we never recorded, not only another date of one."""
    if row.stage != opportunity.stage:
        return True
    return not opportunity.moved and row.stage_on not in (None, opportunity.stage_on)


def _move(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    if not _stands_elsewhere(opportunity, row):
        return _correct_stage_date(opportunity, row)
    on = _stage_on(opportunity, row)
    if is_later(opportunity.stage_on, on) and opportunity.moved:
        # It stands there now, and had done so for longer: not a late entry about an earlier stage.
        there = StageAdvanced(stage=row.stage)
        return [there, EngagementCorrected(stage=row.stage, on=on, reason=OTHERWISE)]
    return [StageAdvanced(stage=row.stage, on=on)]


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
