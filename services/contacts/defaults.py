"""What a company may choose about its contacts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.defaults import Section


class ContactsDefaults(Section):
    """The section `contacts` of a deployment's file."""

    duplicate_score: float = Field(
        0.5, ge=0, le=1, description="From which score two people are shown as one, perhaps."
    )
    untouched_days: int = Field(
        90,
        ge=1,
        le=3_650,
        description="After how many days without a touch a buyer counts as left alone.",
    )
    attention_window_days: int = Field(
        90,
        ge=7,
        le=730,
        description="How many days before and after a win or a change of owner are compared.",
    )
    attention_drop: float = Field(
        0.5, gt=0, le=1, description="Below which part of the touch rate before it has dropped."
    )
    question_window_days: int = Field(
        180,
        ge=0,
        le=3_650,
        description="Inside how many days a question is the same one, repeated.",
    )
    question_repeated: Literal["warn", "refuse"] = Field(
        "warn", description='What happens to a repeated question: "warn" or "refuse".'
    )
    promotion_window_days: int = Field(
        30,
        ge=0,
        le=3_650,
        description="Inside how many days a promotion is the same one, repeated.",
    )
    promotion_repeated: Literal["warn", "refuse"] = Field(
        "warn", description='What happens to a repeated promotion: "warn" or "refuse".'
    )
    promotion_purpose: str = Field(
        "marketing",
        pattern=r"^[a-z][a-z0-9_-]{0,29}$",
        description="The purpose for which consent to promotions is given; with the channel behind "
        "it (marketing-email) for that channel alone.",
    )
    promotion_takes: Literal["no_withdrawal", "consent"] = Field(
        "no_withdrawal",
        description='What a promotion takes: that consent was given ("consent"), or that it was '
        'not withdrawn ("no_withdrawal").',
    )
    touch_ahead_hours: int = Field(
        24,
        ge=0,
        le=8_760,
        description="How many hours ahead of our clock a touch may say that it happened: as far as "
        "the clocks of those who publish touches may be wrong. One further ahead is refused.",
    )
    move_days: int = Field(
        90, ge=1, le=730, description="For how many days owners are shown who came and who went."
    )
    seldom_filled: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Below which share of facts a field counts as never filled in.",
    )
    unread_days: int = Field(
        90,
        ge=1,
        le=3_650,
        description="After how many days that nobody asked for a field it counts as unread.",
    )
