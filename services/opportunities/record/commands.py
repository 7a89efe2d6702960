"""What people ask to write down about an opportunity. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, field_validator

from services.opportunities.fields import Currency, Money, Sentences, SignedMoney, Stage, Text
from shared.command import Command, Day, HappenedCommand
from shared.events.opportunities import Influence, Stance
from shared.references import ID, EmployeeStream, PersonStream, UnitStream

# What a client calls an action, a session or a question, so that it can speak of it again.
Name = Annotated[str, Field(pattern=rf"^{ID}$")]


class MakeReal(HappenedCommand):
    """What was latent is a real opportunity now, in this stage or the one it is in (O-02)."""

    stage: Stage | None = None
    evidence: Sentences | None = None


class RecordEvidence(HappenedCommand):
    """Of the stage it was in that day, unless told."""

    what: Sentences
    stage: Stage | None = None


class AgreeNextStep(HappenedCommand):
    what: Text
    due_on: Day | None = None
    owner: EmployeeStream | None = None


class CompleteNextStep(HappenedCommand):
    outcome: Sentences | None = None


class JoinTeam(HappenedCommand):
    employee: EmployeeStream
    role: Text


class LeaveTeam(HappenedCommand):
    employee: EmployeeStream
    reason: str | None = Field(None, max_length=1_000)


class AssessPerson(HappenedCommand):
    """What we take somebody's influence and stance to be, and through whom they are reached."""

    person: PersonStream
    influence: Influence = "unknown"
    stance: Stance = "unknown"
    reached_through: PersonStream | None = None
    note: Sentences | None = None


class ReleasePerson(HappenedCommand):
    """Somebody has no say in the decision any more (O-09)."""

    person: PersonStream
    reason: str | None = Field(None, max_length=1_000)


class ChoosePositioning(HappenedCommand):
    """What we mean to be for the customer, so as to win it (O-04)."""

    positioning: Sentences


class AssessCompetitor(HappenedCommand):
    """Who else wants it, how strong they are and how we answer (O-04)."""

    competitor: Text
    strength: Sentences | None = None
    answer: Sentences | None = None


class WithdrawCompetitor(HappenedCommand):
    """Who wants it no more, or is out of the race (O-04)."""

    competitor: Text
    reason: str | None = Field(None, max_length=1_000)


class AgreeAction(HappenedCommand):
    """Who does what by when; agreed again while it is open, it is replaced (O-04)."""

    action: Name
    what: Text
    owner: EmployeeStream
    due_on: Day
    session: Name | None = None


class CompleteAction(HappenedCommand):
    """What was to be done is done (O-04)."""

    action: Name
    outcome: Sentences | None = None


class DropAction(HappenedCommand):
    """What was to be done need not be (O-04)."""

    action: Name
    reason: Text


class NextAction(Command):
    """One action that coach and seller agree on in their session."""

    action: Name
    what: Text
    owner: EmployeeStream
    due_on: Day


class HoldCoaching(HappenedCommand):
    """Facts, problem, cause and actions, found together; without a seller: its owner's (O-03)."""

    session: Name
    step: Literal["discovery", "management", "goal", "kpi"]
    coach: EmployeeStream
    seller: EmployeeStream | None = None
    facts: Sentences
    problem: Sentences | None = None
    cause: Sentences | None = None
    outcome: Sentences | None = None
    actions: tuple[NextAction, ...] = Field((), max_length=50)


class NoteCoachingOutcome(HappenedCommand):
    """What a coaching session came to (O-03)."""

    session: Name
    outcome: Sentences


class AskQuestion(HappenedCommand):
    """What we asked the customer, and to know what (O-11)."""

    question: Name
    words: Sentences
    validates: Literal["issue", "opportunity", "budget", "decision", "timing", "other"] = (
        "opportunity"
    )
    person: PersonStream | None = None
    asked_by: EmployeeStream | None = None


class AnswerQuestion(HappenedCommand):
    """What the customer answered, and what that says of what we thought (O-11)."""

    question: Name
    answer: Sentences
    verdict: Literal["confirmed", "refuted", "open"] = "open"


class Snooze(HappenedCommand):
    """Let it rest, for a reason, until a date."""

    reason: Text
    resume_on: Day


class Resume(HappenedCommand):
    """Let it rest no longer."""

    reason: str | None = Field(None, max_length=1_000)


class Share(Command):
    """What part of a deal counts for one division."""

    division: UnitStream
    percent: Annotated[Decimal, Field(gt=0, le=100, max_digits=5, decimal_places=2)]


class ShareCredit(HappenedCommand):
    """Which division introduced it, and how the credit is shared: 100 % in all (O-10)."""

    introduced_by: UnitStream
    shares: tuple[Share, ...] = Field(min_length=1, max_length=20)

    @field_validator("shares")
    @classmethod
    def _make_a_whole(cls, shares: tuple[Share, ...]) -> tuple[Share, ...]:
        if len({share.division for share in shares}) < len(shares):
            raise ValueError("a division is named twice")
        whole = sum(share.percent for share in shares)
        if whole != 100:  # noqa: PLR2004
            raise ValueError(f"the shares make {whole} %, not 100 %")
        return shares


class ReportHandOff(HappenedCommand):
    """How far order, contract, fulfilment or finance have got, as their system says (O-12)."""

    step: Literal["order", "contract", "fulfilment", "finance"]
    status: Text
    reference: Text | None = None
    system: Text | None = None
    # How much is ordered, agreed, delivered or invoiced there; of a credit less than nothing.
    amount: SignedMoney | None = None
    currency: Currency | None = None


class Commit(HappenedCommand):
    """What its seller says it will bring, by when and how surely (O-06)."""

    seller: EmployeeStream
    confidence: Literal["commit", "upside"] = "commit"
    amount: Money
    currency: Currency
    close_on: Day


class WithdrawCommitment(HappenedCommand):
    """Its seller does not stand by that any more (O-06)."""

    seller: EmployeeStream
    reason: str | None = Field(None, max_length=1_000)


ProgressCommand = RecordEvidence | AgreeNextStep | CompleteNextStep | JoinTeam | LeaveTeam
SayCommand = AssessPerson | ReleasePerson
PlanCommand = (
    ChoosePositioning
    | AssessCompetitor
    | WithdrawCompetitor
    | AgreeAction
    | CompleteAction
    | DropAction
)
CoachingCommand = HoldCoaching | NoteCoachingOutcome | AskQuestion | AnswerQuestion
DealCommand = Snooze | Resume | ShareCredit | ReportHandOff
CommitmentCommand = Commit | WithdrawCommitment
RecordCommand = (
    MakeReal
    | ProgressCommand
    | SayCommand
    | PlanCommand
    | CoachingCommand
    | DealCommand
    | CommitmentCommand
)
