"""What one opportunity or touch adds to which figures. Pure: a figure is a sum of contributions.

When an entity changes, the cells get its new contributions minus its old ones. So a correction, a
handover or a late entry retracts itself, and every figure can be recomputed from the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from services.analytics.complaints import Issue, View, counted
from services.analytics.entities import (
    Entity,
    Opportunity,
    Period,
    Promise,
    Touch,
    cycle_days,
    entity_of,
    evolve,
    periods,
    promises,
)
from services.analytics.told import Step
from shared.events import Envelope

# Bump it when a measure changes: the new cells are built beside the old ones from the first fact.
VERSION = 4
TOPICS = ("opportunities", "touches", "issues")
STREAMS = frozenset({"opportunity", "touch", "issue"})

Axis = Literal["owner", "stage", "product", "company", "touch", "commitment"] | View
AXES: tuple[Axis, ...] = (*get_args(get_args(Axis)[0]), *get_args(View))


class Cell(NamedTuple):
    """One figure of one day: what became true of it on `day`, summed over the entities.

    `owner` and `value` are "" where there is none. `credited` is the day of winning or losing: the
    quarter and the place in the organisation that it counts for. It differs from `day` only where
    a decision was undone later.
    """

    measure: str
    owner: str
    axis: Axis
    value: str
    day: date
    credited: date | None = None


Contributions = Mapping[Cell, int]


def contributions(entity: Entity) -> dict[Cell, int]:
    """Say what the entity adds to which cell. Cells it adds nothing to are left out."""
    if isinstance(entity, Touch):
        assert entity.day is not None
        return {Cell("touches", entity.owner, "touch", "", entity.day): 1}
    if isinstance(entity, Issue):
        return {
            Cell(one.measure, one.owner, one.view, one.value, one.day): amount
            for one, amount in counted(entity).items()
        }
    cells: Counter[Cell] = Counter()
    discovered = False
    for period in periods(entity):
        if not discovered and not period.step.latent:
            # What is latent counts as discovered from the day on which it becomes real.
            discovered = True
            cells[Cell("discovered", period.owner, "owner", "", period.start)] += 1
        cells.update(_stage_cells(period))
        for cell, amount in _period_cells(entity, period):
            cells[cell] += amount
    for promise in promises(entity):
        for cell, amount in _promise_cells(entity, promise):
            cells[cell] += amount
    return {cell: amount for cell, amount in cells.items() if amount}


def _promise_cells(known: Opportunity, promise: Promise) -> Iterator[tuple[Cell, int]]:
    told = promise.commitment
    value = closing(told.close_on, known.product)
    for measure, amount in (
        (told.confidence, 1),
        (f"{told.confidence}_{told.currency}", told.amount),
    ):
        cell = Cell(measure, told.seller, "commitment", value, promise.start)
        yield cell, amount
        if promise.stop is not None:
            yield cell._replace(day=promise.stop), -amount


def closing(day: date | None, product: str) -> str:
    """Write down when what was committed is to close, and of which product it is."""
    return f"{day or ''}/{product}"


def closes(value: str) -> tuple[date | None, str]:
    """Read what `closing` has written."""
    day, _, product = value.partition("/")
    return (date.fromisoformat(day) if day else None), product


def _stage_cells(period: Period) -> dict[Cell, int]:
    stage, owner = period.step.stage, period.owner
    if period.step.latent:
        latent = Cell("latent", owner, "stage", stage, period.start)
        stop = [] if period.stop is None else [latent._replace(day=period.stop)]
        return {latent: 1} | dict.fromkeys(stop, -1)
    cells = {Cell("entered", owner, "stage", stage, period.start): 1}
    if period.stop is not None:
        cells[Cell("left", owner, "stage", stage, period.stop)] = 1
    return cells


def _period_cells(known: Opportunity, period: Period) -> Iterator[tuple[Cell, int]]:
    credited = period.start if period.step.decides else None
    amounts = _amounts(known, period.step)
    axes: tuple[tuple[Axis, str], ...] = (
        ("owner", ""),
        ("product", known.product),
        ("company", known.company),
    )
    for axis, value in axes:
        for measure, amount in amounts:
            yield Cell(measure, period.owner, axis, value, period.start, credited), amount
            if period.stop is not None:
                yield Cell(measure, period.owner, axis, value, period.stop, credited), -amount


def _amounts(known: Opportunity, step: Step) -> list[tuple[str, int]]:
    if not step.decides:
        return [("latent" if step.latent else "open", 1)]
    if step.kind == "lost":
        return [("lost", 1)]
    amounts = [("won", 1), (f"value_{step.currency}", step.value)]
    cycle = cycle_days(known, step)
    if cycle is not None:
        amounts += [("cycle_days", cycle), ("cycles", 1)]
    return amounts


def difference(new: Contributions, old: Contributions) -> dict[Cell, int]:
    """Return what has to be added to the cells when `old` contributions become `new` ones."""
    changed = {cell: amount - old.get(cell, 0) for cell, amount in new.items()}
    changed |= {cell: -amount for cell, amount in old.items() if cell not in new}
    return {cell: amount for cell, amount in changed.items() if amount}


def recompute(
    facts: Iterable[Envelope], zone: ZoneInfo
) -> tuple[dict[str, Entity], dict[Cell, int]]:
    """Fold a whole history: what entities and cells mean, and what `verify` compares with."""
    entities: dict[str, Entity] = {}
    for fact in facts:
        entity = entities.get(fact.stream) or entity_of(fact)
        if entity is not None:
            entities[fact.stream] = evolve(entity, fact, zone)
    cells: Counter[Cell] = Counter()
    for entity in entities.values():
        cells.update(contributions(entity))
    return entities, {cell: amount for cell, amount in cells.items() if amount}
