"""What the screens about the organisation show: one call each, made of several cards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from services.organization.dossiers import of_handover
from services.organization.employee_views import EmployeeCard
from services.organization.handover_views import HandoverCard
from services.organization.handovers import handover_of
from services.organization.owned_items import OwnedItem
from services.organization.projections import employee_card, handover_card, unit_card
from services.organization.reads import Reads, defaults_of
from services.organization.unit_views import UnitCard
from services.organization.workcalendar_views import DayOff
from services.organization.worktime import Workday, workday, workday_of

# What a page of a unit shows of its people and the units under it; the lists show the rest.
SHOWN_MAX = 500
HOLIDAYS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Someone:
    """A colleague as another page names them."""

    employee: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Above:
    """A unit somebody belongs to, or one above it, and who leads it."""

    unit: str
    name: str | None
    kind: str | None
    manager: Someone | None


@dataclass(frozen=True, slots=True)
class WorksBy:
    """By which calendar people work, and which days off come next; without one: the usual week."""

    calendar: str | None
    name: str | None
    today: Workday
    holidays: tuple[DayOff, ...]


@dataclass(frozen=True, slots=True)
class EmployeePage(EmployeeCard):
    """A colleague with those above them, who leads them, and when they work."""

    on_day: date | None = None
    above: tuple[Above, ...] = ()
    reports_to: Someone | None = None
    substitute: Someone | None = None
    works: WorksBy | None = None
    handover: HandoverCard | None = None


@dataclass(frozen=True, slots=True)
class HandoverPage(HandoverCard):
    """A handover with the names of both, and how many things of which kind were the leaver's.

    `left` are those that still are, `handed` those that it moved.
    """

    leaver: Someone | None = None
    taker: Someone | None = None
    left: dict[str, int] = field(default_factory=dict)
    handed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a unit: what they do there, and whether they are away."""

    employee: str
    name: str | None
    grade: str | None
    function: str | None
    roles: tuple[str, ...]
    away_until: date | None


@dataclass(frozen=True, slots=True)
class Child:
    """A unit right under another."""

    unit: str
    name: str | None
    kind: str | None
    manager: Someone | None


@dataclass(frozen=True, slots=True)
class UnitPage(UnitCard):
    """A unit with its people, the units under it and above it, and when they work there.

    `circle` names the units that were placed under each other, this one among them.
    """

    on_day: date | None = None
    led_by: Someone | None = None
    members: tuple[Member, ...] = ()
    children: tuple[Child, ...] = ()
    above: tuple[Above, ...] = ()
    circle: tuple[str, ...] = ()
    works: WorksBy | None = None
    more: bool = False


def _of(card: Any) -> dict[str, Any]:
    return {field.name: getattr(card, field.name) for field in fields(card)}


async def employee_page(reads: Reads, card: EmployeeCard, on: date) -> EmployeePage:
    """Make the page of a colleague whose cards were read."""
    now, tree = card.on(on), reads.tree
    units = tree.above(now.unit, on)
    leads = tree.reports_to(card.employee, on)
    substitute = now.away.substitute if now.away is not None else None
    names = await reads.names([leads, substitute])
    handed = await reads.seen(handover_card, handover_of(card.employee))
    return EmployeePage(
        **_of(now),
        on_day=on,
        above=await _above(reads, units, on),
        reports_to=_someone(leads, names),
        substitute=_someone(substitute, names),
        works=await _works(reads, now.unit, on, card),
        handover=None if handed is None else handed.value.on(on),
    )


async def handover_page(reads: Reads, card: HandoverCard) -> HandoverPage:
    names = await reads.names([card.employee, card.receiver])
    leaver, taker = _someone(card.employee, names), _someone(card.receiver, names)
    items = await items_of(reads, card)
    left: Counter[str] = Counter(one.kind or "" for one in items if one.owner == card.employee)
    handed: Counter[str] = Counter(one.kind or "" for one in items if one.owner != card.employee)
    return HandoverPage(**_of(card), leaver=leaver, taker=taker, left=left, handed=handed)


async def items_of(reads: Reads, card: HandoverCard) -> list[OwnedItem]:
    """Read what this handover moved, and what the leaver still has."""
    moved = await reads.items(**{"handed.handover": card.handover})
    theirs = await reads.items(owner=card.employee, open=True) if card.employee else []
    return of_handover(card, [*moved, *theirs], reads.runtime.today)


async def unit_page(reads: Reads, card: UnitCard, on: date) -> UnitPage:
    """Make the page of a unit that was read together with those above it."""
    now, tree = card.on(on), reads.tree
    members, more = await _members(reads, card.unit, on)
    children, more_units = await _children(reads, card.unit, on)
    names = await reads.names([now.manager])
    return UnitPage(
        **_of(now),
        on_day=on,
        led_by=_someone(now.manager, names),
        members=members,
        children=children,
        above=(await _above(reads, tree.above(card.unit, on), on))[1:],
        circle=tree.circle(card.unit, on),
        works=await _works(reads, card.unit, on),
        more=more or more_units,
    )


async def _members(reads: Reads, unit: str, on: date) -> tuple[tuple[Member, ...], bool]:
    found: list[Member] = []
    async for card in reads.every(employee_card, **{"assignments.unit": unit}):
        reads.employees[card.employee] = card
        now = card.on(on)
        if now.unit != unit or not now.active:
            continue
        if len(found) == SHOWN_MAX:
            return tuple(found), True
        until = None if now.away is None else now.away.last_day
        found.append(Member(now.employee, now.name, now.grade, now.function, now.roles, until))
    return tuple(found), False


async def _children(reads: Reads, unit: str, on: date) -> tuple[tuple[Child, ...], bool]:
    cards: list[UnitCard] = []
    async for card in reads.every(unit_card, **{"parents.what": unit}):
        now = card.on(on)
        if now.parent == unit:
            cards.append(now)
        if len(cards) > SHOWN_MAX:
            break
    names = await reads.names(card.manager for card in cards)
    found = [Child(c.unit, c.name, c.kind, _someone(c.manager, names)) for c in cards]
    return tuple(found[:SHOWN_MAX]), len(found) > SHOWN_MAX


async def _above(reads: Reads, units: tuple[str, ...], on: date) -> tuple[Above, ...]:
    cards = [reads.units.get(unit, UnitCard(unit)).on(on) for unit in units]
    names = await reads.names(card.manager for card in cards)
    return tuple(Above(c.unit, c.name, c.kind, _someone(c.manager, names)) for c in cards)


async def _works(
    reads: Reads, unit: str | None, on: date, card: EmployeeCard | None = None
) -> WorksBy:
    calendar = await reads.calendar(reads.tree.calendar_of(unit, on))
    defaults = defaults_of(reads.runtime)
    day = (
        workday(on, calendar, defaults)
        if card is None
        else workday_of(card, on, calendar, defaults)
    )
    if calendar is None:
        return WorksBy(None, None, day, ())
    coming = tuple(one for one in calendar.holidays if one.day >= on)
    return WorksBy(calendar.calendar, calendar.name, day, coming[:HOLIDAYS_SHOWN])


def _someone(employee: str | None, names: dict[str, str | None]) -> Someone | None:
    return None if employee is None else Someone(employee, names.get(employee))
