"""Composes the issues domain."""

from __future__ import annotations

from services.issues import (
    agreements,
    api,
    boards_api,
    commitments,
    commitments_api,
    model,
    service_api,
)
from services.issues.access import RULES
from services.issues.capture import expressed_touch
from services.issues.commitment_views import DEADLINE, FOLLOW_UP, commitment_card
from services.issues.defaults import IssuesDefaults
from services.issues.policies import POLICIES
from services.issues.projections import PROJECTIONS
from services.issues.promising import PLACES, prepare
from services.issues.timers import TIMERS
from shared.command import Command
from shared.decider import Decider
from shared.service import Domain
from shared.web.router import Router

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

COMMITMENT_COMMANDS: dict[str, type[Command]] = {
    "make": commitments.MakeCommitment,
    "follow_up": commitments.FollowUp,
    "move": commitments.MoveCommitment,
    "keep": commitments.KeepCommitment,
    "withdraw": commitments.WithdrawCommitment,
    "reassign": commitments.ReassignCommitment,
}

AGREEMENT_COMMANDS: dict[str, type[Command]] = {
    "agree": agreements.AgreeService,
    "assess": agreements.AssessService,
}

# Before what a single issue is asked by: a word there is no id.
router = Router()
for part in (boards_api, service_api, commitments_api, api):
    router.include_router(part.router)


def build(defaults: IssuesDefaults) -> Domain:
    """Return the domain with what this deployment chose."""
    return Domain(
        name="issues",
        deciders={
            "issue": Decider(model.Issue(), model.decide, model.evolve, ISSUE_COMMANDS),
            "commitment": Decider(
                commitments.Commitment(),
                commitments.decide_commitment,
                commitments.evolve_commitment,
                COMMITMENT_COMMANDS,
            ),
            "agreement": Decider(
                agreements.Agreement(),
                agreements.decide_agreement,
                agreements.evolve_agreement,
                AGREEMENT_COMMANDS,
            ),
        },
        projections=(
            *PROJECTIONS,
            commitment_card,
            agreements.agreement_card,
            expressed_touch,
            *PLACES,
        ),
        policies=POLICIES,
        timers=(*TIMERS, FOLLOW_UP, DEADLINE),
        defaults=defaults,
        build=build,
        prepare=prepare,
    )


domain = build(IssuesDefaults())

__all__ = ["RULES", "domain", "router"]
