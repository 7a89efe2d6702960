"""What shows where it stands, what happens next, and who works on it (O-01). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from services.opportunities.record.dated import Told
from shared.dated import placed
from shared.events.opportunities import (
    EvidenceRecorded,
    NextStepAgreed,
    NextStepDone,
    ProgressEvent,
    TeamMemberJoined,
    TeamMemberLeft,
)


@dataclass(frozen=True, slots=True)
class Evidence(Told):
    stage: str
    what: str


@dataclass(frozen=True, slots=True)
class NextStep(Told):
    stage: str
    what: str
    due_on: date | None = None
    owner: str | None = None
    done: bool = False
    done_on: date | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Member(Told):
    employee: str
    role: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Each in the order in which it happened; the last next step is the one that counts."""

    evidence: tuple[Evidence, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
    team: tuple[Member, ...] = ()

    @property
    def next_step(self) -> NextStep | None:
        """What happens next, unless it has happened already."""
        return self.next_steps[-1] if self.next_steps and not self.next_steps[-1].done else None

    def evidence_of(self, stage: str) -> tuple[Evidence, ...]:
        return tuple(one for one in self.evidence if one.stage == stage)


def evolve_progress(progress: Progress, event: ProgressEvent) -> Progress:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    match event:
        case EvidenceRecorded(stage=stage, what=what, on=on):
            found = placed(progress.evidence, Evidence(on, stage, what))
            return replace(progress, evidence=found)
        case NextStepAgreed(stage=stage, what=what, due_on=due_on, owner=owner, on=on):
            step = NextStep(on, stage, what, due_on, owner)
            return replace(progress, next_steps=placed(progress.next_steps, step))
        case NextStepDone(outcome=outcome, on=on):
            if progress.next_step is None:
                return progress
            done = replace(progress.next_step, done=True, done_on=on, outcome=outcome)
            return replace(progress, next_steps=(*progress.next_steps[:-1], done))
        case TeamMemberJoined(employee=employee, role=role, on=on):
            others = _without(progress.team, employee)
            return replace(progress, team=(*others, Member(on, employee, role)))
        case TeamMemberLeft(employee=employee):
            return replace(progress, team=_without(progress.team, employee))
        case _:
            assert_never(event)


def _without(team: tuple[Member, ...], employee: str) -> tuple[Member, ...]:
    return tuple(member for member in team if member.employee != employee)
