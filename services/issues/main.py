"""Composes the issues domain."""

from __future__ import annotations

from fastapi import APIRouter

from services.issues import api, boards_api, model
from services.issues.policies import POLICIES
from services.issues.projections import PROJECTIONS
from services.issues.timers import TIMERS
from shared.command import Command
from shared.service import Decider, Domain

ISSUE_COMMANDS: dict[str, type[Command]] = {
    "register": model.Register,
    "mirror": model.Mirror,
    "assign": model.Assign,
    "grade": model.Grade,
    "escalate": model.Escalate,
    "find_cause": model.FindCause,
    "act": model.Act,
    "remove_cause": model.RemoveCause,
    "inform": model.Inform,
    "state_satisfaction": model.StateSatisfaction,
    "give_feedback": model.GiveFeedback,
    "close": model.Close,
    "reopen": model.Reopen,
    "set_deadline": model.SetDeadline,
}

# Before what a single issue is asked by: a word there is no id.
router = APIRouter()
router.include_router(boards_api.router)
router.include_router(api.router)

domain = Domain(
    name="issues",
    deciders={"issue": Decider(model.Issue(), model.decide, model.evolve, ISSUE_COMMANDS)},
    projections=PROJECTIONS,
    policies=POLICIES,
    timers=TIMERS,
)

__all__ = ["domain", "router"]
