"""Facts about chances to sell, the products sold, and what is forecast and aimed at.

Streams: `opportunity-<id>`, `product-<id>`, `forecast-<id>` and `target-<id>`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.events.base import Dated
from shared.personal import Personal

# The stage before we are in earnest, and the two outcomes by the names that figures have for them.
FIRST_STAGE, WON, LOST = "Prospecting", "Won", "Lost"


class OpportunityDiscovered(Dated, wire="opportunities.opportunity_discovered.v1"):
    """Somebody saw a chance to sell (O-01); a latent one is not real yet (O-02).

    `campaign` is the one that it came from, as touches call it (X-02).
    """

    title: str
    stage: str
    latent: bool = False
    owner: str | None = None
    company: str | None = None
    product: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    expected_close_on: date | None = None
    source_ref: str | None = None
    campaign: str | None = None


class StageAdvanced(Dated, wire="opportunities.stage_advanced.v1"):
    """The opportunity moved to another stage; leaving `latent` makes it real (O-02)."""

    stage: str


class OpportunityWon(Dated, wire="opportunities.opportunity_won.v1"):
    """The customer bought; `profit` is what is left of the value for us, in the same currency."""

    value: Decimal
    currency: str
    profit: Decimal | None = None


class OpportunityLost(Dated, wire="opportunities.opportunity_lost.v1"):
    """The customer did not buy from us."""

    reason: str | None = None


class OpportunityReopened(Dated, wire="opportunities.opportunity_reopened.v1"):
    """What we took for decided is open again."""

    stage: str
    reason: str | None = None


class OpportunityReassigned(Dated, wire="opportunities.opportunity_reassigned.v1"):
    """Responsibility moved, for a stated reason."""

    owner: str
    reason: Literal["handover", "leave", "territory", "unstated"]


class OpportunityRevalued(Dated, wire="opportunities.opportunity_revalued.v1"):
    """We now expect another amount or another closing date."""

    amount: Decimal | None = None
    currency: str | None = None
    expected_close_on: date | None = None


class PersonInvolved(Dated, wire="opportunities.person_involved.v1", whose=("person",)):
    """A person has a say in the decision (O-09)."""

    person: str
    role: Personal


class OpportunityCorrected(Dated, wire="opportunities.opportunity_corrected.v1"):
    """What we had written down at discovery was mistaken; `on` is the true date of discovery.

    It replaces company, product, title and date together: an error of entry, not an event at
    the customer's. Figures move as if it had been right from the start.
    """

    title: str
    company: str | None = None
    product: str | None = None
    reason: str


class OutcomeCorrected(Dated, wire="opportunities.outcome_corrected.v1"):
    """The opportunity is decided as before, but its value, currency or date had been mistaken.

    `profit` None: as it was told before.
    """

    value: Decimal | None = None
    currency: str | None = None
    profit: Decimal | None = None
    reason: str


class EngagementCorrected(Dated, wire="opportunities.engagement_corrected.v1"):
    """The stage was entered on another date than we had written down."""

    stage: str
    reason: str


class EvidenceRecorded(Dated, wire="opportunities.evidence_recorded.v1"):
    """Something shows that the opportunity is in the stage that we say it is in (O-01)."""

    stage: str
    what: str


class NextStepAgreed(Dated, wire="opportunities.next_step_agreed.v1"):
    """We know what happens next, in place of what was to happen next before (O-01)."""

    stage: str
    what: str
    due_on: date | None = None
    owner: str | None = None


class NextStepDone(Dated, wire="opportunities.next_step_done.v1"):
    """What was to happen next has happened, with this outcome (O-01)."""

    outcome: str | None = None


class TeamMemberJoined(Dated, wire="opportunities.team_member_joined.v1"):
    """A colleague works on the opportunity, in this role (O-01)."""

    employee: str
    role: str


class TeamMemberLeft(Dated, wire="opportunities.team_member_left.v1"):
    """A colleague works on the opportunity no longer."""

    employee: str
    reason: str | None = None


Influence = Literal["decides", "strong", "some", "none", "unknown"]
Stance = Literal["champion", "supporter", "neutral", "sceptic", "opponent", "unknown"]


class PersonAssessed(Dated, wire="opportunities.person_assessed.v1", whose=("person",)):
    """We took somebody's influence on the decision and stance towards us to be this (O-09)."""

    person: str
    influence: Influence
    stance: Stance
    reached_through: str | None = None
    note: Personal | None = None


class PersonReleased(Dated, wire="opportunities.person_released.v1", whose=("person",)):
    """A person has no say in the decision any more (O-09)."""

    person: str
    reason: Personal | None = None


class PositioningChosen(Dated, wire="opportunities.positioning_chosen.v1"):
    """We mean to win it by being this for the customer (O-04)."""

    positioning: str


class CompetitorAssessed(Dated, wire="opportunities.competitor_assessed.v1"):
    """Somebody else wants it, too; so strong they are, and so we answer (O-04)."""

    competitor: str
    strength: str | None = None
    answer: str | None = None


class CompetitorWithdrew(Dated, wire="opportunities.competitor_withdrew.v1"):
    """Somebody else does not want it any more, or is out of the race (O-04)."""

    competitor: str
    reason: str | None = None


class ActionAgreed(Dated, wire="opportunities.action_agreed.v1"):
    """A colleague does something by a date: of the win plan, or of a coaching session (O-04)."""

    action: str
    what: str
    owner: str
    due_on: date
    session: str | None = None


class ActionDone(Dated, wire="opportunities.action_done.v1"):
    """What a colleague was to do is done, with this outcome (O-04)."""

    action: str
    outcome: str | None = None


class ActionDropped(Dated, wire="opportunities.action_dropped.v1"):
    """What a colleague was to do need not be done, for a reason (O-04)."""

    action: str
    reason: str


class CoachingHeld(Dated, wire="opportunities.coaching_held.v1"):
    """A coach and a seller looked at facts, the problem and its cause together (O-03)."""

    session: str
    step: Literal["discovery", "management", "goal", "kpi"]
    stage: str
    coach: str
    seller: str | None = None
    facts: str
    problem: str | None = None
    cause: str | None = None


class CoachingOutcomeNoted(Dated, wire="opportunities.coaching_outcome_noted.v1"):
    """A coaching session came to this, seen afterwards (O-03)."""

    session: str
    outcome: str


class QuestionAsked(Dated, wire="opportunities.question_asked.v1"):
    """We asked the customer something, to know whether the opportunity is what we think (O-11)."""

    question: str
    words: str
    validates: Literal["issue", "opportunity", "budget", "decision", "timing", "other"]
    person: str | None = None
    asked_by: str | None = None


class QuestionAnswered(Dated, wire="opportunities.question_answered.v1"):
    """The customer answered, and that confirms what we thought, refutes it or leaves it (O-11)."""

    question: str
    answer: str
    verdict: Literal["confirmed", "refuted", "open"]


class OpportunitySnoozed(Dated, wire="opportunities.opportunity_snoozed.v1"):
    """It rests for a reason until a date: nobody need be alerted before."""

    reason: str
    resume_on: date


class OpportunityResumed(Dated, wire="opportunities.opportunity_resumed.v1"):
    """It rests no longer, earlier than thought."""

    reason: str | None = None


class CreditShare(BaseModel):
    """What part of a deal, in percent, counts for one division."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    division: str
    percent: Decimal


class CreditShared(Dated, wire="opportunities.credit_shared.v1"):
    """One division introduced it, and the credit is shared like this, in place of before (O-10)."""

    introduced_by: str
    shares: tuple[CreditShare, ...]


class HandOffReported(Dated, wire="opportunities.hand_off_reported.v1"):
    """Another system says how far order, contract, fulfilment or finance have got (O-12)."""

    step: Literal["order", "contract", "fulfilment", "finance"]
    status: str
    reference: str | None = None
    system: str | None = None
    amount: Decimal | None = None
    currency: str | None = None


class CommitmentMade(Dated, wire="opportunities.commitment_made.v1"):
    """The seller says what it will bring and by when, and how surely (O-06)."""

    seller: str
    confidence: Literal["commit", "upside"]
    amount: Decimal
    currency: str
    close_on: date


class CommitmentWithdrawn(Dated, wire="opportunities.commitment_withdrawn.v1"):
    """The seller does not stand by that any more (O-06)."""

    seller: str
    reason: str | None = None


class ForecastLine(BaseModel):
    """What one seller's commitment to one opportunity added to a roll-up."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    opportunity: str
    seller: str
    confidence: Literal["commit", "upside"]
    amount: Decimal
    currency: str
    close_on: date


class ForecastFrozen(Dated, wire="opportunities.forecast_frozen.v1"):
    """Whose roll-up it is stands by these commitments, as they were that day (O-06)."""

    owner: str
    unit: str | None = None
    period_from: date
    period_to: date
    lines: tuple[ForecastLine, ...]
    note: str | None = None


class TargetSet(Dated, wire="opportunities.target_set.v1"):
    """A seller, a unit or a product is to reach this in a period, in place of before (O-07)."""

    owner: str | None = None
    unit: str | None = None
    product: str | None = None
    measure: Literal["value_won", "count_won"]
    amount: Decimal
    currency: str | None = None
    period_from: date
    period_to: date


class TargetWithdrawn(Dated, wire="opportunities.target_withdrawn.v1"):
    """Nobody need reach it any more (O-07)."""

    reason: str | None = None


class ProductListed(Dated, wire="opportunities.product_listed.v1"):
    """We offer this product."""

    name: str
    series: str | None = None
    price: Decimal | None = None
    currency: str | None = None


class ProductRepriced(Dated, wire="opportunities.product_repriced.v1"):
    """The product's list price changed."""

    price: Decimal
    currency: str


OpportunityEvent = (
    OpportunityDiscovered
    | StageAdvanced
    | OpportunityWon
    | OpportunityLost
    | OpportunityReopened
    | OpportunityReassigned
    | OpportunityRevalued
    | PersonInvolved
    | OpportunityCorrected
    | OutcomeCorrected
    | EngagementCorrected
)
# What is known about winning it: no figure depends on these.
ProgressEvent = EvidenceRecorded | NextStepAgreed | NextStepDone | TeamMemberJoined | TeamMemberLeft
SayEvent = PersonAssessed | PersonReleased
PlanEvent = (
    PositioningChosen
    | CompetitorAssessed
    | CompetitorWithdrew
    | ActionAgreed
    | ActionDone
    | ActionDropped
)
CoachingEvent = CoachingHeld | CoachingOutcomeNoted | QuestionAsked | QuestionAnswered
DealEvent = OpportunitySnoozed | OpportunityResumed | CreditShared | HandOffReported
CommitmentEvent = CommitmentMade | CommitmentWithdrawn
RecordEvent = ProgressEvent | SayEvent | PlanEvent | CoachingEvent | DealEvent | CommitmentEvent
ProductEvent = ProductListed | ProductRepriced
ForecastEvent = ForecastFrozen
TargetEvent = TargetSet | TargetWithdrawn
OpportunitiesEvent = OpportunityEvent | RecordEvent | ProductEvent | ForecastEvent | TargetEvent
