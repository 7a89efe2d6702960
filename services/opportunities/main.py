"""Composes the opportunities domain."""

from __future__ import annotations

from functools import partial

from services.opportunities import (
    api,
    hand_offs_api,
    lists_api,
    mirroring,
    model,
    plans_api,
    record_api,
    state,
)
from services.opportunities.access import RULES
from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.policies import POLICIES
from services.opportunities.products import (
    ListProduct,
    MirrorProduct,
    Product,
    Reprice,
    decide_product,
    evolve_product,
)
from services.opportunities.projections import PROJECTIONS
from services.opportunities.record import commands
from services.opportunities.record.deciding import decide_opportunity, evolve_opportunity
from services.opportunities.record.forecasts import (
    Forecast,
    FreezeForecast,
    decide_forecast,
    evolve_forecast,
    forecast_card,
)
from services.opportunities.record.hand_offs import hand_off_card
from services.opportunities.record.targets import (
    SetTarget,
    Target,
    WithdrawTarget,
    decide_target,
    evolve_target,
    target_card,
)
from services.opportunities.record.views import opportunity_record
from shared.command import Command
from shared.decider import Decider
from shared.service import Domain
from shared.web.router import Router

OPPORTUNITY_COMMANDS: dict[str, type[Command]] = {
    "discover": model.Discover,
    "advance": model.Advance,
    "win": model.Win,
    "lose": model.Lose,
    "reopen": model.Reopen,
    "reassign": model.Reassign,
    "revalue": model.Revalue,
    "involve_person": model.InvolvePerson,
    "mirror": mirroring.Mirror,
    "make_real": commands.MakeReal,
    "record_evidence": commands.RecordEvidence,
    "agree_next_step": commands.AgreeNextStep,
    "complete_next_step": commands.CompleteNextStep,
    "join_team": commands.JoinTeam,
    "leave_team": commands.LeaveTeam,
    "assess_person": commands.AssessPerson,
    "release_person": commands.ReleasePerson,
    "choose_positioning": commands.ChoosePositioning,
    "assess_competitor": commands.AssessCompetitor,
    "withdraw_competitor": commands.WithdrawCompetitor,
    "agree_action": commands.AgreeAction,
    "complete_action": commands.CompleteAction,
    "drop_action": commands.DropAction,
    "hold_coaching": commands.HoldCoaching,
    "note_coaching_outcome": commands.NoteCoachingOutcome,
    "ask_question": commands.AskQuestion,
    "answer_question": commands.AnswerQuestion,
    "snooze": commands.Snooze,
    "resume": commands.Resume,
    "share_credit": commands.ShareCredit,
    "report_hand_off": commands.ReportHandOff,
    "commit": commands.Commit,
    "withdraw_commitment": commands.WithdrawCommitment,
}
PRODUCT_COMMANDS: dict[str, type[Command]] = {
    "list": ListProduct,
    "reprice": Reprice,
    "mirror": MirrorProduct,
}

FORECAST_COMMANDS: dict[str, type[Command]] = {"freeze": FreezeForecast}
TARGET_COMMANDS: dict[str, type[Command]] = {"set": SetTarget, "withdraw": WithdrawTarget}


def build(defaults: OpportunitiesDefaults) -> Domain:
    """Return the domain with what this deployment chose."""
    return Domain(
        name="opportunities",
        deciders={
            "opportunity": Decider(
                state.Opportunity(),
                partial(decide_opportunity, rules=defaults),
                evolve_opportunity,
                OPPORTUNITY_COMMANDS,
            ),
            "forecast": Decider(Forecast(), decide_forecast, evolve_forecast, FORECAST_COMMANDS),
            "target": Decider(Target(), decide_target, evolve_target, TARGET_COMMANDS),
            "product": Decider(Product(), decide_product, evolve_product, PRODUCT_COMMANDS),
        },
        projections=(*PROJECTIONS, opportunity_record, hand_off_card, forecast_card, target_card),
        policies=POLICIES,
        defaults=defaults,
        build=build,
    )


router = Router()
for part in (hand_offs_api, lists_api, plans_api, record_api, api):
    router.include_router(part.router)

domain = build(OpportunitiesDefaults())

__all__ = ["RULES", "domain", "router"]
