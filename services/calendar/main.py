"""Composes the calendar domain."""

from __future__ import annotations

from services.calendar.api import router
from services.calendar.model import Cancel, Done, Entry, Plan, decide, evolve
from services.calendar.projections import PROJECTIONS
from shared.service import Decider, Domain

domain = Domain(
    name="calendar",
    deciders={
        "entry": Decider(Entry(), decide, evolve, {"plan": Plan, "done": Done, "cancel": Cancel}),
    },
    projections=PROJECTIONS,
)

__all__ = ["domain", "router"]
