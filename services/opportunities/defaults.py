"""What a company may choose about its opportunities."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from services.opportunities.hand_off_mapping import DEFAULT, EventMapping
from services.opportunities.record.hand_offs import Terms
from shared.events.opportunities import FIRST_STAGE, LOST, WON
from shared.hand_offs import STEPS, HandOffRules, HandOffStep


class QualityWeights(BaseModel):
    """How much each part of an opportunity's quality weighs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    evidence: int = Field(30, ge=0, le=1_000)
    next_step: int = Field(30, ge=0, le=1_000)
    age: int = Field(15, ge=0, le=1_000)
    coverage: int = Field(25, ge=0, le=1_000)

    @model_validator(mode="after")
    def _weigh_something(self) -> QualityWeights:
        if not any((self.evidence, self.next_step, self.age, self.coverage)):
            raise ValueError("one part at least has to weigh something")
        return self


class HandOffDays(BaseModel):
    """After how many days from a win each step is missed; 0: it is not waited for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: int = Field(7, ge=0, le=3_650)
    contract: int = Field(0, ge=0, le=3_650)
    fulfilment: int = Field(0, ge=0, le=3_650)
    finance: int = Field(0, ge=0, le=3_650)


class OpportunitiesDefaults(HandOffRules):
    """The section `opportunities` of a deployment's file."""

    stages: tuple[str, ...] = Field(
        (FIRST_STAGE, "Evaluated", "Team formed", "In work"),
        min_length=1,
        max_length=30,
        description="The stages in their order, up to won or lost; the first is the discovery's.",
    )
    stages_order: Literal["free", "enforced"] = Field(
        "free",
        description='"enforced": people enter no other stage, and leave none out; "free": any. '
        "Rows of other systems stay as they are.",
    )
    stage_evidence: Literal["optional", "needed"] = Field(
        "optional", description='"needed": nothing advances without evidence for its new stage.'
    )
    stage_next_step: Literal["optional", "needed"] = Field(
        "optional", description='"needed": nothing advances while nobody knows what happens next.'
    )
    quality_weights: QualityWeights = Field(
        QualityWeights(),
        description="How much each part weighs in an opportunity's quality, of their sum.",
    )
    evidence_days: int = Field(
        90,
        ge=1,
        le=3_650,
        description="After how many days evidence for the present stage counts half.",
    )
    stage_days: int = Field(
        45,
        ge=1,
        le=3_650,
        description="From how many days in one stage an opportunity is stale; at thrice that its "
        "age counts nothing.",
    )
    coverage_people: int = Field(
        3, ge=1, le=50, description="How many people with a say are enough to cover a decision."
    )

    hand_off_events: tuple[EventMapping, ...] = Field(
        tuple(DEFAULT),
        min_length=1,
        max_length=100,
        description="Which types of CloudEvents of an ERP tell of which step (order, contract, "
        "fulfilment, finance), and where in their data is what; dots go deeper.",
    )
    hand_off_days: HandOffDays = Field(
        HandOffDays(),
        description="After how many days from a win its order, contract, fulfilment and finance "
        "are missed in the reconciliation; 0: not waited for.",
    )

    @property
    def hand_off_terms(self) -> Terms:
        days = self.hand_off_days
        waits: dict[HandOffStep, int] = {step: getattr(days, step) for step in STEPS}
        return Terms(waits, self.called_off)

    @field_validator("hand_off_events")
    @classmethod
    def _types_once(cls, mappings: tuple[EventMapping, ...]) -> tuple[EventMapping, ...]:
        if len({one.type for one in mappings}) < len(mappings):
            raise ValueError("a type of event is named twice")
        return mappings

    @field_validator("stages")
    @classmethod
    def _stages_make_sense(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(stages)) < len(stages):
            raise ValueError("a stage is named twice")
        for stage in stages:
            if stage in {WON, LOST} or not stage.strip() or len(stage) > 40:  # noqa: PLR2004
                raise ValueError(f"{stage!r} is no stage: won and lost are outcomes, not stages")
        return stages
