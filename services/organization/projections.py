"""What people ask about the organisation. Pure folds, never refuse.

What holds on a day is said when asked: a card has the dated list, and `on` reads it.
"""

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
    """Answers: who is this colleague, and in which unit were they when?

    `ahead` says that something was told before its day: the card changes then without a fact.
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
    assignments: tuple[Assignment, ...] = ()
    ahead: bool = False

    def on(self, day: date) -> EmployeeCard:
        """Return the card as it is on a day: in which unit, and whether still with us."""
        units = [one.unit for one in self.assignments if (one.since or date.min) <= day]
        stays = self.left_on is not None and day < self.left_on
        return replace(self, unit=units[-1] if units else None, active=self.active or stays)


employee_card = Projection(
    "employee_card",
    version=2,
    view=EmployeeCard,
    indexes=("assignments.unit", "name"),
    streams=("employee",),
)


def _ahead(at: Envelope) -> bool:
    return at.occurred_at > at.recorded_at


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
    return replace(card, assignments=tuple(known), ahead=card.ahead or _ahead(at))


@employee_card.on(EmployeeLeft)
def employee_left(card: EmployeeCard, event: EmployeeLeft, at: Envelope) -> EmployeeCard:
    return replace(card, active=False, left_on=event.on, ahead=card.ahead or _ahead(at))


@dataclass(frozen=True, slots=True)
class Held:
    """What held from a date on; `since` None: for as long as we know."""

    what: str
    since: date | None


@dataclass(frozen=True, slots=True)
class UnitCard:
    """Answers: what is this unit, under which parent, who leads it, and since when?

    `ahead` says that something was told before its day, as for an employee.
    """

    unit: str
    name: str | None = None
    kind: UnitKind | None = None
    parent: str | None = None
    manager: str | None = None
    parents: tuple[Held, ...] = ()
    managers: tuple[Held, ...] = ()
    ahead: bool = False

    def on(self, day: date) -> UnitCard:
        """Return the card as it is on a day: under which parent, led by whom."""
        return replace(self, parent=_held(self.parents, day), manager=_held(self.managers, day))


def _held(known: tuple[Held, ...], day: date) -> str | None:
    began = [held.what for held in known if (held.since or date.min) <= day]
    return began[-1] if began else None


unit_card = Projection("unit_card", version=2, view=UnitCard, indexes=("parents.what", "kind"))


def _also(known: tuple[Held, ...], what: str, since: date | None) -> tuple[Held, ...]:
    held = (*known, Held(what, since))
    return tuple(sorted(held, key=lambda one: one.since or date.min))


@unit_card.on(UnitFormed)
def unit_formed(card: UnitCard, event: UnitFormed, at: Envelope) -> UnitCard:
    named = replace(card, name=event.name, kind=event.kind)
    if event.parent is None:
        return named
    return replace(named, parents=_also(card.parents, event.parent, None))


@unit_card.on(UnitPlacedUnder)
def unit_placed_under(card: UnitCard, event: UnitPlacedUnder, at: Envelope) -> UnitCard:
    parents = _also(card.parents, event.parent, event.on)
    return replace(card, parents=parents, ahead=card.ahead or _ahead(at))


@unit_card.on(ManagerAppointed)
def manager_appointed(card: UnitCard, event: ManagerAppointed, at: Envelope) -> UnitCard:
    managers = _also(card.managers, event.employee, event.on)
    return replace(card, managers=managers, ahead=card.ahead or _ahead(at))


PROJECTIONS = (employee_card, unit_card)
