"""What may happen to an employee or a unit. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from shared.command import Command, DatedCommand
from shared.errors import DomainError, NotFoundError
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeEvent,
    EmployeeJoined,
    EmployeeLeft,
    ManagerAppointed,
    UnitEvent,
    UnitFormed,
    UnitKind,
    UnitPlacedUnder,
)

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
UnitStream = Annotated[str, Field(pattern=r"^unit-[^\s@]{1,200}$")]
EmployeeStream = Annotated[str, Field(pattern=r"^employee-[^\s@]{1,200}$")]


class EmployeeUnknownError(NotFoundError):
    """Nobody of that id works here."""


class EmployeeAlreadyJoinedError(DomainError):
    """A colleague joins once."""


class EmployeeGoneError(DomainError):
    """Who left us is assigned nowhere."""


class UnitUnknownError(NotFoundError):
    """No unit of that id was formed."""


class UnitAlreadyFormedError(DomainError):
    """A unit is formed once."""


@dataclass(frozen=True, slots=True)
class Employee:
    """Only what a rule needs to know."""

    name: str | None = None
    unit: str | None = None
    left: bool = False


class Join(DatedCommand):
    name: Name
    email: str | None = Field(None, max_length=320)
    grade: str | None = Field(None, max_length=100)
    function: str | None = Field(None, max_length=100)


class Assign(DatedCommand):
    unit: UnitStream


class Leave(DatedCommand):
    reason: str | None = Field(None, max_length=1_000)


class MirrorEmployee(Command):
    """Another system says: this colleague exists and belongs to this unit."""

    name: Name
    unit: UnitStream | None = None
    function: str | None = Field(None, max_length=100)


EmployeeCommand = Join | Assign | Leave | MirrorEmployee


def decide_employee(employee: Employee, command: EmployeeCommand) -> list[EmployeeEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Join():
            if employee.name is not None:
                raise EmployeeAlreadyJoinedError(f"{employee.name} works here already")
            return [EmployeeJoined(**command.model_dump(exclude={"date_unknown"}))]
        case Assign(unit=unit, on=on):
            if employee.name is None:
                raise EmployeeUnknownError
            if employee.left:
                raise EmployeeGoneError
            return [] if employee.unit == unit else [EmployeeAssigned(unit=unit, on=on)]
        case Leave(reason=reason, on=on):
            if employee.name is None:
                raise EmployeeUnknownError
            return [] if employee.left else [EmployeeLeft(reason=reason, on=on)]
        case MirrorEmployee(name=name, unit=unit, function=function):
            facts: list[EmployeeEvent] = []
            if employee.name is None:
                facts.append(EmployeeJoined(name=name, function=function))
            if unit is not None and unit != employee.unit:
                facts.append(EmployeeAssigned(unit=unit))
            return facts
        case _:
            assert_never(command)


def evolve_employee(employee: Employee, event: EmployeeEvent) -> Employee:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case EmployeeJoined(name=name):
            return replace(employee, name=name, left=False)
        case EmployeeAssigned(unit=unit):
            return replace(employee, unit=unit)
        case EmployeeLeft():
            return replace(employee, left=True)
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class Unit:
    """Only what a rule needs to know."""

    formed: bool = False
    parent: str | None = None
    manager: str | None = None


class FormUnit(DatedCommand):
    name: Name
    kind: UnitKind
    parent: UnitStream | None = None


class PlaceUnitUnder(DatedCommand):
    parent: UnitStream


class AppointManager(DatedCommand):
    employee: EmployeeStream


class MirrorUnit(Command):
    """Another system says: this unit exists, there in the tree, led by this colleague."""

    name: Name
    kind: UnitKind
    parent: UnitStream | None = None
    manager: EmployeeStream | None = None


UnitCommand = FormUnit | PlaceUnitUnder | AppointManager | MirrorUnit


def decide_unit(unit: Unit, command: UnitCommand) -> list[UnitEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case FormUnit(name=name, kind=kind, parent=parent, on=on):
            if unit.formed:
                raise UnitAlreadyFormedError
            return [UnitFormed(name=name, kind=kind, parent=parent, on=on)]
        case PlaceUnitUnder(parent=parent, on=on):
            if not unit.formed:
                raise UnitUnknownError
            return [] if unit.parent == parent else [UnitPlacedUnder(parent=parent, on=on)]
        case AppointManager(employee=employee, on=on):
            if not unit.formed:
                raise UnitUnknownError
            return [] if unit.manager == employee else [ManagerAppointed(employee=employee, on=on)]
        case MirrorUnit(name=name, kind=kind, parent=parent, manager=manager):
            facts: list[UnitEvent] = []
            if not unit.formed:
                facts.append(UnitFormed(name=name, kind=kind, parent=parent))
            elif parent is not None and parent != unit.parent:
                facts.append(UnitPlacedUnder(parent=parent))
            if manager is not None and manager != unit.manager:
                facts.append(ManagerAppointed(employee=manager))
            return facts
        case _:
            assert_never(command)


def evolve_unit(unit: Unit, event: UnitEvent) -> Unit:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case UnitFormed(parent=parent):
            return replace(unit, formed=True, parent=parent)
        case UnitPlacedUnder(parent=parent):
            return replace(unit, parent=parent)
        case ManagerAppointed(employee=employee):
            return replace(unit, manager=employee)
        case _:
            assert_never(event)
