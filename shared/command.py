"""What someone asks for: the shape that all commands share. Pure."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, model_validator

from shared.events.base import in_range

# What every instant that somebody sends must be: with a zone, and in living memory or plans.
Instant = Annotated[AwareDatetime, AfterValidator(in_range)]


class Command(BaseModel):
    """A request that may be refused. Unknown fields are: a misspelt one must not be lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatedCommand(Command):
    """A command about something that happened on a business date: today when not told."""

    on: date | None = None
    date_unknown: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Any:
        if self.on is not None and self.date_unknown:
            raise ValueError("either `on` or `date_unknown`, not both")
        return self

    def dated(self, today: date) -> Self:
        """Return the command with its date; one that says the date is unknown stays undated."""
        if self.on is not None or self.date_unknown:
            return self
        return self.model_copy(update={"on": today})
