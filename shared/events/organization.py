"""Facts about ourselves: who works here, in which unit, under whom.

Streams: `employee-<id>` and `unit-<id>`.
"""

from __future__ import annotations

from typing import Literal

from shared.events.base import Dated

UnitKind = Literal["team", "division", "company"]


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


EmployeeEvent = EmployeeJoined | EmployeeAssigned | EmployeeLeft
UnitEvent = UnitFormed | UnitPlacedUnder | ManagerAppointed
OrganizationEvent = EmployeeEvent | UnitEvent

__all__ = [
    "EmployeeAssigned",
    "EmployeeEvent",
    "EmployeeJoined",
    "EmployeeLeft",
    "ManagerAppointed",
    "OrganizationEvent",
    "UnitEvent",
    "UnitFormed",
    "UnitKind",
    "UnitPlacedUnder",
]
