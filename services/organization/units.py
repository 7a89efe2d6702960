"""What may happen to a unit. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, assert_never

from pydantic import Field

from services.organization.employees import Name
from services.organization.held import Through, also, held_on, since
from shared.command import DatedCommand
from shared.errors import DomainError, NotFoundError
from shared.events.organization import (
    ManagerAppointed,
    UnitCalendarAssigned,
    UnitEvent,
    UnitFormed,
    UnitKind,
    UnitPlacedUnder,
)
from shared.references import ID, EmployeeStream, UnitStream

WorkcalendarStream = Annotated[str, Field(pattern=rf"^workcalendar-{ID}$")]


class UnitUnknownError(NotFoundError):
    """No unit of that id was formed."""


class UnitAlreadyFormedError(DomainError):
    """A unit is formed once."""


class UnitCircleError(DomainError):
    """Nothing stands above itself, on no day."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Only what a rule needs to know."""

    formed: bool = False
    parents: Through = ()
    managers: Through = ()
    calendars: Through = ()


class FormUnit(DatedCommand):
    others: ClassVar[tuple[str, ...]] = ("parent",)

    name: Name
    kind: UnitKind
    parent: UnitStream | None = None


class PlaceUnitUnder(DatedCommand):
    others: ClassVar[tuple[str, ...]] = ("parent",)

    parent: UnitStream


class AppointManager(DatedCommand):
    employee: EmployeeStream


class AssignCalendar(DatedCommand):
    calendar: WorkcalendarStream


class MirrorUnit(DatedCommand):
    """Another system says: this unit exists, there in the tree, led by this colleague.

    `on` counts for what it says otherwise than before, as for an employee.
    """

    others: ClassVar[tuple[str, ...]] = ("parent",)

    name: Name
    kind: UnitKind
    parent: UnitStream | None = None
    manager: EmployeeStream | None = None


UnitCommand = FormUnit | PlaceUnitUnder | AppointManager | AssignCalendar | MirrorUnit


def decide_unit(unit: Unit, command: UnitCommand) -> list[UnitEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case FormUnit(name=name, kind=kind, parent=parent, on=on):
            if unit.formed:
                raise UnitAlreadyFormedError
            return [UnitFormed(name=name, kind=kind, parent=parent, on=on)]
        case MirrorUnit():
            return _mirrored(unit, command)
        case PlaceUnitUnder() | AppointManager() | AssignCalendar():
            if not unit.formed:
                raise UnitUnknownError
            return _told(unit, command)
        case _:
            assert_never(command)


def _told(unit: Unit, command: PlaceUnitUnder | AppointManager | AssignCalendar) -> list[UnitEvent]:
    match command:
        case PlaceUnitUnder(parent=parent, on=on):
            there = held_on(unit.parents, on) == parent
            return [] if there else [UnitPlacedUnder(parent=parent, on=on)]
        case AppointManager(employee=employee, on=on):
            leads = held_on(unit.managers, on) == employee
            return [] if leads else [ManagerAppointed(employee=employee, on=on)]
        case AssignCalendar(calendar=calendar, on=on):
            has = held_on(unit.calendars, on) == calendar
            return [] if has else [UnitCalendarAssigned(calendar=calendar, on=on)]
        case _:
            assert_never(command)


def _mirrored(unit: Unit, row: MirrorUnit) -> list[UnitEvent]:
    facts: list[UnitEvent] = []
    if not unit.formed:
        facts.append(UnitFormed(name=row.name, kind=row.kind, parent=row.parent))
    elif row.parent is not None and row.parent != held_on(unit.parents, row.on):
        facts.append(UnitPlacedUnder(parent=row.parent, on=since(unit.parents, row.on)))
    if row.manager is not None and row.manager != held_on(unit.managers, row.on):
        facts.append(ManagerAppointed(employee=row.manager, on=since(unit.managers, row.on)))
    return facts


def evolve_unit(unit: Unit, event: UnitEvent) -> Unit:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case UnitFormed(parent=parent):
            # Where a unit was formed holds from the beginning, whenever we learn of it.
            parents = unit.parents if parent is None else also(unit.parents, parent, None)
            return replace(unit, formed=True, parents=parents)
        case UnitPlacedUnder(parent=parent, on=on):
            return replace(unit, parents=also(unit.parents, parent, on))
        case ManagerAppointed(employee=employee, on=on):
            return replace(unit, managers=also(unit.managers, employee, on))
        case UnitCalendarAssigned(calendar=calendar, on=on):
            return replace(unit, calendars=also(unit.calendars, calendar, on))
        case _:
            assert_never(event)
