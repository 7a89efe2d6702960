"""Where colleagues work and when people work there (K-07, K-10, I-08). Pure folds, never refuse.

Each domain that asks keeps views of its own: `places` makes their projections.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from shared.events import Envelope
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeJoined,
    EmployeeLeft,
    UnitCalendarAssigned,
    UnitFormed,
    UnitPlacedUnder,
    WorkcalendarHolidayDeclared,
    WorkcalendarHolidayWithdrawn,
    WorkcalendarHoursSet,
)
from shared.projection import Projection
from shared.through import Through, also, held_on
from shared.worktime import WEEKDAYS, Hours, UsualWeek, Week, hours_on, with_hours

# As long as a clock of a promise can stand still; nobody has longer holidays.
DAYS_MAX = 400


@dataclass(frozen=True, slots=True)
class SellerPlace:
    """Answers: to which unit does this colleague belong, from when on?"""

    seller: str
    name: str | None = None
    units: Through = ()
    left_on: date | None = None


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """Answers: under which unit is this one, and by which calendar does it work?"""

    unit: str
    name: str | None = None
    parents: Through = ()
    calendars: Through = ()


@dataclass(frozen=True, slots=True)
class WorkHours:
    """Answers: when do people work by this calendar, and which days are off?"""

    calendar: str
    week: Week = ()
    holidays: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """A domain's own views of where colleagues work."""

    sellers: Projection[SellerPlace]
    units: Projection[UnitPlace]
    hours: Projection[WorkHours]

    def __iter__(self) -> Iterator[Projection[Any]]:
        return iter((self.sellers, self.units, self.hours))


def places(prefix: str = "") -> Places:
    """Return new projections for one domain; `prefix` keeps their names apart from others'."""
    return Places(_sellers(prefix), _units(prefix), _hours(prefix))


def _sellers(prefix: str) -> Projection[SellerPlace]:
    found = Projection(
        f"{prefix}seller_place",
        version=1,
        view=SellerPlace,
        indexes=("units.what",),
        streams=("employee",),
    )

    @found.on(EmployeeJoined)
    def joined(view: SellerPlace, event: EmployeeJoined, at: Envelope) -> SellerPlace:
        return replace(view, name=event.name, left_on=None)

    @found.on(EmployeeAssigned)
    def assigned(view: SellerPlace, event: EmployeeAssigned, at: Envelope) -> SellerPlace:
        return replace(view, units=also(view.units, event.unit, event.on))

    @found.on(EmployeeLeft)
    def left(view: SellerPlace, event: EmployeeLeft, at: Envelope) -> SellerPlace:
        return replace(view, left_on=event.on or at.recorded_at.date())

    return found


def _units(prefix: str) -> Projection[UnitPlace]:
    found = Projection(
        f"{prefix}unit_place",
        version=1,
        view=UnitPlace,
        indexes=("parents.what",),
        streams=("unit",),
    )

    @found.on(UnitFormed)
    def formed(view: UnitPlace, event: UnitFormed, at: Envelope) -> UnitPlace:
        named = replace(view, name=event.name)
        if event.parent is None:
            return named
        return replace(named, parents=also(view.parents, event.parent, None))

    @found.on(UnitPlacedUnder)
    def placed(view: UnitPlace, event: UnitPlacedUnder, at: Envelope) -> UnitPlace:
        return replace(view, parents=also(view.parents, event.parent, event.on))

    @found.on(UnitCalendarAssigned)
    def works_by(view: UnitPlace, event: UnitCalendarAssigned, at: Envelope) -> UnitPlace:
        return replace(view, calendars=also(view.calendars, event.calendar, event.on))

    return found


def _hours(prefix: str) -> Projection[WorkHours]:
    found = Projection(f"{prefix}work_hours", version=1, view=WorkHours, streams=("workcalendar",))

    @found.on(WorkcalendarHoursSet)
    def hours_set(view: WorkHours, event: WorkcalendarHoursSet, at: Envelope) -> WorkHours:
        return replace(view, week=with_hours(view.week, event))

    @found.on(WorkcalendarHolidayDeclared)
    def declared(view: WorkHours, event: WorkcalendarHolidayDeclared, at: Envelope) -> WorkHours:
        return replace(view, holidays=tuple(sorted({*view.holidays, event.day})))

    @found.on(WorkcalendarHolidayWithdrawn)
    def withdrawn(view: WorkHours, event: WorkcalendarHolidayWithdrawn, at: Envelope) -> WorkHours:
        return replace(view, holidays=tuple(day for day in view.holidays if day != event.day))

    return found


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a seller works, as far as was read: their unit and those above, by which calendars."""

    zone: ZoneInfo
    usual: UsualWeek
    seller: SellerPlace | None = None
    units: Mapping[str, UnitPlace] = field(default_factory=dict)
    calendars: Mapping[str, WorkHours] = field(default_factory=dict)

    def calendar_on(self, day: date) -> WorkHours | None:
        """Return the calendar of the nearest unit that has one; a circle of units has none."""
        unit = held_on(self.seller.units, day) if self.seller is not None else None
        seen: set[str] = set()
        while unit is not None and unit not in seen:
            seen.add(unit)
            known = self.units.get(unit)
            if known is None:
                return None
            calendar = held_on(known.calendars, day)
            if calendar is not None:
                return self.calendars.get(calendar)
            unit = held_on(known.parents, day)
        return None

    def is_holiday(self, day: date) -> bool:
        calendar = self.calendar_on(day)
        return calendar is not None and day in calendar.holidays

    def hours(self, day: date) -> Hours:
        """Return when they work on that weekday, a holiday or not."""
        calendar, weekday = self.calendar_on(day), WEEKDAYS[day.weekday()]
        told = hours_on(calendar.week, weekday, day) if calendar is not None else None
        return told or self.usual.hours(weekday)

    def is_off(self, day: date) -> bool:
        return self.is_holiday(day) or self.hours(day).starts is None

    def clock(self, begin: datetime, span: timedelta) -> datetime:
        """Return when a clock that begins then has run for so long: on days off it stands still.

        A day is one of the seller's zone; what begins on a day off begins with the next workday.
        """
        at = begin.astimezone(self.zone)
        for _ in range(DAYS_MAX):
            night = midnight(at.date() + timedelta(days=1), self.zone)
            if not self.is_off(at.date()):
                left = timedelta(seconds=night.timestamp() - at.timestamp())
                if span <= left:
                    return (at.astimezone(UTC) + span).astimezone(UTC)
                span -= left
            at = night
        return at.astimezone(UTC)  # Nobody ever works there: the promise is due, however late.


def midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone)
