"""What may happen to an employee or a unit. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from shared.command import DatedCommand
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
class Held:
    """What held from a date on; `since` None: for as long as we know."""

    what: str
    since: date | None


Through = tuple[Held, ...]


def held_on(told: Through, on: date | None) -> str | None:
    """Say what held on a day, as far as we were told; `on` None: before all that is dated."""
    known = [held for held in told if (held.since or date.min) <= (on or date.min)]
    return known[-1].what if known else None


def also(told: Through, what: str, since: date | None) -> Through:
    """Add what we were told. Learnt late is normal: kept in the order in which it held."""
    known = (*told, Held(what, since))
    return tuple(sorted(known, key=lambda held: held.since or date.min))


@dataclass(frozen=True, slots=True)
class Employee:
    """Only what a rule needs to know."""

    name: str | None = None
    units: Through = ()
    left: bool = False

    @property
    def unit(self) -> str | None:
        return held_on(self.units, date.max)


class Join(DatedCommand):
    name: Name
    email: str | None = Field(None, max_length=320)
    grade: str | None = Field(None, max_length=100)
    function: str | None = Field(None, max_length=100)


class Assign(DatedCommand):
    unit: UnitStream


class Leave(DatedCommand):
    reason: str | None = Field(None, max_length=1_000)


class MirrorEmployee(DatedCommand):
    """Another system says: this colleague works here and belongs to this unit.

    Such a row has no date, and what it says held for as long as we know; only where we know of
    dated assignments it holds from `on`.
    """

    name: Name
    unit: UnitStream | None = None
    function: str | None = Field(None, max_length=100)


EmployeeCommand = Join | Assign | Leave | MirrorEmployee


def decide_employee(employee: Employee, command: EmployeeCommand) -> list[EmployeeEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Join():
            if employee.name is not None and not employee.left:
                raise EmployeeAlreadyJoinedError(f"{employee.name} works here already")
            return [EmployeeJoined(**command.model_dump(exclude={"date_unknown"}))]
        case Assign(unit=unit, on=on):
            if employee.name is None:
                raise EmployeeUnknownError
            if employee.left:
                raise EmployeeGoneError
            there = held_on(employee.units, on) == unit
            return [] if there else [EmployeeAssigned(unit=unit, on=on)]
        case Leave(reason=reason, on=on):
            if employee.name is None:
                raise EmployeeUnknownError
            return [] if employee.left else [EmployeeLeft(reason=reason, on=on)]
        case MirrorEmployee(name=name, unit=unit, function=function):
            facts: list[EmployeeEvent] = []
            if employee.name is None or employee.left:
                facts.append(EmployeeJoined(name=name, function=function))
            if unit is not None and unit != employee.unit:
                since = _since(employee.units, command.on)
                facts.append(EmployeeAssigned(unit=unit, on=since))
            return facts
        case _:
            assert_never(command)


def _since(told: Through, on: date | None) -> date | None:
    """Return since when an undated row holds: None, unless what is dated would outlast it."""
    dates = [held.since for held in told if held.since is not None]
    return None if not dates else max(on or date.min, *dates)


def evolve_employee(employee: Employee, event: EmployeeEvent) -> Employee:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case EmployeeJoined(name=name):
            return replace(employee, name=name, left=False)
        case EmployeeAssigned(unit=unit, on=on):
            return replace(employee, units=also(employee.units, unit, on))
        case EmployeeLeft():
            return replace(employee, left=True)
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class Unit:
    """Only what a rule needs to know."""

    formed: bool = False
    parents: Through = ()
    managers: Through = ()

    @property
    def parent(self) -> str | None:
        return held_on(self.parents, date.max)

    @property
    def manager(self) -> str | None:
        return held_on(self.managers, date.max)


class FormUnit(DatedCommand):
    name: Name
    kind: UnitKind
    parent: UnitStream | None = None


class PlaceUnitUnder(DatedCommand):
    parent: UnitStream


class AppointManager(DatedCommand):
    employee: EmployeeStream


class MirrorUnit(DatedCommand):
    """Another system says: this unit exists, there in the tree, led by this colleague.

    `on` counts only where we know of dated facts, as for an employee.
    """

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
            there = held_on(unit.parents, on) == parent
            return [] if there else [UnitPlacedUnder(parent=parent, on=on)]
        case AppointManager(employee=employee, on=on):
            if not unit.formed:
                raise UnitUnknownError
            leads = held_on(unit.managers, on) == employee
            return [] if leads else [ManagerAppointed(employee=employee, on=on)]
        case MirrorUnit(name=name, kind=kind, parent=parent, manager=manager):
            facts: list[UnitEvent] = []
            if not unit.formed:
                facts.append(UnitFormed(name=name, kind=kind, parent=parent))
            elif parent is not None and parent != unit.parent:
                since = _since(unit.parents, command.on)
                facts.append(UnitPlacedUnder(parent=parent, on=since))
            if manager is not None and manager != unit.manager:
                since = _since(unit.managers, command.on)
                facts.append(ManagerAppointed(employee=manager, on=since))
            return facts
        case _:
            assert_never(command)


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
        case _:
            assert_never(event)
