"""What may happen to an employee. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from services.organization import absences
from services.organization.absences import Absence, AbsenceCommand, CancelAbsence, PlanAbsence
from services.organization.held import (
    RoleStep,
    Through,
    also,
    held_on,
    roles_on,
    since,
    stepped,
)
from shared.command import DatedCommand
from shared.errors import DomainError, NotFoundError
from shared.events.organization import (
    EmployeeAbsenceCancelled,
    EmployeeAbsencePlanned,
    EmployeeAssigned,
    EmployeeEvent,
    EmployeeFunctionTaken,
    EmployeeGraded,
    EmployeeJoined,
    EmployeeLeft,
    EmployeeRoleLaidDown,
    EmployeeRoleTaken,
    Role,
)
from shared.references import UnitStream

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class EmployeeUnknownError(NotFoundError):
    """Nobody of that id works here."""


class EmployeeAlreadyJoinedError(DomainError):
    """A colleague joins once."""


class EmployeeGoneError(DomainError):
    """Who left us is assigned nowhere."""


@dataclass(frozen=True, slots=True)
class Employee:
    """Only what a rule needs to know."""

    name: str | None = None
    units: Through = ()
    grades: Through = ()
    functions: Through = ()
    roles: tuple[RoleStep, ...] = ()
    absences: tuple[Absence, ...] = ()
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


class Grade(DatedCommand):
    grade: Word


class TakeFunction(DatedCommand):
    function: Word


class TakeRole(DatedCommand):
    role: Role


class LayDownRole(DatedCommand):
    role: Role


class Leave(DatedCommand):
    reason: str | None = Field(None, max_length=1_000)


class MirrorEmployee(DatedCommand):
    """Another system says: this colleague works here and belongs to this unit.

    Such a row has no date. The unit and the function that it names first held for as long as we
    know, others later hold from `on`, the day of recording.
    """

    name: Name
    unit: UnitStream | None = None
    function: str | None = Field(None, max_length=100)


Placing = Assign | Grade | TakeFunction | TakeRole | LayDownRole
EmployeeCommand = Join | Placing | AbsenceCommand | Leave | MirrorEmployee


def decide_employee(employee: Employee, command: EmployeeCommand) -> list[EmployeeEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case Join():
            if employee.name is not None and not employee.gone_on(command.on):
                raise EmployeeAlreadyJoinedError(f"{employee.name} works here already")
            return [EmployeeJoined(**command.model_dump(exclude={"date_unknown"}))]
        case MirrorEmployee():
            return _mirrored(employee, command)
        case _:
            if employee.name is None:
                raise EmployeeUnknownError
            return _known(employee, command)


def _known(employee: Employee, command: Placing | AbsenceCommand | Leave) -> list[EmployeeEvent]:
    match command:
        case Leave(reason=reason, on=on):
            return [] if employee.gone_on(on) else [EmployeeLeft(reason=reason, on=on)]
        case PlanAbsence():
            _refuse_gone(employee, command.last_day, "last_day")
            return [*absences.planned(employee.absences, command)]
        case CancelAbsence():
            return [*absences.cancelled(employee.absences, command)]
        case LayDownRole(role=role, on=on):
            acts = role in roles_on(employee.roles, on)
            return [EmployeeRoleLaidDown(role=role, on=on)] if acts else []
        case Assign() | Grade() | TakeFunction() | TakeRole():
            _refuse_gone(employee, command.on, "on")
            return _placed(employee, command)
        case _:
            assert_never(command)


def _refuse_gone(employee: Employee, on: date | None, field: str) -> None:
    if employee.gone_on(on):
        left_on = employee.left_on or "a date that nobody knows"
        raise EmployeeGoneError(f"they left on {left_on}", field=f"#/{field}")


def _placed(
    employee: Employee, command: Assign | Grade | TakeFunction | TakeRole
) -> list[EmployeeEvent]:
    match command:
        case Assign(unit=unit, on=on):
            there = held_on(employee.units, on) == unit
            return [] if there else [EmployeeAssigned(unit=unit, on=on)]
        case Grade(grade=grade, on=on):
            has = held_on(employee.grades, on) == grade
            return [] if has else [EmployeeGraded(grade=grade, on=on)]
        case TakeFunction(function=function, on=on):
            has = held_on(employee.functions, on) == function
            return [] if has else [EmployeeFunctionTaken(function=function, on=on)]
        case TakeRole(role=role, on=on):
            acts = role in roles_on(employee.roles, on)
            return [] if acts else [EmployeeRoleTaken(role=role, on=on)]
        case _:
            assert_never(command)


def _mirrored(employee: Employee, row: MirrorEmployee) -> list[EmployeeEvent]:
    facts: list[EmployeeEvent] = []
    functions = employee.functions
    if employee.name is None or employee.gone_on(row.on):
        facts.append(EmployeeJoined(name=row.name, function=row.function))
        functions = also(functions, row.function, None) if row.function is not None else functions
    if row.function is not None and row.function != held_on(functions, row.on):
        on = since(functions, row.on)
        facts.append(EmployeeFunctionTaken(function=row.function, on=on))
    if row.unit is not None and row.unit != held_on(employee.units, row.on):
        facts.append(EmployeeAssigned(unit=row.unit, on=since(employee.units, row.on)))
    return facts


def evolve_employee(employee: Employee, event: EmployeeEvent) -> Employee:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case EmployeeJoined(name=name):
            joined = replace(employee, name=name, left=False, left_on=None)
            if event.grade is not None:
                joined = replace(joined, grades=also(joined.grades, event.grade, event.on))
            if event.function is not None:
                functions = also(joined.functions, event.function, event.on)
                joined = replace(joined, functions=functions)
            return joined
        case EmployeeLeft(on=on):
            return replace(employee, left=True, left_on=on)
        case EmployeeAbsencePlanned() | EmployeeAbsenceCancelled():
            return replace(employee, absences=absences.evolved(employee.absences, event))
        case _:
            return _evolve_place(employee, event)


def _evolve_place(
    employee: Employee,
    event: EmployeeAssigned
    | EmployeeGraded
    | EmployeeFunctionTaken
    | EmployeeRoleTaken
    | EmployeeRoleLaidDown,
) -> Employee:
    match event:
        case EmployeeAssigned(unit=unit, on=on):
            return replace(employee, units=also(employee.units, unit, on))
        case EmployeeGraded(grade=grade, on=on):
            return replace(employee, grades=also(employee.grades, grade, on))
        case EmployeeFunctionTaken(function=function, on=on):
            return replace(employee, functions=also(employee.functions, function, on))
        case EmployeeRoleTaken(role=role, on=on):
            return replace(employee, roles=stepped(employee.roles, role, on, acts=True))
        case EmployeeRoleLaidDown(role=role, on=on):
            return replace(employee, roles=stepped(employee.roles, role, on, acts=False))
        case _:
            assert_never(event)
