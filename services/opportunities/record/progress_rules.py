"""What may be recorded of an opportunity's progress (O-01). Pure."""

from __future__ import annotations

from typing import assert_never

from services.opportunities import model, state
from services.opportunities.record.commands import (
    AgreeNextStep,
    CompleteNextStep,
    JoinTeam,
    LeaveTeam,
    ProgressCommand,
    RecordEvidence,
)
from services.opportunities.record.progress import Evidence
from services.opportunities.state import Opportunity
from shared.errors import DomainError
from shared.events.opportunities import (
    EvidenceRecorded,
    NextStepAgreed,
    NextStepDone,
    ProgressEvent,
    TeamMemberJoined,
    TeamMemberLeft,
)


class NoNextStepError(DomainError):
    """Nothing was agreed to happen next, or it has happened."""


def decide_progress(opportunity: Opportunity, command: ProgressCommand) -> list[ProgressEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    progress = opportunity.record.progress
    match command:
        case RecordEvidence(what=what, on=on):
            stage = command.stage or state.held_on(opportunity.steps, on).stage
            return _evidence(opportunity, EvidenceRecorded(stage=stage, what=what, on=on))
        case AgreeNextStep(what=what, due_on=due_on, owner=owner, on=on):
            stage = state.held_on(opportunity.steps, on).stage
            step = NextStepAgreed(stage=stage, what=what, due_on=due_on, owner=owner, on=on)
            return _next_step(opportunity, step)
        case CompleteNextStep(outcome=outcome, on=on):
            if progress.next_step is None:
                raise NoNextStepError
            return [NextStepDone(outcome=outcome, on=on)]
        case JoinTeam(employee=employee, role=role, on=on):
            if any((one.employee, one.role) == (employee, role) for one in progress.team):
                return []
            return [TeamMemberJoined(employee=employee, role=role, on=on)]
        case LeaveTeam(employee=employee, reason=reason, on=on):
            if all(one.employee != employee for one in progress.team):
                return []
            return [TeamMemberLeft(employee=employee, reason=reason, on=on)]
        case _:
            assert_never(command)


def with_stage(opportunity: Opportunity, command: model.Advance) -> list[ProgressEvent]:
    """Return what is told with a stage: what shows it, and what happens next."""
    facts: list[ProgressEvent] = []
    if command.evidence is not None:
        shown = EvidenceRecorded(stage=command.stage, what=command.evidence, on=command.on)
        facts += _evidence(opportunity, shown)
    if command.next_step is not None:
        step = NextStepAgreed(
            stage=command.stage,
            what=command.next_step,
            due_on=command.next_step_due_on,
            owner=opportunity.owner,
            on=command.on,
        )
        facts += _next_step(opportunity, step)
    return facts


def _evidence(opportunity: Opportunity, event: EvidenceRecorded) -> list[ProgressEvent]:
    known = Evidence(event.on, event.stage, event.what) in opportunity.record.progress.evidence
    return [] if known else [event]


def _next_step(opportunity: Opportunity, event: NextStepAgreed) -> list[ProgressEvent]:
    told = (event.on, event.stage, event.what, event.due_on, event.owner)
    known = any(
        not step.done and (step.on, step.stage, step.what, step.due_on, step.owner) == told
        for step in opportunity.record.progress.next_steps
    )
    return [] if known else [event]
