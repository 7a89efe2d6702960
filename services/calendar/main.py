"""Composes the calendar domain."""

from __future__ import annotations

from services.calendar.api import router
from services.calendar.model import Cancel, Done, Entry, Plan, Reassign, decide, evolve
from services.calendar.policies import POLICIES
from services.calendar.projections import PROJECTIONS
from shared.service import Decider, Domain

domain = Domain(
    name="calendar",
    deciders={
        "entry": Decider(
            Entry(),
            decide,
            evolve,
            {"plan": Plan, "done": Done, "cancel": Cancel, "reassign": Reassign},
        ),
    },
    projections=PROJECTIONS,
    policies=POLICIES,
)

__all__ = ["domain", "router"]
