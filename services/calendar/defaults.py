"""What a company may choose about its calendar."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.addresses import Network, network
from shared.worktime import UsualWeek


class CalendarDefaults(UsualWeek):
    """The section `calendar` of a deployment's file; its usual week is that of `organization`."""

    grace_minutes: int = Field(
        5,
        ge=0,
        le=60,
        description="How many minutes late something may start or end and still be on time.",
    )
    customer_share_goal: float = Field(
        0.4, ge=0, le=1, description="Which share of their work sellers want to be with customers."
    )
    on_time_goal: float = Field(
        0.9, ge=0, le=1, description="Which share of starts and ends is wanted to be on time."
    )
    kept_goal: float = Field(
        0.8, ge=0, le=1, description="Which share of what was planned is wanted to take place."
    )
    office_share_most: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Which share of their work sellers want to be at most with meetings of their "
        "own, reports and administration.",
    )
    own_first_days: int = Field(
        7,
        ge=0,
        le=400,
        description="For how many days what there is to improve is told to the seller alone.",
    )
    outside_minutes_week: int = Field(
        300,
        ge=0,
        le=10_080,
        description="From how many minutes of work in evenings, on weekends and holidays of a "
        "week on it is too much.",
    )
    fetch_networks: tuple[Annotated[str, AfterValidator(network)], ...] = Field(
        (),
        description="Networks of our own from which calendars may be fetched, as 10.1.0.0/16.",
    )
    fetch_seconds: int = Field(
        20, ge=1, le=120, description="How long fetching a calendar may take."
    )
    fetch_bytes: int = Field(
        5_000_000,
        ge=1_000,
        le=50_000_000,
        description="How many bytes a calendar that is fetched may have.",
    )

    @property
    def networks(self) -> tuple[Network, ...]:
        return tuple(ip_network(one) for one in self.fetch_networks)
