"""What may happen to a campaign. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, Self, assert_never

from pydantic import Field, StringConstraints, model_validator

from shared.command import DatedCommand, Day, HappenedCommand
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.campaigns import (
    CampaignEnded,
    CampaignFeedbackGiven,
    CampaignPlanned,
    CampaignsEvent,
    CampaignStarted,
    Useful,
)
from shared.references import EmployeeStream, OpportunityStream

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Sentences = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Money = Annotated[Decimal, Field(ge=0, max_digits=16, decimal_places=4)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
SELLERS_MAX = 500


class CampaignUnknownError(NotFoundError):
    """Nobody planned a campaign of that id."""


class CampaignOverError(DomainError):
    """It has ended: what was planned stays as it was."""


class CampaignNotStartedError(DomainError):
    """It has not gone out yet: there is nothing to judge."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Only what a rule needs to know. What a screen needs lives in projections.py."""

    planned: CampaignPlanned | None = None
    started: bool = False
    ended: CampaignEnded | None = None
    # What each seller said last, of each opportunity or (None) altogether.
    feedback: Mapping[tuple[str, str | None], CampaignFeedbackGiven] = field(default_factory=dict)


class Plan(DatedCommand):
    """What for, whom to reach, when, with how much, and which sellers share it."""

    name: Text
    goal: Sentences
    audience: Sentences
    from_on: Day
    until_on: Day
    budget: Money | None = None
    currency: Currency | None = None
    planned_by: EmployeeStream | None = None
    sellers: tuple[EmployeeStream, ...] = Field((), max_length=SELLERS_MAX)
    known_as: Text | None = None

    @model_validator(mode="after")
    def _that_can_be(self) -> Self:
        if self.until_on < self.from_on:
            raise ValueError("`until_on` is before `from_on`")
        if (self.budget is None) != (self.currency is None):
            raise ValueError("budget and currency come together")
        return self


class Start(HappenedCommand):
    """It goes out."""


class End(HappenedCommand):
    result: Sentences
    spent: Money | None = None
    currency: Currency | None = None

    @model_validator(mode="after")
    def _with_currency(self) -> Self:
        if (self.spent is None) != (self.currency is None):
            raise ValueError("spent and currency come together")
        return self


class GiveFeedback(HappenedCommand):
    seller: EmployeeStream
    useful: Useful
    words: Sentences | None = None
    opportunity: OpportunityStream | None = None


CampaignCommand = Plan | Start | End | GiveFeedback


def decide(campaign: Campaign, command: CampaignCommand) -> list[CampaignsEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    if isinstance(command, Plan):
        return _plan(campaign, command)
    if campaign.planned is None:
        raise CampaignUnknownError
    match command:
        case Start(on=on):
            if campaign.started:
                return []
            return [CampaignStarted(on=on)]
        case _ if not campaign.started:
            raise CampaignNotStartedError
        case End():
            ended = CampaignEnded(**command.model_dump(exclude={"date_unknown"}))
            return [] if ended == campaign.ended else [ended]
        case GiveFeedback():
            told = CampaignFeedbackGiven(**command.model_dump(exclude={"date_unknown"}))
            return [] if campaign.feedback.get(_about(told)) == told else [told]
        case _:
            assert_never(command)


def _plan(campaign: Campaign, command: Plan) -> list[CampaignsEvent]:
    if campaign.ended is not None:
        raise CampaignOverError
    if len(set(command.sellers)) < len(command.sellers):
        raise InvalidError("each seller once", field="#/sellers")
    planned = CampaignPlanned(**command.model_dump(exclude={"date_unknown"}))
    return [] if planned == campaign.planned else [planned]


def _about(feedback: CampaignFeedbackGiven) -> tuple[str, str | None]:
    return feedback.seller, feedback.opportunity


def evolve(campaign: Campaign, event: CampaignsEvent) -> Campaign:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case CampaignPlanned():
            return replace(campaign, planned=event)
        case CampaignStarted():
            return replace(campaign, started=True)
        case CampaignEnded():
            return replace(campaign, ended=event)
        case CampaignFeedbackGiven():
            return replace(campaign, feedback={**campaign.feedback, _about(event): event})
        case _:
            assert_never(event)
