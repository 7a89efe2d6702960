"""What may be recorded of a seller's commitment (O-06): their own, and nobody else's. Pure."""

from __future__ import annotations

from typing import assert_never

from services.opportunities import state
from services.opportunities.model import OpportunityClosedError
from services.opportunities.record.commands import Commit, CommitmentCommand, WithdrawCommitment
from services.opportunities.record.commitments import Commitment
from services.opportunities.state import Opportunity
from shared.errors import DomainError
from shared.events.opportunities import CommitmentEvent, CommitmentMade, CommitmentWithdrawn


class CommitmentNotTheirsError(DomainError):
    """Only who has the opportunity commits to it."""


def decide_commitments(
    opportunity: Opportunity, command: CommitmentCommand
) -> list[CommitmentEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    held = opportunity.record.commitments.held(command.on)
    match command:
        case Commit(seller=seller, on=on):
            if opportunity.outcome is not None:
                raise OpportunityClosedError(f"it was {opportunity.outcome}")
            owner = state.held_on(opportunity.hands, on).owner
            if owner != seller:
                detail = f"it is {owner}'s" if owner else "it is nobody's yet"
                raise CommitmentNotTheirsError(detail, field="#/seller")
            said = (command.confidence, command.amount, command.currency, command.close_on)
            if held is not None and held == Commitment(held.on, seller, *said):
                return []
            return [CommitmentMade(**command.model_dump(exclude={"date_unknown"}))]
        case WithdrawCommitment(seller=seller, reason=reason, on=on):
            if held is None:
                return []
            if held.seller != seller:
                raise CommitmentNotTheirsError(f"it is {held.seller}'s", field="#/seller")
            return [CommitmentWithdrawn(seller=seller, reason=reason, on=on)]
        case _:
            assert_never(command)
