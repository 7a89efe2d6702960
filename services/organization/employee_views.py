"""Who our colleagues are: one card each, and how it stands on a day. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from services.organization import absences
from services.organization.absences import Absence
from services.organization.held import RoleStep, Through, also, held_on, roles_on, stepped
from shared.events import Envelope
from shared.events.organization import (
    EmployeeAbsenceCancelled,
    EmployeeAbsencePlanned,
    EmployeeAssigned,
    EmployeeFunctionTaken,
    EmployeeGraded,
    EmployeeJoined,
    EmployeeLeft,
    EmployeeRoleLaidDown,
    EmployeeRoleTaken,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where the colleague belongs from a date on; `since` None: for as long as we know."""

    unit: str
    since: date | None


@dataclass(frozen=True, slots=True)
class EmployeeCard:
    """Answers: who is this colleague, what were they where and when, and when are they away?

    What has a plain name holds on the day asked for; the lists beside tell all we know.
    """

    employee: str
    name: str | None = None
    email: str | None = None
    grade: str | None = None
    function: str | None = None
    joined_on: date | None = None
    left_on: date | None = None
    active: bool = True
    unit: str | None = None
    roles: tuple[str, ...] = ()
    away: Absence | None = None
    assignments: tuple[Assignment, ...] = ()
    grades: Through = ()
    functions: Through = ()
    role_steps: tuple[RoleStep, ...] = ()
    absences: tuple[Absence, ...] = ()

    def on(self, day: date) -> EmployeeCard:
        """Return the card as it is on a day."""
        units = [one.unit for one in self.assignments if (one.since or date.min) <= day]
        stays = self.left_on is not None and day < self.left_on
        return replace(
            self,
            unit=units[-1] if units else None,
            active=self.active or stays,
            grade=held_on(self.grades, day),
            function=held_on(self.functions, day),
            roles=roles_on(self.role_steps, day),
            away=next((absence for absence in self.absences if absence.on(day)), None),
        )


employee_card = Projection(
    "employee_card",
    version=3,
    view=EmployeeCard,
    indexes=("assignments.unit", "name", "role_steps.role", "functions.what", "grades.what"),
    streams=("employee",),
)


@employee_card.on(EmployeeJoined)
def employee_joined(card: EmployeeCard, event: EmployeeJoined, at: Envelope) -> EmployeeCard:
    grades, functions = card.grades, card.functions
    if event.grade is not None:
        grades = also(grades, event.grade, event.on)
    if event.function is not None:
        functions = also(functions, event.function, event.on)
    return replace(
        card,
        name=event.name,
        email=event.email,
        grades=grades,
        functions=functions,
        joined_on=event.on,
        left_on=None,
        active=True,
    )


@employee_card.on(EmployeeAssigned)
def employee_assigned(card: EmployeeCard, event: EmployeeAssigned, at: Envelope) -> EmployeeCard:
    # Learnt late is normal: assignments are kept in the order in which they held.
    known = sorted(
        (*card.assignments, Assignment(event.unit, event.on)),
        key=lambda assignment: assignment.since or date.min,
    )
    return replace(card, assignments=tuple(known))


@employee_card.on(EmployeeGraded)
def employee_graded(card: EmployeeCard, event: EmployeeGraded, at: Envelope) -> EmployeeCard:
    return replace(card, grades=also(card.grades, event.grade, event.on))


@employee_card.on(EmployeeFunctionTaken)
def employee_function_taken(
    card: EmployeeCard, event: EmployeeFunctionTaken, at: Envelope
) -> EmployeeCard:
    return replace(card, functions=also(card.functions, event.function, event.on))


@employee_card.on(EmployeeRoleTaken)
def employee_role_taken(card: EmployeeCard, event: EmployeeRoleTaken, at: Envelope) -> EmployeeCard:
    steps = stepped(card.role_steps, event.role, event.on, acts=True)
    return replace(card, role_steps=steps)


@employee_card.on(EmployeeRoleLaidDown)
def employee_role_laid_down(
    card: EmployeeCard, event: EmployeeRoleLaidDown, at: Envelope
) -> EmployeeCard:
    steps = stepped(card.role_steps, event.role, event.on, acts=False)
    return replace(card, role_steps=steps)


@employee_card.on(EmployeeAbsencePlanned)
def absence_planned(
    card: EmployeeCard, event: EmployeeAbsencePlanned, at: Envelope
) -> EmployeeCard:
    return replace(card, absences=absences.evolved(card.absences, event))


@employee_card.on(EmployeeAbsenceCancelled)
def absence_cancelled(
    card: EmployeeCard, event: EmployeeAbsenceCancelled, at: Envelope
) -> EmployeeCard:
    return replace(card, absences=absences.evolved(card.absences, event))


@employee_card.on(EmployeeLeft)
def employee_left(card: EmployeeCard, event: EmployeeLeft, at: Envelope) -> EmployeeCard:
    return replace(card, active=False, left_on=event.on)
