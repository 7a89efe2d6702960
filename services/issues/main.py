"""Composes the issues domain."""

from __future__ import annotations

from services.issues.api import router
from services.issues.model import (
    Assign,
    Close,
    GiveFeedback,
    Issue,
    Register,
    SetDeadline,
    decide,
    evolve,
)
from services.issues.policies import POLICIES
from services.issues.projections import PROJECTIONS
from services.issues.timers import TIMERS
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
                "set_deadline": SetDeadline,
            },
        ),
    },
    projections=PROJECTIONS,
    policies=POLICIES,
    timers=TIMERS,
)

__all__ = ["domain", "router"]
