"""When people work on which weekday, as we were told or as is usual. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, NamedTuple, get_args

from pydantic import Field, StringConstraints

from shared.defaults import Section
from shared.events.organization import Weekday, WorkcalendarHoursSet

WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Hours(NamedTuple):
    """When work starts and ends on a weekday; nothing: it is free."""

    starts: time | None
    ends: time | None


@dataclass(frozen=True, slots=True)
class HoursFrom:
    """The hours of a weekday, from a date on; `since` None: for as long as we know."""

    weekday: Weekday
    starts: time | None
    ends: time | None
    since: date | None


Week = tuple[HoursFrom, ...]


def hours_on(week: Week, weekday: Weekday, on: date | None) -> Hours | None:
    """Return what we were told of a weekday as it is on a day; None: nothing."""
    told = [
        one
        for one in week
        if one.weekday == weekday and (one.since or date.min) <= (on or date.min)
    ]
    return Hours(told[-1].starts, told[-1].ends) if told else None


def with_hours(week: Week, told: WorkcalendarHoursSet) -> Week:
    """Add what we were told, in the order in which it held."""
    known = (*week, HoursFrom(told.weekday, told.starts, told.ends, told.on))
    return tuple(sorted(known, key=lambda one: one.since or date.min))


class UsualWeek(Section):
    """When people work where no working calendar says otherwise."""

    workdays: tuple[Weekday, ...] = Field(
        WEEKDAYS[:5],
        description="The weekdays on which people work where no working calendar says otherwise.",
    )
    work_starts: Clock = Field("09:00", description="When work starts on these weekdays.")
    work_ends: Clock = Field("18:00", description="When work ends on them.")

    def hours(self, weekday: Weekday) -> Hours:
        """Return when people work on a weekday of which no calendar says anything."""
        if weekday not in self.workdays:
            return Hours(None, None)
        return Hours(time.fromisoformat(self.work_starts), time.fromisoformat(self.work_ends))
