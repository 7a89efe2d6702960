"""What leaders said to people about how they work: coached, assessed (N-03, N-04, N-12). Pure."""

from __future__ import annotations

from datetime import date
from typing import Literal, assert_never

from msgspec.structs import replace

from services.analytics.cells import Cell, Sums
from services.analytics.told import Folded
from shared.events.analytics import (
    AssessmentAnswered,
    AssessmentGiven,
    AssessmentWithdrawn,
    KpiCoached,
)

FeedbackEvent = KpiCoached | AssessmentGiven | AssessmentAnswered | AssessmentWithdrawn


class Feedback(Folded, frozen=True, gc=False):
    """Who told whom something, and when. `day` None: nobody did, or it was withdrawn."""

    stream: str
    kind: Literal["coached", "assessed"] = "coached"
    giver: str = ""
    receiver: str = ""
    day: date | None = None

    @property
    def owners(self) -> list[str]:
        return [self.giver]


def evolve_feedback(known: Feedback, event: FeedbackEvent, day: date) -> Feedback:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    match event:
        case KpiCoached(coach=coach, of=of):
            return Feedback(known.stream, "coached", coach, of, day)
        case AssessmentGiven(leader=leader, of=of):
            return Feedback(known.stream, "assessed", leader, of, day)
        case AssessmentAnswered():
            return known
        case AssessmentWithdrawn():
            return replace(known, day=None)
        case _:
            assert_never(event)


def give(sums: Sums, known: Feedback) -> None:
    """Add what it adds to what: once, on its day, with whom it was given to as the value."""
    if known.day is not None:
        sums[Cell(known.kind, known.giver, "feedback", known.receiver, known.day)] += 1
