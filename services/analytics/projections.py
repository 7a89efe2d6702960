"""What the figures are rolled up by and labelled with: our organisation through time, and names.

Analytics keeps its own views of other domains' facts; it never asks another service. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from services.analytics.assessment_views import assessment_card
from services.analytics.kpi_views import kpi_card, kpi_review
from shared.events import Envelope
from shared.events.contacts import CompanyRegistered
from shared.events.opportunities import (
    ForecastFrozen,
    ProductListed,
    TargetSet,
    TargetWithdrawn,
)
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeJoined,
    ManagerAppointed,
    UnitFormed,
    UnitKind,
    UnitPlacedUnder,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Held:
    """What held from a date on; `since` None: for as long as we know."""

    what: str
    since: date | None


@dataclass(frozen=True, slots=True)
class OrgNode:
    """Answers: where in our organisation was this employee or unit when, and who led it?

    `under` is the unit of an employee, the parent of a unit.
    """

    node: str
    name: str | None = None
    kind: UnitKind | None = None
    under: tuple[Held, ...] = ()
    managers: tuple[Held, ...] = ()


org_tree = Projection("org_tree", version=1, view=OrgNode)


def _held(known: tuple[Held, ...], what: str, since: date | None) -> tuple[Held, ...]:
    # Learnt late is normal: kept in the order in which it held, the last recorded last.
    held = (*known, Held(what, since))
    return tuple(sorted(held, key=lambda one: one.since or date.min))


@org_tree.on(EmployeeJoined)
def employee_joined(node: OrgNode, event: EmployeeJoined, at: Envelope) -> OrgNode:
    return replace(node, name=event.name)


@org_tree.on(EmployeeAssigned)
def employee_assigned(node: OrgNode, event: EmployeeAssigned, at: Envelope) -> OrgNode:
    return replace(node, under=_held(node.under, event.unit, event.on))


@org_tree.on(UnitFormed)
def unit_formed(node: OrgNode, event: UnitFormed, at: Envelope) -> OrgNode:
    # Whatever belonged to the unit before its forming was written down stays under its parent.
    under = _held(node.under, event.parent, None) if event.parent is not None else node.under
    return replace(node, name=event.name, kind=event.kind, under=under)


@org_tree.on(UnitPlacedUnder)
def unit_placed_under(node: OrgNode, event: UnitPlacedUnder, at: Envelope) -> OrgNode:
    return replace(node, under=_held(node.under, event.parent, event.on))


@org_tree.on(ManagerAppointed)
def manager_appointed(node: OrgNode, event: ManagerAppointed, at: Envelope) -> OrgNode:
    return replace(node, managers=_held(node.managers, event.employee, event.on))


@dataclass(frozen=True, slots=True)
class Label:
    """Answers: what do people call this product or company?"""

    stream: str
    name: str | None = None


labels = Projection("labels", version=1, view=Label, streams=("product", "company"))


@labels.on(ProductListed)
def product_listed(label: Label, event: ProductListed, at: Envelope) -> Label:
    return replace(label, name=event.name)


@labels.on(CompanyRegistered)
def company_registered(label: Label, event: CompanyRegistered, at: Envelope) -> Label:
    return replace(label, name=event.name)


@dataclass(frozen=True, slots=True)
class Target:
    """Answers: what is to be reached, by whom or with what, in which period (O-07)?"""

    target: str
    owner: str | None = None
    unit: str | None = None
    product: str | None = None
    measure: Literal["value_won", "count_won"] = "value_won"
    amount: Decimal = Decimal(0)
    currency: str | None = None
    period_from: date | None = None
    period_to: date | None = None
    withdrawn: bool = False


targets = Projection(
    "target",
    version=1,
    view=Target,
    indexes=("owner", "unit", "product"),
    streams=("target",),
)


@targets.on(TargetSet)
def target_set(target: Target, event: TargetSet, at: Envelope) -> Target:
    return Target(target.target, **event.model_dump(exclude={"on"}))


@targets.on(TargetWithdrawn)
def target_withdrawn(target: Target, event: TargetWithdrawn, at: Envelope) -> Target:
    return replace(target, withdrawn=True)


@dataclass(frozen=True, slots=True)
class Line:
    """What one seller stood by, of one opportunity, when a roll-up was frozen."""

    opportunity: str
    seller: str
    confidence: Literal["commit", "upside"]
    amount: Decimal
    currency: str
    close_on: date


@dataclass(frozen=True, slots=True)
class Frozen:
    """A roll-up as its owner stood by it, from a day on."""

    on: date | None
    period_from: date
    period_to: date
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class FrozenForecast:
    """Answers: what did they stand by, each time that they froze it (O-06)?"""

    frozen_forecast: str
    owner: str | None = None
    unit: str | None = None
    frozen: tuple[Frozen, ...] = ()


frozen_forecasts = Projection(
    "frozen_forecast", version=1, view=FrozenForecast, streams=("forecast",)
)


@frozen_forecasts.on(ForecastFrozen)
def forecast_frozen(told: FrozenForecast, event: ForecastFrozen, at: Envelope) -> FrozenForecast:
    lines = tuple(Line(**line.model_dump()) for line in event.lines)
    frozen = Frozen(event.on, event.period_from, event.period_to, lines)
    return FrozenForecast(
        told.frozen_forecast,
        told.owner or event.owner,
        event.unit or told.unit,
        (*told.frozen, frozen),
    )


PROJECTIONS = (
    org_tree,
    labels,
    targets,
    frozen_forecasts,
    kpi_card,
    kpi_review,
    assessment_card,
)
