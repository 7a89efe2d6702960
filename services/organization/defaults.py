"""What a company may choose about its organisation."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import Field, StringConstraints

from services.organization.workcalendars import WEEKDAYS, Hours
from shared.defaults import Section
from shared.events.organization import Weekday

Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class OrganizationDefaults(Section):
    """The section `organization` of a deployment's file."""

    workdays: tuple[Weekday, ...] = Field(
        WEEKDAYS[:5],
        description="The weekdays on which people work where no working calendar says otherwise.",
    )
    work_starts: Clock = Field("09:00", description="When work starts on these weekdays.")
    work_ends: Clock = Field("18:00", description="When work ends on them.")

    first_meeting_days: int = Field(
        14,
        ge=0,
        le=365,
        description="How many days after a colleague has left a customer has met who takes over.",
    )

    def hours(self, weekday: Weekday) -> Hours:
        """Return when people work on a weekday of which no calendar says anything."""
        if weekday not in self.workdays:
            return Hours(None, None)
        return Hours(time.fromisoformat(self.work_starts), time.fromisoformat(self.work_ends))
