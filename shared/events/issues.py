"""Facts about what customers complain of, object to or ask for (I-01). Stream: `issue-<id>`.

An instant beside the business date (`at`) is told by other systems, which know the minute.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime

from shared.events.base import Dated, Event, in_range

IssueKind = Literal["complaint", "grievance", "objection", "advice", "survey"]
Severity = Literal["low", "moderate", "high", "critical"]
# Nobody has to say it: what somebody's face or gesture said counts as well (I-01).
Expressed = Literal["said", "written", "shown"]
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
    """We told the customer what became of it (I-03)."""

    result: str


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
    """

    answer_by: Deadline
    set_by: str


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
