"""Facts about what customers complain of, object to or ask for (I-01). Stream: `issue-<id>`."""

from __future__ import annotations

from typing import Literal

from shared.events.base import Dated

IssueKind = Literal["complaint", "grievance", "objection", "advice", "survey"]
Severity = Literal["low", "moderate", "high", "critical"]


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
    """Somebody is now responsible for the issue."""

    owner: str


class FeedbackGiven(Dated, wire="issues.feedback_given.v1"):
    """We told the customer what became of it (I-03)."""

    result: str


class IssueClosed(Dated, wire="issues.issue_closed.v1"):
    """The issue is settled, after the customer had been told."""


IssuesEvent = IssueRegistered | IssueAssigned | FeedbackGiven | IssueClosed
