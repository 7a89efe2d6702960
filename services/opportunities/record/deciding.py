"""What may be recorded of an opportunity: its life, and all that is known about winning it. Pure.

Thresholds and stages are the deployment's; what was recorded under others stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from services.opportunities import fields, model, state
from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.model import OpportunityCommand
from services.opportunities.record import evolve_record
from services.opportunities.record.coaching_rules import decide_coaching
from services.opportunities.record.commands import (
    CoachingCommand,
    CommitmentCommand,
    DealCommand,
    MakeReal,
    PlanCommand,
    ProgressCommand,
    RecordCommand,
    SayCommand,
)
from services.opportunities.record.commitment_rules import decide_commitments
from services.opportunities.record.deal_rules import decide_deal
from services.opportunities.record.people_rules import decide_people
from services.opportunities.record.plan_rules import decide_plan
from services.opportunities.record.progress_rules import decide_progress, with_stage
from services.opportunities.record.taking_over import take_over
from services.opportunities.state import Opportunity
from shared.errors import DomainError, InvalidError
from shared.events.opportunities import OpportunityEvent, RecordEvent
from shared.handovers import TakeOver


class OpportunityRealAlreadyError(DomainError):
    """It is no latent opportunity (any more)."""


def decide_opportunity(
    opportunity: Opportunity,
    command: OpportunityCommand | RecordCommand,
    rules: OpportunitiesDefaults,
) -> list[OpportunityEvent | RecordEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case model.Discover():
            if "stage" not in command.model_fields_set:
                command = command.model_copy(update={"stage": rules.stages[0]})
            _in_order(opportunity, command.stage, rules)
            return [*model.decide(opportunity, command)]
        case model.Advance():
            return _advance(opportunity, command, rules)
        case model.Reopen(stage=stage):
            facts = model.decide(opportunity, command)
            if rules.stages_order == "enforced" and stage not in rules.stages:
                raise _no_stage(stage, rules)
            return [*facts]
        case TakeOver():
            return [*take_over(opportunity, command)]
        case _ if isinstance(command, OpportunityCommand):
            return [*model.decide(opportunity, command)]
        case _:
            return _recorded(opportunity, command, rules)


def _advance(
    opportunity: Opportunity, command: model.Advance, rules: OpportunitiesDefaults
) -> list[OpportunityEvent | RecordEvent]:
    facts = model.decide(opportunity, command)
    if facts:
        _in_order(opportunity, command.stage, rules)
    if facts:
        _shown(opportunity, command, rules)
    return [*facts, *with_stage(opportunity, command)]


def _shown(opportunity: Opportunity, command: model.Advance, rules: OpportunitiesDefaults) -> None:
    """Refuse to advance without what the deployment wants to be told with it."""
    progress = opportunity.record.progress
    shown = command.evidence or progress.evidence_of(command.stage)
    if rules.stage_evidence == "needed" and not shown:
        raise InvalidError(f"say what shows that it is {command.stage}", field="#/evidence")
    if rules.stage_next_step == "needed" and not (command.next_step or progress.next_step):
        raise InvalidError("say what happens next", field="#/next_step")


def _in_order(opportunity: Opportunity, stage: str, rules: OpportunitiesDefaults) -> None:
    """Refuse a stage that is not the next one, an earlier one or the same, where that counts."""
    if rules.stages_order == "free" or stage in fields.RESERVED:
        return
    if stage not in rules.stages:
        raise _no_stage(stage, rules)
    at = rules.stages.index(opportunity.stage) if opportunity.stage in rules.stages else -1
    known = opportunity.title is not None and at >= 0
    if known and rules.stages.index(stage) > at + 1:
        raise InvalidError(f"{rules.stages[at + 1]!r} comes before {stage!r}", field="#/stage")


def _no_stage(stage: str, rules: OpportunitiesDefaults) -> InvalidError:
    return InvalidError(f"{stage!r} is none of {', '.join(rules.stages)}", field="#/stage")


def _recorded(
    opportunity: Opportunity, command: RecordCommand, rules: OpportunitiesDefaults
) -> list[OpportunityEvent | RecordEvent]:
    if opportunity.title is None:
        raise model.OpportunityUnknownError
    if state.is_later(opportunity.discovered_on, command.on):
        raise InvalidError(
            f"{command.on} is before it was discovered, {opportunity.discovered_on}", field="#/on"
        )
    if isinstance(command, MakeReal):
        return _make_real(opportunity, command, rules)
    if isinstance(command, ProgressCommand):
        return [*decide_progress(opportunity, command)]
    if isinstance(command, SayCommand):
        return [*decide_people(opportunity, command)]
    if isinstance(command, PlanCommand):
        return [*decide_plan(opportunity.record, command)]
    if isinstance(command, CoachingCommand):
        return [*decide_coaching(opportunity, command)]
    if isinstance(command, DealCommand):
        return [*decide_deal(opportunity, command)]
    if isinstance(command, CommitmentCommand):
        return [*decide_commitments(opportunity, command)]
    assert_never(command)


def _make_real(
    opportunity: Opportunity, command: MakeReal, rules: OpportunitiesDefaults
) -> list[OpportunityEvent | RecordEvent]:
    if not opportunity.latent:
        raise OpportunityRealAlreadyError
    stage = command.stage or state.held_on(opportunity.steps, command.on).stage
    advance = model.Advance(
        stage=stage,
        evidence=command.evidence,
        on=command.on,
        date_unknown=command.date_unknown,
    )
    return _advance(opportunity, advance, rules)


def evolve_opportunity(
    opportunity: Opportunity, event: OpportunityEvent | RecordEvent
) -> Opportunity:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    if isinstance(event, OpportunityEvent):
        return state.evolve(opportunity, event)
    return replace(opportunity, record=evolve_record(opportunity.record, event))
