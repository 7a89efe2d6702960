"""Rows of another system: what must have happened for us to stand where the row stands. Pure."""

from __future__ import annotations

from datetime import date
from functools import reduce
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from services.opportunities.fields import (
    Currency,
    Money,
    Stage,
    Text,
    real_stage,
)
from services.opportunities.state import Opportunity, evolve, is_later
from shared.command import Day, HappenedCommand
from shared.events.opportunities import (
    FIRST_STAGE,
    EngagementCorrected,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityWon,
    OutcomeCorrected,
    StageAdvanced,
)
from shared.references import CompanyStream, EmployeeStream, ProductStream

OTHERWISE = "the source says otherwise now"


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


def mirror(opportunity: Opportunity, row: Mirror) -> list[OpportunityEvent]:
    """Return what must have happened, or was mistaken, for us to stand where the row stands."""
    real_stage(row.stage)
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
