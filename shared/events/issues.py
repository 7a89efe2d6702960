"""Facts about what customers complain of, object to or ask for, and what we promise them.

Streams: `issue-<id>` (I-01), `commitment-<id>` (I-08) and `agreement-<company's id>` (I-12).

An instant beside the business date (`at`) is told by other systems, which know the minute.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StrictInt

from shared.events.base import Dated, Event, in_range

IssueKind = Literal["complaint", "grievance", "objection", "advice", "survey"]
Severity = Literal["low", "moderate", "high", "critical"]
# Nobody has to say it: what somebody's face or gesture said counts as well (I-01).
Expressed = Literal["said", "written", "shown"]
# How a customer is served well: in touch with them, quickly, and with understanding (I-12).
ServiceArea = Literal["connected", "responsive", "insightful"]
# The store keeps it as a UTC text to scan by: one that has none is no fact.
Deadline = Annotated[AwareDatetime, AfterValidator(in_range)]


class IssueRegistered(Dated, wire="issues.issue_registered.v1"):
    """A customer expressed something that we have to deal with (I-01)."""

    kind: IssueKind
    words: str
    severity: Severity = "moderate"
    person: str | None = None
    company: str | None = None
    owner: str | None = None
    touch: str | None = None
    opportunity: str | None = None
    expressed: Expressed | None = None
    category: str | None = None
    status: str | None = None
    kept: bool | None = None
    source_ref: str | None = None
    at: AwareDatetime | None = None


class IssueAssigned(Dated, wire="issues.issue_assigned.v1"):
    """Somebody is now responsible for the issue, for a stated reason."""

    owner: str
    reason: Literal["handover", "leave", "territory", "unstated"] = "unstated"
    at: AwareDatetime | None = None


class FeedbackGiven(Dated, wire="issues.feedback_given.v1"):
    """We told the customer what became of it, in this touch (I-03)."""

    result: str
    touch: str | None = None


class IssueClosed(Dated, wire="issues.issue_closed.v1"):
    """The issue is settled, after the customer had been told.

    Another system may have closed it though nothing says that anybody was told: not `fed_back`;
    `status` is what that system calls it.
    """

    fed_back: bool = True
    status: str | None = None
    at: AwareDatetime | None = None


class IssueReopened(Dated, wire="issues.issue_reopened.v1"):
    """It was not settled after all: the customer has to be told anew (I-03)."""

    reason: str | None = None
    at: AwareDatetime | None = None


class IssueGraded(Dated, wire="issues.issue_graded.v1"):
    """How severe it is was judged anew (I-09)."""

    severity: Severity
    at: AwareDatetime | None = None


class IssueEscalated(Dated, wire="issues.issue_escalated.v1"):
    """Somebody above its owner has to see to it (I-05)."""

    to: str
    reason: str


class CauseFound(Dated, wire="issues.cause_found.v1"):
    """Why it happened: the root of it (I-04)."""

    cause: str
    category: str | None = None


class ActionTaken(Dated, wire="issues.action_taken.v1"):
    """Something was done about it (I-03)."""

    what: str


class CauseRemoved(Dated, wire="issues.cause_removed.v1"):
    """The root of it is gone: it will not happen again for this reason (I-04)."""

    how: str


class UnitInformed(Dated, wire="issues.unit_informed.v1"):
    """A part of our organisation that it concerns was told of it (I-04)."""

    unit: str
    what: str | None = None


class SatisfactionStated(Dated, wire="issues.satisfaction_stated.v1"):
    """How satisfied the customer was, from 0 to 10, before we did anything or after it (I-07)."""

    score: int
    when: Literal["before", "after"]


class StatusTold(Dated, wire="issues.status_told.v1"):
    """Where it stands with another system that it is worked on in; None: it does not say.

    `answered`: there that means that somebody has answered, though nobody has settled it yet.
    """

    status: str | None = None
    answered: bool = False
    at: AwareDatetime | None = None


class ServiceLevelTold(Dated, wire="issues.service_level_told.v1"):
    """Another system judges whether what was agreed with the customer is kept (I-12)."""

    kept: bool
    at: AwareDatetime | None = None


class DeadlineSet(Dated, wire="issues.deadline_set.v1"):
    """We owe the customer an answer by this instant; it replaces the one we owed before (I-03)."""

    answer_by: Deadline


class DeadlineMissed(Event, wire="issues.deadline_missed.v1"):
    """The deadline passed and the customer had not been told anything (I-03).

    `set_by` is the id of the fact that set this deadline. It happened at the deadline itself.
    `owner` is who answered for the issue when that was found out.
    """

    answer_by: Deadline
    set_by: str
    owner: str | None = None


class CommitmentMade(Dated, wire="issues.commitment_made.v1"):
    """We promised a customer something (I-08).

    By `follow_up_by` they hear from us how it goes, by `due_by` it is done.
    """

    what: str
    person: str
    owner: str
    company: str | None = None
    touch: str | None = None
    issue: str | None = None
    opportunity: str | None = None
    due_by: Deadline | None = None
    follow_up_by: Deadline | None = None


class CommitmentFollowedUp(Dated, wire="issues.commitment_followed_up.v1"):
    """The customer heard from us how it goes with what we promised (I-08)."""

    said: str
    touch: str | None = None


class CommitmentMoved(Dated, wire="issues.commitment_moved.v1"):
    """It will be done by another time, and the customer was told: nobody is surprised (I-08)."""

    due_by: Deadline
    said: str


class CommitmentKept(Dated, wire="issues.commitment_kept.v1"):
    """What we promised is done (I-08)."""

    result: str


class CommitmentWithdrawn(Dated, wire="issues.commitment_withdrawn.v1"):
    """It will not be done, and the customer was told why (I-08)."""

    said: str


class CommitmentReassigned(Dated, wire="issues.commitment_reassigned.v1"):
    """Another colleague keeps what was promised, for a stated reason (C-09)."""

    owner: str
    reason: Literal["handover", "leave", "territory", "unstated"] = "unstated"


class CommitmentBroken(Event, wire="issues.commitment_broken.v1"):
    """A time passed by which a customer was to hear from us, or to have what we promised (I-08).

    `set_by` is the id of the fact that set that time. It happened at that time itself. `owner` is
    who was to keep it when that was found out.
    """

    clock: Literal["follow_up", "deadline"]
    by: Deadline
    set_by: str
    owner: str | None = None


class ServicePoint(BaseModel):
    """What excellent service is for a customer, in their words (I-12)."""

    model_config = ConfigDict(frozen=True)

    area: ServiceArea
    what: str


class AnswerWithin(BaseModel):
    """Within how many days a customer is told what became of an issue as severe as that (I-12)."""

    model_config = ConfigDict(frozen=True)

    severity: Severity
    days: StrictInt


class ServiceAgreed(Dated, wire="issues.service_agreed.v1"):
    """From this day on it is agreed with a customer what excellent service is (I-12).

    Agreed again, it replaces what was agreed before.
    """

    points: tuple[ServicePoint, ...] = ()
    answers: tuple[AnswerWithin, ...] = ()
    person: str | None = None


class ServiceAssessed(Dated, wire="issues.service_assessed.v1"):
    """A customer said how well we keep to it, from 0 to 10 (I-07, I-12)."""

    area: ServiceArea
    score: int
    person: str | None = None
    words: str | None = None


AgreementEvent = ServiceAgreed | ServiceAssessed
CommitmentEvent = (
    CommitmentMade
    | CommitmentFollowedUp
    | CommitmentMoved
    | CommitmentKept
    | CommitmentWithdrawn
    | CommitmentReassigned
    | CommitmentBroken
)
IssuesEvent = (
    IssueRegistered
    | IssueAssigned
    | IssueGraded
    | IssueEscalated
    | CauseFound
    | ActionTaken
    | CauseRemoved
    | UnitInformed
    | SatisfactionStated
    | StatusTold
    | ServiceLevelTold
    | FeedbackGiven
    | IssueClosed
    | IssueReopened
    | DeadlineSet
    | DeadlineMissed
)
