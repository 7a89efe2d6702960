"""Composes the campaigns domain."""

from __future__ import annotations

from services.campaigns.access import RULES
from services.campaigns.api import router
from services.campaigns.model import Campaign, End, GiveFeedback, Plan, Start, decide, evolve
from services.campaigns.projections import PROJECTIONS
from shared.command import Command
from shared.decider import Decider
from shared.service import Domain

COMMANDS: dict[str, type[Command]] = {
    "plan": Plan,
    "start": Start,
    "end": End,
    "give_feedback": GiveFeedback,
}
domain = Domain(
    name="campaigns",
    deciders={"campaign": Decider(Campaign(), decide, evolve, COMMANDS)},
    projections=PROJECTIONS,
)

__all__ = ["RULES", "domain", "router"]
