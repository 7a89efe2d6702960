"""Composes the issues domain."""

from __future__ import annotations

from services.issues.api import router
from services.issues.model import Assign, Close, GiveFeedback, Issue, Register, decide, evolve
from services.issues.projections import PROJECTIONS
from shared.service import Decider, Domain

domain = Domain(
    name="issues",
    deciders={
        "issue": Decider(
            Issue(),
            decide,
            evolve,
            {
                "register": Register,
                "assign": Assign,
                "give_feedback": GiveFeedback,
                "close": Close,
            },
        ),
    },
    projections=PROJECTIONS,
)

__all__ = ["domain", "router"]
