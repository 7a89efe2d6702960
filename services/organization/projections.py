"""What people ask about the organisation. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from shared.events import Envelope
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeJoined,
    EmployeeLeft,
    ManagerAppointed,
    UnitFormed,
    UnitKind,
    UnitPlacedUnder,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where the colleague belongs from a date on; `since` None: for as long as we know."""

    unit: str
    since: date | None


@dataclass(frozen=True, slots=True)
class EmployeeCard:
    """Answers: who is this colleague, and in which unit were they when?"""

    employee: str
    name: str | None = None
    email: str | None = None
    grade: str | None = None
    function: str | None = None
    joined_on: date | None = None
    left_on: date | None = None
    active: bool = True
    unit: str | None = None
    assignments: tuple[Assignment, ...] = ()


employee_card = Projection(
    "employee_card", version=1, view=EmployeeCard, indexes=("unit", "name"), streams=("employee",)
)


@employee_card.on(EmployeeJoined)
def employee_joined(card: EmployeeCard, event: EmployeeJoined, at: Envelope) -> EmployeeCard:
    return replace(
        card,
        name=event.name,
        email=event.email,
        grade=event.grade,
        function=event.function,
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
    return replace(card, assignments=tuple(known), unit=known[-1].unit)


@employee_card.on(EmployeeLeft)
def employee_left(card: EmployeeCard, event: EmployeeLeft, at: Envelope) -> EmployeeCard:
    return replace(card, active=False, left_on=event.on)


@dataclass(frozen=True, slots=True)
class Held:
    """What held from a date on; `since` None: for as long as we know."""

    what: str
    since: date | None


@dataclass(frozen=True, slots=True)
class UnitCard:
    """Answers: what is this unit, under which parent, who leads it, and since when?"""

    unit: str
    name: str | None = None
    kind: UnitKind | None = None
    parent: str | None = None
    manager: str | None = None
    parents: tuple[Held, ...] = ()
    managers: tuple[Held, ...] = ()


unit_card = Projection("unit_card", version=1, view=UnitCard, indexes=("parent", "kind"))


def _also(known: tuple[Held, ...], what: str, since: date | None) -> tuple[Held, ...]:
    held = (*known, Held(what, since))
    return tuple(sorted(held, key=lambda one: one.since or date.min))


def _under(card: UnitCard, parent: str, since: date | None) -> UnitCard:
    parents = _also(card.parents, parent, since)
    return replace(card, parents=parents, parent=parents[-1].what)


@unit_card.on(UnitFormed)
def unit_formed(card: UnitCard, event: UnitFormed, at: Envelope) -> UnitCard:
    named = replace(card, name=event.name, kind=event.kind)
    return named if event.parent is None else _under(named, event.parent, None)


@unit_card.on(UnitPlacedUnder)
def unit_placed_under(card: UnitCard, event: UnitPlacedUnder, at: Envelope) -> UnitCard:
    return _under(card, event.parent, event.on)


@unit_card.on(ManagerAppointed)
def manager_appointed(card: UnitCard, event: ManagerAppointed, at: Envelope) -> UnitCard:
    managers = _also(card.managers, event.employee, event.on)
    return replace(card, managers=managers, manager=managers[-1].what)


PROJECTIONS = (employee_card, unit_card)
