"""What a company may choose about its figures."""

from __future__ import annotations

from pydantic import Field

from services.analytics.workload import LATE_MAX
from shared.hand_offs import HandOffRules
from shared.worktime import UsualWeek


class AnalyticsDefaults(UsualWeek, HandOffRules):
    """The section `analytics` of a deployment's file; its usual week is that of `organization`."""

    grace_minutes: int = Field(
        5,
        ge=0,
        lt=LATE_MAX,
        description="How many minutes late something may start or end and still be on time, as in "
        "`calendar`.",
    )
    seller_functions: tuple[str, ...] = Field(
        ("sales", "key accounts"),
        min_length=1,
        description="By which functions of colleagues it is theirs to enter what happens (N-04).",
    )
    loss_share_most: float = Field(
        10.0,
        ge=0,
        le=100,
        description="How much of a week's work, in percent, something may take before it is a loss "
        "that has to be acted on (N-11).",
    )
    loss_acted_on_days: int = Field(
        30, ge=0, le=366, description="Within how many days of that week somebody is to act on it."
    )
    told_within_days: int = Field(
        7,
        ge=0,
        le=366,
        description="Within how many days it is to be told what became of an entry (N-08).",
    )
    sample_floor: int = Field(
        30,
        ge=1,
        le=100_000,
        description="How many decided opportunities a probability or an accuracy rests on at "
        "least; of fewer nothing is said but that there is not enough history.",
    )
