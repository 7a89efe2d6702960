"""What we want to sell those a meeting is with, and what it costs (K-12). Pure folds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.calendar.around_views import Owed
from shared.events import Envelope
from shared.events.opportunities import (
    ActionAgreed,
    ActionDone,
    ActionDropped,
    NextStepAgreed,
    NextStepDone,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReopened,
    OpportunityWon,
    PersonInvolved,
    ProductListed,
    ProductRepriced,
    StageAdvanced,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class OpportunityAround:
    """Answers: what do we want to sell them, how far is it, what do we owe? (K-12)."""

    opportunity: str
    title: str | None = None
    stage: str | None = None
    company: str | None = None
    product: str | None = None
    people: tuple[str, ...] = ()
    outcome: str | None = None
    next_step: Owed | None = None
    owed: tuple[Owed, ...] = ()


opportunity_around = Projection(
    "opportunity_around",
    version=1,
    view=OpportunityAround,
    indexes=("people", "company"),
    streams=("opportunity",),
)


@opportunity_around.on(OpportunityDiscovered)
def discovered(
    view: OpportunityAround, event: OpportunityDiscovered, at: Envelope
) -> OpportunityAround:
    return replace(
        view, title=event.title, stage=event.stage, company=event.company, product=event.product
    )


@opportunity_around.on(OpportunityCorrected)
def corrected(
    view: OpportunityAround, event: OpportunityCorrected, at: Envelope
) -> OpportunityAround:
    return replace(view, title=event.title, company=event.company, product=event.product)


@opportunity_around.on(StageAdvanced)
def advanced(view: OpportunityAround, event: StageAdvanced, at: Envelope) -> OpportunityAround:
    return replace(view, stage=event.stage)


@opportunity_around.on(PersonInvolved)
def involved(view: OpportunityAround, event: PersonInvolved, at: Envelope) -> OpportunityAround:
    return replace(view, people=tuple(sorted({*view.people, event.person})))


@opportunity_around.on(OpportunityWon)
def won(view: OpportunityAround, event: OpportunityWon, at: Envelope) -> OpportunityAround:
    return replace(view, outcome="won")


@opportunity_around.on(OpportunityLost)
def lost(view: OpportunityAround, event: OpportunityLost, at: Envelope) -> OpportunityAround:
    return replace(view, outcome="lost")


@opportunity_around.on(OpportunityReopened)
def reopened(
    view: OpportunityAround, event: OpportunityReopened, at: Envelope
) -> OpportunityAround:
    return replace(view, outcome=None, stage=event.stage)


@opportunity_around.on(NextStepAgreed)
def step_agreed(view: OpportunityAround, event: NextStepAgreed, at: Envelope) -> OpportunityAround:
    return replace(view, next_step=Owed(event.what, event.stage, event.owner, event.due_on))


@opportunity_around.on(NextStepDone)
def step_done(view: OpportunityAround, event: NextStepDone, at: Envelope) -> OpportunityAround:
    return replace(view, next_step=None)


@opportunity_around.on(ActionAgreed)
def action_agreed(view: OpportunityAround, event: ActionAgreed, at: Envelope) -> OpportunityAround:
    owed = Owed(event.what, event.action, event.owner, event.due_on)
    return replace(view, owed=(*_without(view, event.action), owed))


@opportunity_around.on(ActionDone)
def action_done(view: OpportunityAround, event: ActionDone, at: Envelope) -> OpportunityAround:
    return replace(view, owed=_without(view, event.action))


@opportunity_around.on(ActionDropped)
def action_dropped(
    view: OpportunityAround, event: ActionDropped, at: Envelope
) -> OpportunityAround:
    return replace(view, owed=_without(view, event.action))


def _without(view: OpportunityAround, action: str) -> tuple[Owed, ...]:
    return tuple(one for one in view.owed if one.key != action)


@dataclass(frozen=True, slots=True)
class ProductAround:
    """Answers: what is this product called and what does it cost? (K-12)."""

    product: str
    name: str | None = None
    series: str | None = None
    price: str | None = None
    currency: str | None = None


product_around = Projection("product_around", version=1, view=ProductAround, streams=("product",))


@product_around.on(ProductListed)
def product_listed(view: ProductAround, event: ProductListed, at: Envelope) -> ProductAround:
    price = None if event.price is None else str(event.price)
    return replace(view, name=event.name, series=event.series, price=price, currency=event.currency)


@product_around.on(ProductRepriced)
def product_repriced(view: ProductAround, event: ProductRepriced, at: Envelope) -> ProductAround:
    return replace(view, price=str(event.price), currency=event.currency)
