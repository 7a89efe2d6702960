"""Whose are the opportunities, and how they stand. Open until they are won or lost. Pure folds."""

from __future__ import annotations

from dataclasses import replace

from services.organization.owned_views import OwnedItem, owned_item, taken
from shared.events import Envelope
from shared.events.opportunities import (
    NextStepAgreed,
    NextStepDone,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    PersonInvolved,
    StageAdvanced,
)


@owned_item.on(OpportunityDiscovered)
def discovered(item: OwnedItem, event: OpportunityDiscovered, at: Envelope) -> OwnedItem:
    found = replace(
        item,
        kind="opportunity",
        title=event.title,
        open=True,
        stage=event.stage,
        stage_on=event.on,
        company=event.company,
        due_on=event.expected_close_on,
    )
    if event.owner is None:
        return replace(found, owner=None, owner_since=None)
    return taken(found, event.owner, None, at)


@owned_item.on(OpportunityCorrected)
def corrected(item: OwnedItem, event: OpportunityCorrected, at: Envelope) -> OwnedItem:
    return replace(item, title=event.title, company=event.company)


@owned_item.on(OpportunityRevalued)
def revalued(item: OwnedItem, event: OpportunityRevalued, at: Envelope) -> OwnedItem:
    return replace(item, due_on=event.expected_close_on)


@owned_item.on(PersonInvolved)
def involved(item: OwnedItem, event: PersonInvolved, at: Envelope) -> OwnedItem:
    return item if item.person else replace(item, person=event.person)


@owned_item.on(StageAdvanced)
def advanced(item: OwnedItem, event: StageAdvanced, at: Envelope) -> OwnedItem:
    if event.on and item.stage_on and event.on < item.stage_on:
        return item  # Learnt late: it is beyond that stage already.
    return replace(item, stage=event.stage, stage_on=event.on)


@owned_item.on(NextStepAgreed)
def next_step_agreed(item: OwnedItem, event: NextStepAgreed, at: Envelope) -> OwnedItem:
    return replace(item, next_step=event.what, next_step_on=event.due_on)


@owned_item.on(NextStepDone)
def next_step_done(item: OwnedItem, event: NextStepDone, at: Envelope) -> OwnedItem:
    return replace(item, next_step=None, next_step_on=None)


@owned_item.on(OpportunityReassigned)
def reassigned(item: OwnedItem, event: OpportunityReassigned, at: Envelope) -> OwnedItem:
    if event.on and item.owner_since and event.on < item.owner_since:
        return item  # Learnt late: it has come into other hands since.
    return taken(item, event.owner, event.on, at)


@owned_item.on(OpportunityReopened)
def reopened(item: OwnedItem, event: OpportunityReopened, at: Envelope) -> OwnedItem:
    # Whoever has it has it anew: a handover that found it closed left it with them.
    return replace(item, open=True, stage=event.stage, stage_on=event.on, held_from=at.version)


@owned_item.on(OpportunityWon)
def won(item: OwnedItem, event: OpportunityWon, at: Envelope) -> OwnedItem:
    return replace(item, open=False)


@owned_item.on(OpportunityLost)
def lost(item: OwnedItem, event: OpportunityLost, at: Envelope) -> OwnedItem:
    return replace(item, open=False)
