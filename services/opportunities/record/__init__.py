"""All that is known about winning an opportunity, told once: every page is made of it (O-05).

Rules and views share it: what a rule knows is what a screen shows. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from services.opportunities.record.coaching import Coaching, evolve_coaching
from services.opportunities.record.commitments import Commitments, evolve_commitments
from services.opportunities.record.deal import Deal, evolve_deal
from services.opportunities.record.people import DecisionMap, evolve_people
from services.opportunities.record.plan import WinPlan, evolve_plan
from services.opportunities.record.progress import Progress, evolve_progress
from shared.events.opportunities import (
    CoachingEvent,
    CommitmentEvent,
    DealEvent,
    PlanEvent,
    ProgressEvent,
    RecordEvent,
    SayEvent,
)


@dataclass(frozen=True, slots=True)
class Record:
    """Everything told about one opportunity beside its life, theme by theme."""

    progress: Progress = field(default=Progress())
    people: DecisionMap = field(default=DecisionMap())
    plan: WinPlan = field(default=WinPlan())
    coaching: Coaching = field(default=Coaching())
    deal: Deal = field(default=Deal())
    commitments: Commitments = field(default=Commitments())


def evolve_record(record: Record, event: RecordEvent) -> Record:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    if isinstance(event, ProgressEvent):
        return replace(record, progress=evolve_progress(record.progress, event))
    if isinstance(event, SayEvent):
        return replace(record, people=evolve_people(record.people, event))
    if isinstance(event, PlanEvent):
        return replace(record, plan=evolve_plan(record.plan, event))
    if isinstance(event, CoachingEvent):
        return replace(record, coaching=evolve_coaching(record.coaching, event))
    if isinstance(event, DealEvent):
        return replace(record, deal=evolve_deal(record.deal, event))
    if isinstance(event, CommitmentEvent):
        return replace(record, commitments=evolve_commitments(record.commitments, event))
    assert_never(event)
