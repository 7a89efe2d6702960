"""What someone asks for: the shape that all commands share. Pure."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    model_validator,
)

from shared.errors import InvalidError
from shared.events.base import day_in_range, in_range
from shared.exact import day, exact, instant

# What every instant that somebody sends must be: text with a zone, in living memory or plans.
Instant = Annotated[AwareDatetime, AfterValidator(in_range), BeforeValidator(instant)]
# And every business date: a fact of the year 3000 could be written and never be read again.
Day = Annotated[date, AfterValidator(day_in_range), BeforeValidator(day)]


class Command(BaseModel):
    """A request that may be refused. Unknown fields are: a misspelt one must not be lost."""

    # A bound on every text: one without might hold half a surrogate pair, which is no text at all.
    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=1_000_000)
    # Fields with the dates of what has happened already; plans and appointments are not among them.
    happened: ClassVar[tuple[str, ...]] = ()
    # Fields that name another stream than the one that the command is sent to.
    others: ClassVar[tuple[str, ...]] = ()
    # Of a command that was prepared: the one that somebody sent, whose copies it is told by.
    asked_as: ClassVar[str | None] = None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return exact(handler(source))

    def check(self, stream: str, today: date) -> None:
        """Refuse what cannot be, whatever the stream's history: the service asks before `decide`.

        Raises:
            InvalidError: naming the field.

        """
        for name in self.happened:
            day = getattr(self, name)
            if day is not None and day > today:
                raise InvalidError(f"{day} is after today, {today}", field=f"#/{name}")
        for name in self.others:
            if getattr(self, name) == stream:
                raise InvalidError(f"{stream} cannot be its own {name}", field=f"#/{name}")


class DatedCommand(Command):
    """A command about something that happened on a business date: today when not told."""

    on: Day | None = None
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


class HappenedCommand(DatedCommand):
    """A dated command about what has happened: its date is today or earlier."""

    happened: ClassVar[tuple[str, ...]] = ("on",)
