"""Composes the contacts domain."""

from __future__ import annotations

from functools import partial

from services.contacts import model
from services.contacts.access import RULES
from services.contacts.api import router
from services.contacts.defaults import ContactsDefaults
from services.contacts.erasing import GiveConsent, WithdrawConsent, erasure
from services.contacts.identities import ClaimIdentity, ReleaseIdentity
from services.contacts.notices import AcknowledgeMove, owners_are_told_who_moved
from services.contacts.policies import POLICIES
from services.contacts.projections import PROJECTIONS
from services.contacts.promotions import PlanPromotion
from services.contacts.readings import ReadFields, Reading, decide_reading, evolve_reading
from services.contacts.segments import (
    DropSegment,
    SaveSegment,
    Segment,
    decide_segment,
    evolve_segment,
)
from services.contacts.touch_answers import touches_inbox_by
from services.contacts.visits import (
    CancelVisit,
    HoldVisit,
    KeepFollowUp,
    PlanVisit,
    Visit,
    decide_visit,
    evolve_visit,
)
from shared.command import Command
from shared.decider import Decider
from shared.service import Domain

PERSON_COMMANDS: dict[str, type[Command]] = {
    "register": model.RegisterPerson,
    "state_details": model.StateDetails,
    "affiliate": model.Affiliate,
    "end_affiliation": model.EndAffiliation,
    "merge": model.MergePerson,
    "unmerge": model.UnmergePerson,
    "tell_apart": model.TellApart,
    "claim_identity": ClaimIdentity,
    "release_identity": ReleaseIdentity,
    "state_buying_role": model.StateBuyingRole,
    "state_opinion": model.StateOpinion,
    "state_advocacy": model.StateAdvocacy,
    "state_access": model.StateAccess,
    "ask": model.AskQuestion,
    "answer": model.AnswerQuestion,
    "plan_promotion": PlanPromotion,
    "assign_owner": model.AssignPersonOwner,
    "give_consent": GiveConsent,
    "withdraw_consent": WithdrawConsent,
}
COMPANY_COMMANDS: dict[str, type[Command]] = {
    "register": model.RegisterCompany,
    "place_under": model.PlaceCompanyUnder,
    "describe": model.DescribeCompany,
    "mirror": model.MirrorCompany,
    "assign_owner": model.AssignCompanyOwner,
    "acknowledge_move": AcknowledgeMove,
}
VISIT_COMMANDS: dict[str, type[Command]] = {
    "plan": PlanVisit,
    "hold": HoldVisit,
    "cancel": CancelVisit,
    "keep_follow_up": KeepFollowUp,
}
SEGMENT_COMMANDS: dict[str, type[Command]] = {"save": SaveSegment, "drop": DropSegment}


def build(defaults: ContactsDefaults) -> Domain:
    """Return the domain with what this deployment chose."""
    return Domain(
        name="contacts",
        deciders={
            "person": Decider(
                model.Person(),
                partial(model.decide_person, rules=defaults),
                model.evolve_person,
                PERSON_COMMANDS,
            ),
            "company": Decider(
                model.Company(),
                partial(model.decide_company, rules=defaults),
                model.evolve_company,
                COMPANY_COMMANDS,
            ),
            "visit": Decider(Visit(), decide_visit, evolve_visit, VISIT_COMMANDS),
            "segment": Decider(Segment(), decide_segment, evolve_segment, SEGMENT_COMMANDS),
            "reading": Decider(Reading(), decide_reading, evolve_reading, {"read": ReadFields}),
        },
        projections=PROJECTIONS,
        policies=(*POLICIES, owners_are_told_who_moved),
        intake=("touches",),
        erasures=erasure,
        inboxes=(touches_inbox_by(defaults),),
        defaults=defaults,
        build=build,
    )


domain = build(ContactsDefaults())

__all__ = ["RULES", "domain", "router"]
