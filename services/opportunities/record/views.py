"""The one record of an opportunity, of which every page about it is made (O-05). Pure folds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, get_args

from services.opportunities import state
from services.opportunities.projections import OpportunityCard, opportunity_card
from services.opportunities.record import Record, evolve_record
from services.opportunities.record.dated import Told
from shared.dated import is_later
from shared.events import Envelope
from shared.events.opportunities import (
    OpportunityEvent,
    OpportunityReassigned,
    OpportunityWon,
    RecordEvent,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Entered(Told):
    """It entered this stage then."""

    stage: str


@dataclass(frozen=True, slots=True)
class Held(Told):
    """It came into these hands then; None: since its discovery, or nobody knows."""

    owner: str | None


@dataclass(frozen=True, slots=True)
class OpportunityRecord:
    """Answers: what do we know about winning this, and what comes next?

    `card` is None while facts are all that is known: nobody discovered it.
    """

    opportunity: str
    owner: str | None = None
    company: str | None = None
    product: str | None = None
    open: bool = False
    latent: bool = False
    card: OpportunityCard | None = None
    stages: tuple[Entered, ...] = ()
    # Since when what was latent is real; None: it is latent, or was never.
    real_on: date | None = None
    hands: tuple[Held, ...] = ()
    # Who won it: they keep the credit, also when it is handed over afterwards.
    won_by: str | None = None
    # Whose commitment counts: its owner's own, while it is open (O-06).
    committed_by: str | None = None
    committed: bool = False
    introduced_by: str | None = None
    # Whether another division than the introducing one has credit for it (O-10).
    shared: bool = False
    record: Record = field(default=Record())


opportunity_record = Projection(
    "opportunity_record",
    version=2,
    view=OpportunityRecord,
    indexes=("owner", "company", "product", "open", "won_by", "committed", "shared"),
    streams=("opportunity",),
)


def lived(view: OpportunityRecord, event: Any, at: Envelope) -> OpportunityRecord:
    """Its life goes on: as its card says, and through its stages."""
    before = view.card or OpportunityCard(view.opportunity)
    card = opportunity_card.folds[type(event)][1](before, event, at)
    assert card is not None
    steps = tuple(state.Step(one.stage, one.on) for one in view.stages)
    hands = tuple(state.Hand(one.owner, one.on) for one in view.hands)
    known = state.Opportunity(steps=steps, hands=hands) if steps else state.Opportunity()
    after = state.evolve(known, event) if steps or card.title else None
    return _told(
        view,
        owner=card.owner,
        company=card.company,
        product=card.product,
        open=card.title is not None and card.outcome is None,
        latent=card.latent,
        card=card,
        stages=tuple(Entered(on, stage) for stage, on in after.steps) if after else (),
        hands=tuple(Held(on, owner) for owner, on in after.hands) if after else (),
        won_by=_won_by(view, event, card, after),
        real_on=event.on if before.latent and not card.latent else view.real_on,
    )


def _won_by(
    view: OpportunityRecord, event: Any, card: OpportunityCard, after: state.Opportunity | None
) -> str | None:
    """Return who had it when it was won; a handover before that may be entered afterwards."""
    if card.outcome != "won" or after is None:
        return None
    if isinstance(event, OpportunityWon):
        return state.held_on(after.hands, event.on).owner
    entered_late = isinstance(event, OpportunityReassigned) and is_later(card.closed_on, event.on)
    if entered_late and card.closed_on is not None:
        return state.held_on(after.hands, card.closed_on - timedelta(days=1)).owner
    unowned = isinstance(event, OpportunityReassigned) and view.owner is None and event.on is None
    # Not a handover: the first that anybody says about the owner, who had it all along.
    return card.owner if unowned and event.reason == "unstated" else view.won_by


def known_more(view: OpportunityRecord, event: Any, at: Envelope) -> OpportunityRecord:
    """Something about winning it was told."""
    return _told(view, record=evolve_record(view.record, event))


def _told(view: OpportunityRecord, **said: Any) -> OpportunityRecord:
    """Return the view with what lists filter by, as it follows from the rest."""
    known = replace(view, **said)
    commitment, credit = known.record.commitments.now, known.record.deal.credit
    own = known.open and commitment is not None and commitment.seller == known.owner
    return replace(
        known,
        committed_by=known.owner if own else None,
        committed=own,
        introduced_by=credit.introduced_by if credit else None,
        shared=credit is not None
        and {share.division for share in credit.shares} != {credit.introduced_by},
    )


for _event in get_args(OpportunityEvent):
    opportunity_record.on(_event)(lived)
for _event in get_args(RecordEvent):
    opportunity_record.on(_event)(known_more)
