"""Facts about ourselves: who works here, in which unit, under whom.

Streams: `employee-<id>`, `unit-<id>`, `workcalendar-<id>` and `handover-<id of the employee>`.
"""

from __future__ import annotations

from datetime import date, time
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.events.base import Dated, Event

UnitKind = Literal["team", "division", "company"]
Role = Literal["seller", "leader", "executive", "marketing", "support", "dealer", "operations"]
AbsenceKind = Literal["vacation", "sick", "parental", "training", "other"]
HandoverCause = Literal["leaves", "moves"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class EmployeeJoined(Dated, wire="organization.employee_joined.v1"):
    """A colleague joined us (C-04: any grade, any function)."""

    name: str
    email: str | None = None
    grade: str | None = None
    function: str | None = None


class EmployeeAssigned(Dated, wire="organization.employee_assigned.v1"):
    """From this date the colleague belongs to this unit; `on` None: for as long as we know."""

    unit: str


class EmployeeLeft(Dated, wire="organization.employee_left.v1"):
    """The colleague left us."""

    reason: str | None = None


class EmployeeGraded(Dated, wire="organization.employee_graded.v1"):
    """From this date on the colleague has this grade, from staff to chief executive (C-04)."""

    grade: str


class EmployeeFunctionTaken(Dated, wire="organization.employee_function_taken.v1"):
    """From this date on the colleague has this function, such as sales or support (C-04)."""

    function: str


class EmployeeRoleTaken(Dated, wire="organization.employee_role_taken.v1"):
    """From this date on the colleague acts in this role, beside those they have."""

    role: Role


class EmployeeRoleLaidDown(Dated, wire="organization.employee_role_laid_down.v1"):
    """From this date on the colleague acts in this role no more."""

    role: Role


class EmployeeAbsencePlanned(Event, wire="organization.employee_absence_planned.v1"):
    """The colleague is away on these days, and somebody else may stand in; told again: moved."""

    absence: str
    kind: AbsenceKind
    first_day: date
    last_day: date
    substitute: str | None = None


class EmployeeAbsenceCancelled(Event, wire="organization.employee_absence_cancelled.v1"):
    """The colleague is not away on those days after all."""

    absence: str
    reason: str | None = None


class UnitFormed(Dated, wire="organization.unit_formed.v1"):
    """A team, a division or the company itself came into being, under its parent."""

    name: str
    kind: UnitKind
    parent: str | None = None


class UnitPlacedUnder(Dated, wire="organization.unit_placed_under.v1"):
    """A reorganisation put this unit under another parent."""

    parent: str


class ManagerAppointed(Dated, wire="organization.manager_appointed.v1"):
    """A colleague leads the unit from this date on."""

    employee: str


class UnitCalendarAssigned(Dated, wire="organization.unit_calendar_assigned.v1"):
    """From this date on the unit, and those under it without one of their own, work by it."""

    calendar: str


class WorkcalendarOpened(Event, wire="organization.workcalendar_opened.v1"):
    """A working calendar came into being: when people of a place work, and when they are off."""

    name: str


class WorkcalendarHoursSet(Dated, wire="organization.workcalendar_hours_set.v1"):
    """From this date on work goes from then to then on this weekday; both missing: not at all."""

    weekday: Weekday
    starts: time | None = None
    ends: time | None = None


class WorkcalendarHolidayDeclared(Event, wire="organization.workcalendar_holiday_declared.v1"):
    """Nobody works on this day, whatever the weekday."""

    day: date
    name: str


class WorkcalendarHolidayWithdrawn(Event, wire="organization.workcalendar_holiday_withdrawn.v1"):
    """The day is no holiday after all."""

    day: date
    reason: str | None = None


class HandoverStarted(Event, wire="organization.handover_started.v1"):
    """All that a colleague looks after needs another owner by a day (C-09)."""

    employee: str
    cause: HandoverCause
    leaves_on: date | None = None


class HandoverRescheduled(Event, wire="organization.handover_rescheduled.v1"):
    """The colleague leaves on another day than we knew."""

    leaves_on: date | None = None


class HandoverReceiverNamed(Dated, wire="organization.handover_receiver_named.v1"):
    """A colleague takes over, and is to have met the first customer by a day."""

    receiver: str
    meet_by: date | None = None


class HandedItem(BaseModel):
    """A stream that was the leaver's, and the version of the fact that had made it theirs."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    item: str
    held_from: int


class HandoverItemsMoved(Dated, wire="organization.handover_items_moved.v1"):
    """What a colleague looked after is the receiver's from this day on; each domain follows."""

    employee: str
    receiver: str
    items: tuple[HandedItem, ...]


class HandoverAcknowledged(Dated, wire="organization.handover_acknowledged.v1"):
    """The receiver has said: it is mine now."""

    receiver: str


class HandoverCustomerMet(Dated, wire="organization.handover_customer_met.v1"):
    """A customer met the receiver for the first time."""

    receiver: str
    person: str


class HandoverCalledOff(Dated, wire="organization.handover_called_off.v1"):
    """Nothing is handed over after all."""

    reason: str | None = None


class KeyIssued(Event, wire="organization.key_issued.v1"):
    """A system may do what these roles may, for as long as it has the secret."""

    name: str
    roles: tuple[str, ...]
    only: tuple[str, ...] | None = None
    requests_max: int | None = None
    expires_on: date | None = None
    digest: str


class KeyRevoked(Event, wire="organization.key_revoked.v1"):
    """The key of a system counts no more."""

    reason: str | None = None


EmployeeEvent = (
    EmployeeJoined
    | EmployeeAssigned
    | EmployeeLeft
    | EmployeeGraded
    | EmployeeFunctionTaken
    | EmployeeRoleTaken
    | EmployeeRoleLaidDown
    | EmployeeAbsencePlanned
    | EmployeeAbsenceCancelled
)
UnitEvent = UnitFormed | UnitPlacedUnder | ManagerAppointed | UnitCalendarAssigned
WorkcalendarEvent = (
    WorkcalendarOpened
    | WorkcalendarHoursSet
    | WorkcalendarHolidayDeclared
    | WorkcalendarHolidayWithdrawn
)
HandoverEvent = (
    HandoverStarted
    | HandoverRescheduled
    | HandoverReceiverNamed
    | HandoverItemsMoved
    | HandoverAcknowledged
    | HandoverCustomerMet
    | HandoverCalledOff
)
KeyEvent = KeyIssued | KeyRevoked
OrganizationEvent = EmployeeEvent | UnitEvent | WorkcalendarEvent | HandoverEvent | KeyEvent

__all__ = [
    "AbsenceKind",
    "EmployeeAbsenceCancelled",
    "EmployeeAbsencePlanned",
    "EmployeeAssigned",
    "EmployeeEvent",
    "EmployeeFunctionTaken",
    "EmployeeGraded",
    "EmployeeJoined",
    "EmployeeLeft",
    "EmployeeRoleLaidDown",
    "EmployeeRoleTaken",
    "HandedItem",
    "HandoverAcknowledged",
    "HandoverCalledOff",
    "HandoverCause",
    "HandoverCustomerMet",
    "HandoverEvent",
    "HandoverItemsMoved",
    "HandoverReceiverNamed",
    "HandoverRescheduled",
    "HandoverStarted",
    "KeyEvent",
    "KeyIssued",
    "KeyRevoked",
    "ManagerAppointed",
    "OrganizationEvent",
    "Role",
    "UnitCalendarAssigned",
    "UnitEvent",
    "UnitFormed",
    "UnitKind",
    "UnitPlacedUnder",
    "Weekday",
    "WorkcalendarEvent",
    "WorkcalendarHolidayDeclared",
    "WorkcalendarHolidayWithdrawn",
    "WorkcalendarHoursSet",
    "WorkcalendarOpened",
]
