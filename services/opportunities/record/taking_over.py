"""What comes into the receiver's hands with an opportunity that is handed over (C-09). Pure."""

from __future__ import annotations

from datetime import date

from services.opportunities import model
from services.opportunities.state import Opportunity
from shared.events.opportunities import (
    ActionAgreed,
    NextStepAgreed,
    OpportunityEvent,
    PlanEvent,
    ProgressEvent,
)
from shared.handovers import TakeOver


def take_over(
    opportunity: Opportunity, command: TakeOver
) -> list[OpportunityEvent | ProgressEvent | PlanEvent]:
    """Give the receiver the opportunity, its next step, and what the giver was to do for it."""
    moved = model.decide(opportunity, command)
    if not moved:
        return []
    return [*moved, *_next_step(opportunity, command), *_actions(opportunity, command)]


def _next_step(opportunity: Opportunity, command: TakeOver) -> list[ProgressEvent]:
    step = opportunity.record.progress.next_step
    if step is None or not command.moves(step.owner):
        return []
    agreed = NextStepAgreed(
        stage=step.stage,
        what=step.what,
        due_on=step.due_on,
        owner=command.receiver,
        on=_not_before(step.on, command.on),
    )
    return [agreed]


def _actions(opportunity: Opportunity, command: TakeOver) -> list[PlanEvent]:
    return [
        ActionAgreed(
            action=one.action,
            what=one.what,
            owner=command.receiver,
            due_on=one.due_on,
            session=one.session,
            on=_not_before(one.on, command.on),
        )
        for one in opportunity.record.plan.actions
        if one.state == "open" and command.moves(one.owner)
    ]


def _not_before(known: date | None, on: date | None) -> date | None:
    """Return the day of the handover, or that of what it follows where that is later."""
    return known if known is not None and on is not None and known > on else on
