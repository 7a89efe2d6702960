"""On which days somebody works, and why not on the others. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Literal

from services.organization.defaults import OrganizationDefaults
from services.organization.employee_views import EmployeeCard
from services.organization.workcalendar_views import WorkcalendarCard
from shared.worktime import WEEKDAYS, hours_on

Why = Literal["works", "free", "holiday", "absent", "not with us"]


@dataclass(frozen=True, slots=True)
class Workday:
    """Answers: does somebody work on this day, from when to when, and if not, why?"""

    day: date
    why: Why
    starts: time | None = None
    ends: time | None = None
    holiday: str | None = None
    absence: str | None = None
    substitute: str | None = None


def workday(
    day: date, calendar: WorkcalendarCard | None, defaults: OrganizationDefaults
) -> Workday:
    """Return what a day is where people work by this calendar, or by none."""
    known = calendar or WorkcalendarCard("")
    holiday = next((one for one in known.holidays if one.day == day), None)
    if holiday is not None:
        return Workday(day, "holiday", holiday=holiday.name)
    weekday = WEEKDAYS[day.weekday()]
    hours = hours_on(known.week, weekday, day) or defaults.hours(weekday)
    if hours.starts is None:
        return Workday(day, "free")
    return Workday(day, "works", hours.starts, hours.ends)


def workday_of(
    card: EmployeeCard,
    day: date,
    calendar: WorkcalendarCard | None,
    defaults: OrganizationDefaults,
) -> Workday:
    """Return what a day is for one colleague: a day off stays one while they are away."""
    now = card.on(day)
    if not now.active or (card.joined_on is not None and day < card.joined_on):
        return Workday(day, "not with us")
    usual = workday(day, calendar, defaults)
    if usual.why == "works" and now.away is not None:
        away = now.away
        return Workday(day, "absent", absence=away.absence, substitute=away.substitute)
    return usual


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
