"""By which definitions a company measures itself, and what was talked about. Pure folds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from shared.events import Envelope
from shared.events.analytics import KpiCoached, KpiDefined, KpiRetired, KpiSwitched
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class KpiCard:
    """Answers: by which definitions can this figure be read, and which of them holds? (N-02)."""

    kpi: str
    name: str | None = None
    active: int = 0
    definitions: tuple[KpiDefined, ...] = ()
    switched_on: date | None = None
    switched_because: str | None = None
    retired: bool = False
    retired_because: str | None = None

    def defined(self, number: int | None) -> KpiDefined | None:
        """Return the definition of that number; without one, that which holds."""
        wanted = self.active if number is None else number
        return next((one for one in self.definitions if one.definition == wanted), None)


kpi_card = Projection(
    "kpi_card",
    version=2,
    view=KpiCard,
    indexes=("retired",),
    streams=("kpi",),
    published=True,
)


@kpi_card.on(KpiDefined)
def defined(card: KpiCard, event: KpiDefined, at: Envelope) -> KpiCard:
    return replace(card, name=event.name, definitions=(*card.definitions, event))


@kpi_card.on(KpiSwitched)
def switched(card: KpiCard, event: KpiSwitched, at: Envelope) -> KpiCard:
    return replace(
        card, active=event.definition, switched_on=event.on, switched_because=event.reason
    )


@kpi_card.on(KpiRetired)
def retired(card: KpiCard, event: KpiRetired, at: Envelope) -> KpiCard:
    return replace(card, retired=True, retired_because=event.reason)


@dataclass(frozen=True, slots=True)
class KpiReview:
    """Answers: what did coach and coached make of a figure of a period? (N-03)."""

    kpi_review: str
    kpi: str | None = None
    coach: str | None = None
    of: str | None = None
    period: str | None = None
    on: date | None = None
    facts: str | None = None
    problem: str | None = None
    cause: str | None = None
    actions: tuple[str, ...] = ()


kpi_review = Projection(
    "kpi_review", version=1, view=KpiReview, indexes=("kpi", "of", "period"), streams=("review",)
)


@kpi_review.on(KpiCoached)
def coached(review: KpiReview, event: KpiCoached, at: Envelope) -> KpiReview:
    return replace(review, **dict(event))
