"""What may be recorded of an opportunity's rest, credit and hand-off (O-10, O-12). Pure."""

from __future__ import annotations

from typing import assert_never

from services.opportunities.model import OpportunityClosedError
from services.opportunities.record.commands import (
    DealCommand,
    ReportHandOff,
    Resume,
    ShareCredit,
    Snooze,
)
from services.opportunities.record.dated import held_on
from services.opportunities.record.deal import Deal, DivisionShare, Snoozed, handed_off
from services.opportunities.state import Opportunity
from shared.errors import InvalidError
from shared.events.opportunities import (
    CreditShare,
    CreditShared,
    DealEvent,
    HandOffReported,
    OpportunityResumed,
    OpportunitySnoozed,
)


def decide_deal(opportunity: Opportunity, command: DealCommand) -> list[DealEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    deal = opportunity.record.deal
    match command:
        case Snooze(reason=reason, resume_on=resume_on, on=on):
            if opportunity.outcome is not None:
                raise OpportunityClosedError(f"it was {opportunity.outcome}")
            if on is not None and resume_on <= on:
                raise InvalidError(f"{resume_on} is not after {on}", field="#/resume_on")
            if deal.snoozed == Snoozed(on, reason, resume_on):
                return []
            return [OpportunitySnoozed(reason=reason, resume_on=resume_on, on=on)]
        case Resume(reason=reason, on=on):
            return [] if deal.snoozed is None else [OpportunityResumed(reason=reason, on=on)]
        case ShareCredit():
            return _share(deal, command)
        case ReportHandOff(step=step, on=on):
            # It comes from outside and has happened: what we make of it is no reason to refuse it.
            if (command.amount is None) != (command.currency is None):
                raise InvalidError("amount and currency come together", field="#/currency")
            reported = HandOffReported(**command.model_dump(exclude={"date_unknown"}))
            held = deal.hand_off(step, on)
            return [] if held and held.says(handed_off(reported)) else [reported]
        case _:
            assert_never(command)


def _share(deal: Deal, command: ShareCredit) -> list[DealEvent]:
    ordered = sorted(command.shares, key=lambda share: (-share.percent, share.division))
    held = held_on(deal.credits, command.on, lambda _: True)
    shares = tuple(DivisionShare(one.division, one.percent) for one in ordered)
    if held is not None and (held.introduced_by, held.shares) == (command.introduced_by, shares):
        return []
    return [
        CreditShared(
            introduced_by=command.introduced_by,
            shares=tuple(
                CreditShare(division=one.division, percent=one.percent) for one in ordered
            ),
            on=command.on,
        )
    ]
