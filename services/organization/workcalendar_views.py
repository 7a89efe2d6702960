"""When people of a place work, and when they are off. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from shared.events import Envelope
from shared.events.organization import (
    WorkcalendarHolidayDeclared,
    WorkcalendarHolidayWithdrawn,
    WorkcalendarHoursSet,
    WorkcalendarOpened,
)
from shared.projection import Projection
from shared.worktime import Week, with_hours


@dataclass(frozen=True, slots=True)
class DayOff:
    """A public holiday."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class WorkcalendarCard:
    """Answers: when do people work by this calendar, and which days are off?"""

    calendar: str
    name: str | None = None
    week: Week = ()
    holidays: tuple[DayOff, ...] = ()


workcalendar_card = Projection(
    "workcalendar_card",
    version=1,
    view=WorkcalendarCard,
    indexes=("name",),
    streams=("workcalendar",),
)


@workcalendar_card.on(WorkcalendarOpened)
def workcalendar_opened(
    card: WorkcalendarCard, event: WorkcalendarOpened, at: Envelope
) -> WorkcalendarCard:
    return replace(card, name=event.name)


@workcalendar_card.on(WorkcalendarHoursSet)
def hours_set(
    card: WorkcalendarCard, event: WorkcalendarHoursSet, at: Envelope
) -> WorkcalendarCard:
    return replace(card, week=with_hours(card.week, event))


@workcalendar_card.on(WorkcalendarHolidayDeclared)
def holiday_declared(
    card: WorkcalendarCard, event: WorkcalendarHolidayDeclared, at: Envelope
) -> WorkcalendarCard:
    kept = [one for one in card.holidays if one.day != event.day]
    holidays = sorted([*kept, DayOff(event.day, event.name)], key=lambda one: one.day)
    return replace(card, holidays=tuple(holidays))


@workcalendar_card.on(WorkcalendarHolidayWithdrawn)
def holiday_withdrawn(
    card: WorkcalendarCard, event: WorkcalendarHolidayWithdrawn, at: Envelope
) -> WorkcalendarCard:
    kept = tuple(one for one in card.holidays if one.day != event.day)
    return replace(card, holidays=kept)
