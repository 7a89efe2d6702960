"""Where sellers work and when people work there (K-07, K-10). Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

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
from shared.through import Through, also
from shared.worktime import Week, with_hours


@dataclass(frozen=True, slots=True)
class SellerPlace:
    """Answers: to which unit does this colleague belong, from when on?"""

    seller: str
    name: str | None = None
    units: Through = ()
    left_on: date | None = None


seller_place = Projection(
    "seller_place",
    version=1,
    view=SellerPlace,
    indexes=("units.what",),
    streams=("employee",),
)


@seller_place.on(EmployeeJoined)
def joined(view: SellerPlace, event: EmployeeJoined, at: Envelope) -> SellerPlace:
    return replace(view, name=event.name, left_on=None)


@seller_place.on(EmployeeAssigned)
def assigned(view: SellerPlace, event: EmployeeAssigned, at: Envelope) -> SellerPlace:
    return replace(view, units=also(view.units, event.unit, event.on))


@seller_place.on(EmployeeLeft)
def left(view: SellerPlace, event: EmployeeLeft, at: Envelope) -> SellerPlace:
    return replace(view, left_on=event.on or at.recorded_at.date())


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """Answers: under which unit is this one, and by which calendar does it work?"""

    unit: str
    name: str | None = None
    parents: Through = ()
    calendars: Through = ()


unit_place = Projection(
    "unit_place", version=1, view=UnitPlace, indexes=("parents.what",), streams=("unit",)
)


@unit_place.on(UnitFormed)
def formed(view: UnitPlace, event: UnitFormed, at: Envelope) -> UnitPlace:
    named = replace(view, name=event.name)
    if event.parent is None:
        return named
    return replace(named, parents=also(view.parents, event.parent, None))


@unit_place.on(UnitPlacedUnder)
def placed(view: UnitPlace, event: UnitPlacedUnder, at: Envelope) -> UnitPlace:
    return replace(view, parents=also(view.parents, event.parent, event.on))


@unit_place.on(UnitCalendarAssigned)
def works_by(view: UnitPlace, event: UnitCalendarAssigned, at: Envelope) -> UnitPlace:
    return replace(view, calendars=also(view.calendars, event.calendar, event.on))


@dataclass(frozen=True, slots=True)
class WorkHours:
    """Answers: when do people work by this calendar, and which days are off?"""

    calendar: str
    week: Week = ()
    holidays: tuple[date, ...] = ()


work_hours = Projection("work_hours", version=1, view=WorkHours, streams=("workcalendar",))


@work_hours.on(WorkcalendarHoursSet)
def hours_set(view: WorkHours, event: WorkcalendarHoursSet, at: Envelope) -> WorkHours:
    return replace(view, week=with_hours(view.week, event))


@work_hours.on(WorkcalendarHolidayDeclared)
def declared(view: WorkHours, event: WorkcalendarHolidayDeclared, at: Envelope) -> WorkHours:
    return replace(view, holidays=tuple(sorted({*view.holidays, event.day})))


@work_hours.on(WorkcalendarHolidayWithdrawn)
def withdrawn(view: WorkHours, event: WorkcalendarHolidayWithdrawn, at: Envelope) -> WorkHours:
    return replace(view, holidays=tuple(day for day in view.holidays if day != event.day))
