"""What a company may choose about its organisation."""

from __future__ import annotations

from pydantic import Field

from shared.worktime import UsualWeek


class OrganizationDefaults(UsualWeek):
    """The section `organization` of a deployment's file."""

    first_meeting_days: int = Field(
        14,
        ge=0,
        le=365,
        description="How many days after a colleague has left a customer has met who takes over.",
    )
