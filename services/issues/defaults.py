"""What a company may choose about what it promises its customers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.worktime import UsualWeek


class IssuesDefaults(UsualWeek):
    """The section `issues` of a deployment's file; its usual week is that of `organization`."""

    follow_up_hours: int = Field(
        24,
        ge=1,
        le=720,
        description="Within how many hours a customer hears from us how a promise goes.",
    )
    follow_up_clock: Literal["wall", "working"] = Field(
        "wall",
        description='"wall": these hours run day and night; "working": they stand still on the '
        "days off of who keeps the promise, by their working calendar.",
    )
