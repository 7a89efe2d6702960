"""What the figures are rolled up by and labelled with: our organisation through time, and names.

Analytics keeps its own views of other domains' facts; it never asks another service. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from services.analytics.assessment_views import assessment_card
from services.analytics.diary import diary
from services.analytics.kpi_views import kpi_card, kpi_review
from services.analytics.looks import looks
from services.analytics.work_places import PLACES, seller_zone
from shared.events import Envelope
from shared.events.contacts import (
    CompanyDescribed,
    CompanyRegistered,
    PersonDetailsStated,
    PersonRegistered,
)
from shared.events.opportunities import (
    ForecastFrozen,
    ProductListed,
    TargetSet,
    TargetWithdrawn,
)
from shared.events.organization import (
    EmployeeAbsenceCancelled,
    EmployeeAbsencePlanned,
    EmployeeAssigned,
    EmployeeFunctionTaken,
    EmployeeJoined,
    EmployeeLeft,
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
class Away:
    """Somebody is away from the first to the last of these days."""

    absence: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class OrgNode:
    """Answers: where in our organisation was this employee or unit when, and who led it?

    `under` is the unit of an employee, the parent of a unit; an employee has functions, days on
    which they came and left, and days on which they are away.
    """

    node: str
    name: str | None = None
    kind: UnitKind | None = None
    under: tuple[Held, ...] = ()
    managers: tuple[Held, ...] = ()
    functions: tuple[Held, ...] = ()
    joined_on: date | None = None
    left_on: date | None = None
    away: tuple[Away, ...] = ()


org_tree = Projection("org_tree", version=2, view=OrgNode)


def _held(known: tuple[Held, ...], what: str, since: date | None) -> tuple[Held, ...]:
    # Learnt late is normal: kept in the order in which it held, the last recorded last.
    held = (*known, Held(what, since))
    return tuple(sorted(held, key=lambda one: one.since or date.min))


@org_tree.on(EmployeeJoined)
def employee_joined(node: OrgNode, event: EmployeeJoined, at: Envelope) -> OrgNode:
    held = () if event.function is None else (Held(event.function, None),)
    # Who comes back is here again.
    return replace(
        node,
        name=event.name,
        functions=(*held, *node.functions),
        joined_on=event.on,
        left_on=None,
    )


@org_tree.on(EmployeeFunctionTaken)
def function_taken(node: OrgNode, event: EmployeeFunctionTaken, at: Envelope) -> OrgNode:
    return replace(node, functions=_held(node.functions, event.function, event.on))


@org_tree.on(EmployeeLeft)
def employee_left(node: OrgNode, event: EmployeeLeft, at: Envelope) -> OrgNode:
    return replace(node, left_on=event.on or at.recorded_at.date())


@org_tree.on(EmployeeAbsencePlanned)
def absence_planned(node: OrgNode, event: EmployeeAbsencePlanned, at: Envelope) -> OrgNode:
    others = tuple(one for one in node.away if one.absence != event.absence)
    away = Away(event.absence, event.first_day, event.last_day)
    return replace(node, away=(*others, away))


@org_tree.on(EmployeeAbsenceCancelled)
def absence_cancelled(node: OrgNode, event: EmployeeAbsenceCancelled, at: Envelope) -> OrgNode:
    return replace(node, away=tuple(one for one in node.away if one.absence != event.absence))


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
    """Answers: what do people call this product or company, and of which segment is it?

    A company's segment is the sector that was stated of it last, by the day of the statement.
    """

    stream: str
    name: str | None = None
    segment: str | None = None
    segment_on: date | None = None


labels = Projection("labels", version=2, view=Label, streams=("product", "company"))


@labels.on(ProductListed)
def product_listed(label: Label, event: ProductListed, at: Envelope) -> Label:
    return replace(label, name=event.name)


@labels.on(CompanyRegistered)
def company_registered(label: Label, event: CompanyRegistered, at: Envelope) -> Label:
    return replace(label, name=event.name)


@labels.on(CompanyDescribed)
def company_described(label: Label, event: CompanyDescribed, at: Envelope) -> Label:
    known = label.segment_on or date.min
    if event.sector is None or (event.on or date.min) < known:
        return label
    return replace(label, segment=event.sector, segment_on=event.on or label.segment_on)


@dataclass(frozen=True, slots=True)
class PersonLabel:
    """Answers: what do people call this person?"""

    person: str
    name: str | None = None
    named_on: date | None = None


person_label = Projection("person_label", version=1, view=PersonLabel, streams=("person",))


@person_label.on(PersonRegistered)
def person_registered(label: PersonLabel, event: PersonRegistered, at: Envelope) -> PersonLabel:
    return replace(label, name=event.name, named_on=event.on)


@person_label.on(PersonDetailsStated)
def details_stated(label: PersonLabel, event: PersonDetailsStated, at: Envelope) -> PersonLabel:
    if event.name is None or (event.on or date.min) < (label.named_on or date.min):
        return label
    return replace(label, name=event.name, named_on=event.on or label.named_on)


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
    version=2,
    view=Target,
    indexes=("owner", "unit", "product"),
    streams=("target",),
    published=True,
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
    "frozen_forecast", version=2, view=FrozenForecast, streams=("forecast",), published=True
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
    diary,
    person_label,
    looks,
    *PLACES,
    seller_zone,
)
