"""What may happen to a working calendar. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from typing import Annotated, Self, assert_never

from pydantic import AfterValidator, Field, model_validator

from services.organization.employees import Name
from shared.command import Command, DatedCommand, Day
from shared.errors import DomainError, NotFoundError
from shared.events.organization import (
    Weekday,
    WorkcalendarEvent,
    WorkcalendarHolidayDeclared,
    WorkcalendarHolidayWithdrawn,
    WorkcalendarHoursSet,
    WorkcalendarOpened,
)
from shared.worktime import WEEKDAYS, Hours, Week, hours_on, with_hours

# One file of holidays has a few dozens a year.
HOLIDAYS_MAX = 2_000


def _local(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("a time of the day where people work, without a zone")
    return at


TimeOfDay = Annotated[time, AfterValidator(_local)]


class WorkcalendarUnknownError(NotFoundError):
    """No working calendar of that id was opened."""


class WorkcalendarAlreadyOpenError(DomainError):
    """A working calendar is opened once."""


@dataclass(frozen=True, slots=True)
class Workcalendar:
    """Only what a rule needs to know."""

    open: bool = False
    week: Week = ()
    holidays: Mapping[date, str] = field(default_factory=dict)


class OpenWorkcalendar(Command):
    name: Name


class SetHours(DatedCommand):
    """The hours of these weekdays; without `starts` and `ends` they are free."""

    weekdays: tuple[Weekday, ...] = Field(min_length=1, max_length=7)
    starts: TimeOfDay | None = None
    ends: TimeOfDay | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.starts is None) != (self.ends is None):
            raise ValueError("`starts` and `ends` together, or neither for a free day")
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            raise ValueError("`ends` is not after `starts`")
        return self


class Holiday(Command):
    """A day on which nobody works, and why."""

    day: Day
    name: Name


class DeclareHolidays(Command):
    holidays: tuple[Holiday, ...] = Field(min_length=1, max_length=HOLIDAYS_MAX)


class WithdrawHoliday(Command):
    day: Day
    reason: str | None = Field(None, max_length=1_000)


Known = SetHours | DeclareHolidays | WithdrawHoliday
WorkcalendarCommand = OpenWorkcalendar | Known


def decide_workcalendar(
    calendar: Workcalendar, command: WorkcalendarCommand
) -> list[WorkcalendarEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    if isinstance(command, OpenWorkcalendar):
        if calendar.open:
            raise WorkcalendarAlreadyOpenError
        return [WorkcalendarOpened(name=command.name)]
    if not calendar.open:
        raise WorkcalendarUnknownError
    match command:
        case SetHours():
            return [*_set(calendar, command)]
        case DeclareHolidays(holidays=holidays):
            named = {holiday.day: holiday.name for holiday in holidays}
            return [
                WorkcalendarHolidayDeclared(day=day, name=name)
                for day, name in sorted(named.items())
                if calendar.holidays.get(day) != name
            ]
        case WithdrawHoliday(day=day, reason=reason):
            declared = day in calendar.holidays
            return [WorkcalendarHolidayWithdrawn(day=day, reason=reason)] if declared else []
        case _:
            assert_never(command)


def _set(calendar: Workcalendar, command: SetHours) -> Iterator[WorkcalendarHoursSet]:
    wanted = Hours(command.starts, command.ends)
    for weekday in sorted(set(command.weekdays), key=WEEKDAYS.index):
        if hours_on(calendar.week, weekday, command.on) != wanted:
            yield WorkcalendarHoursSet(
                weekday=weekday, starts=wanted.starts, ends=wanted.ends, on=command.on
            )


def evolve_workcalendar(calendar: Workcalendar, event: WorkcalendarEvent) -> Workcalendar:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case WorkcalendarOpened():
            return replace(calendar, open=True)
        case WorkcalendarHoursSet():
            return replace(calendar, week=with_hours(calendar.week, event))
        case WorkcalendarHolidayDeclared(day=day, name=name):
            return replace(calendar, holidays={**calendar.holidays, day: name})
        case WorkcalendarHolidayWithdrawn(day=day):
            kept = {known: name for known, name in calendar.holidays.items() if known != day}
            return replace(calendar, holidays=kept)
        case _:
            assert_never(event)
