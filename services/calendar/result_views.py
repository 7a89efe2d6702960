"""What sellers won, to be set beside the time it took (K-10). Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from shared.events import Envelope
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityWon,
    OutcomeCorrected,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class OpportunityResult:
    """Answers: who won this, when, and what is it worth? (K-10).

    `owner` is who is responsible now; `won_by` who was when it was won. Won on a day that nobody
    knows, it is no result of any days.
    """

    opportunity: str
    owner: str | None = None
    won_by: str | None = None
    won_on: date | None = None
    value: str | None = None
    currency: str | None = None


opportunity_result = Projection(
    "opportunity_result",
    version=1,
    view=OpportunityResult,
    indexes=("won_by", "won_on"),
    streams=("opportunity",),
)


@opportunity_result.on(OpportunityDiscovered)
def discovered(
    view: OpportunityResult, event: OpportunityDiscovered, at: Envelope
) -> OpportunityResult:
    return replace(view, owner=event.owner)


@opportunity_result.on(OpportunityReassigned)
def reassigned(
    view: OpportunityResult, event: OpportunityReassigned, at: Envelope
) -> OpportunityResult:
    return replace(view, owner=event.owner)


@opportunity_result.on(OpportunityWon)
def won(view: OpportunityResult, event: OpportunityWon, at: Envelope) -> OpportunityResult:
    return replace(
        view,
        won_by=view.owner,
        won_on=event.on,
        value=str(event.value),
        currency=event.currency,
    )


@opportunity_result.on(OutcomeCorrected)
def corrected(view: OpportunityResult, event: OutcomeCorrected, at: Envelope) -> OpportunityResult:
    if view.value is None:
        return view
    value = view.value if event.value is None else str(event.value)
    return replace(
        view,
        won_on=event.on or view.won_on,
        value=value,
        currency=event.currency or view.currency,
    )


@opportunity_result.on(OpportunityLost)
def lost(view: OpportunityResult, event: OpportunityLost, at: Envelope) -> OpportunityResult:
    return OpportunityResult(view.opportunity, owner=view.owner)


@opportunity_result.on(OpportunityReopened)
def reopened(
    view: OpportunityResult, event: OpportunityReopened, at: Envelope
) -> OpportunityResult:
    return OpportunityResult(view.opportunity, owner=view.owner)
