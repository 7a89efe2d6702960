"""What a company may choose about its opportunities."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shared.defaults import Section
from shared.events.opportunities import FIRST_STAGE, LOST, WON


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


class OpportunitiesDefaults(Section):
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

    @field_validator("stages")
    @classmethod
    def _stages_make_sense(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(stages)) < len(stages):
            raise ValueError("a stage is named twice")
        for stage in stages:
            if stage in {WON, LOST} or not stage.strip() or len(stage) > 40:  # noqa: PLR2004
                raise ValueError(f"{stage!r} is no stage: won and lost are outcomes, not stages")
        return stages
