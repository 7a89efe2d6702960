"""Composes the organization domain."""

from __future__ import annotations

from services.organization.api import router
from services.organization.model import (
    AppointManager,
    Assign,
    Employee,
    FormUnit,
    Join,
    Leave,
    MirrorEmployee,
    MirrorUnit,
    PlaceUnitUnder,
    Unit,
    decide_employee,
    decide_unit,
    evolve_employee,
    evolve_unit,
)
from services.organization.projections import PROJECTIONS
from shared.service import Decider, Domain

domain = Domain(
    name="organization",
    deciders={
        "employee": Decider(
            Employee(),
            decide_employee,
            evolve_employee,
            {"join": Join, "assign": Assign, "leave": Leave, "mirror": MirrorEmployee},
        ),
        "unit": Decider(
            Unit(),
            decide_unit,
            evolve_unit,
            {
                "form": FormUnit,
                "place_under": PlaceUnitUnder,
                "appoint_manager": AppointManager,
                "mirror": MirrorUnit,
            },
        ),
    },
    projections=PROJECTIONS,
)

__all__ = ["domain", "router"]
