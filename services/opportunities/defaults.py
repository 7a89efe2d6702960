"""What a company may choose about its opportunities."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from shared.defaults import Section
from shared.events.opportunities import FIRST_STAGE, LOST, WON


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

    @field_validator("stages")
    @classmethod
    def _stages_make_sense(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(stages)) < len(stages):
            raise ValueError("a stage is named twice")
        for stage in stages:
            if stage in {WON, LOST} or not stage.strip() or len(stage) > 40:  # noqa: PLR2004
                raise ValueError(f"{stage!r} is no stage: won and lost are outcomes, not stages")
        return stages
