"""What may happen to an employee or a unit. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, assert_never

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
    left_on: date | None = None

    def gone_on(self, on: date | None) -> bool:
        """Say whether they have left us by that day; without a date: at all."""
        return self.left and (self.left_on is None or on is None or on >= self.left_on)


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

    Such a row has no date. The unit that it names first held for as long as we know, another one
    later holds from `on`, the day of recording.
    """

    name: Name
    unit: UnitStream | None = None
    function: str | None = Field(None, max_length=100)


EmployeeCommand = Join | Assign | Leave | MirrorEmployee


def decide_employee(employee: Employee, command: EmployeeCommand) -> list[EmployeeEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Join():
            if employee.name is not None and not employee.gone_on(command.on):
                raise EmployeeAlreadyJoinedError(f"{employee.name} works here already")
            return [EmployeeJoined(**command.model_dump(exclude={"date_unknown"}))]
        case Assign(unit=unit, on=on):
            if employee.name is None:
                raise EmployeeUnknownError
            if employee.gone_on(on):
                left_on = employee.left_on or "a date that nobody knows"
                raise EmployeeGoneError(f"they left on {left_on}", field="#/on")
            there = held_on(employee.units, on) == unit
            return [] if there else [EmployeeAssigned(unit=unit, on=on)]
        case Leave(reason=reason, on=on):
            if employee.name is None:
                raise EmployeeUnknownError
            return [] if employee.gone_on(on) else [EmployeeLeft(reason=reason, on=on)]
        case MirrorEmployee(name=name, unit=unit, function=function):
            facts: list[EmployeeEvent] = []
            if employee.name is None or employee.gone_on(command.on):
                facts.append(EmployeeJoined(name=name, function=function))
            if unit is not None and unit != held_on(employee.units, command.on):
                facts.append(EmployeeAssigned(unit=unit, on=_since(employee.units, command.on)))
            return facts
        case _:
            assert_never(command)


def _since(told: Through, on: date | None) -> date | None:
    """Return since when an undated row holds: from the beginning if nobody said anything before."""
    return on if told else None


def evolve_employee(employee: Employee, event: EmployeeEvent) -> Employee:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case EmployeeJoined(name=name):
            return replace(employee, name=name, left=False, left_on=None)
        case EmployeeAssigned(unit=unit, on=on):
            return replace(employee, units=also(employee.units, unit, on))
        case EmployeeLeft(on=on):
            return replace(employee, left=True, left_on=on)
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class Unit:
    """Only what a rule needs to know."""

    formed: bool = False
    parents: Through = ()
    managers: Through = ()


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


class MirrorUnit(DatedCommand):
    """Another system says: this unit exists, there in the tree, led by this colleague.

    `on` counts for what it says otherwise than before, as for an employee.
    """

    others: ClassVar[tuple[str, ...]] = ("parent",)

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
        case MirrorUnit(name=name, kind=kind, parent=parent, manager=manager, on=on):
            facts: list[UnitEvent] = []
            if not unit.formed:
                facts.append(UnitFormed(name=name, kind=kind, parent=parent))
            elif parent is not None and parent != held_on(unit.parents, on):
                facts.append(UnitPlacedUnder(parent=parent, on=_since(unit.parents, on)))
            if manager is not None and manager != held_on(unit.managers, on):
                facts.append(ManagerAppointed(employee=manager, on=_since(unit.managers, on)))
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
