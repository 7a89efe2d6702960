"""Facts about what customers complain of, object to or ask for (I-01). Stream: `issue-<id>`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime

from shared.events.base import Dated, Event, in_range

IssueKind = Literal["complaint", "grievance", "objection", "advice", "survey"]
Severity = Literal["low", "moderate", "high", "critical"]
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


class IssueAssigned(Dated, wire="issues.issue_assigned.v1"):
    """Somebody is now responsible for the issue, for a stated reason."""

    owner: str
    reason: Literal["handover", "leave", "territory", "unstated"] = "unstated"


class FeedbackGiven(Dated, wire="issues.feedback_given.v1"):
    """We told the customer what became of it (I-03)."""

    result: str


class IssueClosed(Dated, wire="issues.issue_closed.v1"):
    """The issue is settled, after the customer had been told."""


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
    IssueRegistered | IssueAssigned | FeedbackGiven | IssueClosed | DeadlineSet | DeadlineMissed
)
