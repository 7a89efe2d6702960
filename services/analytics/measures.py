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
from services.analytics.entities import Entity, Opportunity, Touch, entity_of, evolve
from services.analytics.passages import passages, slips
from services.analytics.periods import (
    Overlap,
    Period,
    cycle_days,
    overlaps,
    periods,
    promises,
    spells,
)
from services.analytics.told import NO_CURRENCY, Commitment, Expected, Step, carried
from services.analytics.workload import Entry, TimeAxis, spent
from shared.events import Envelope

# Bump it when a measure changes: the new cells are built beside the old ones from the first fact.
VERSION = 5
TOPICS = ("opportunities", "touches", "issues", "calendar")
Kind = Literal["opportunity", "touch", "issue", "entry"]
STREAMS: frozenset[str] = frozenset(get_args(Kind))

# Of opportunities; how often they were put off, and what passed which stage; of the rest.
DealAxis = Literal["owner", "stage", "product", "company", "age", "passage", "slip", "commitment"]
Axis = DealAxis | Literal["touch"] | TimeAxis | View
AXES: tuple[Axis, ...] = (*get_args(DealAxis), "touch", *get_args(TimeAxis), *get_args(View))


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
    if isinstance(entity, Entry):
        return {
            Cell(one.measure, entity.seller, one.axis, one.value, one.day): amount
            for one, amount in spent(entity).items()
        }
    return _of_opportunity(entity)


def _of_opportunity(entity: Opportunity) -> dict[Cell, int]:
    cells: Counter[Cell] = Counter()
    discovered, since = False, ""
    stood = periods(entity)
    for period in stood:
        if not discovered and not period.step.latent:
            # What is latent counts as discovered from the day on which it becomes real.
            discovered = True
            since = f"{period.start:%Y-%m}"
            cells[Cell("discovered", period.owner, "owner", "", period.start)] += 1
        cells.update(_stage_cells(period))
        if period.step.decides or period.step.latent:
            for cell, amount in _period_cells(entity, period):
                cells[cell] += amount
    for spell in spells(Overlap(one, None, one.start, one.stop) for one in stood if _is_open(one)):
        owner = spell.period.owner
        for axis, value in (*_axes(entity), ("age", since)):
            _from_to(cells, Cell("open", owner, axis, value, spell.start), 1, spell.stop)
    for promise in promises(entity):
        _promise_cells(cells, entity, promise)
    expected = carried(entity.expected)
    _worth_cells(cells, entity, overlaps(entity, expected), since)
    for passed in passages(stood):
        cell = Cell(passed.measure, passed.owner, "passage", passed.stage, passed.start)
        _from_to(cells, cell, passed.amount, passed.stop)
    for slip in slips(stood, expected):
        cell = Cell(slip.measure, slip.owner, "slip", "", slip.start)
        _from_to(cells, cell, slip.amount, slip.stop)
    return {cell: amount for cell, amount in cells.items() if amount}


def _from_to(cells: Counter[Cell], cell: Cell, amount: int, stop: date | None) -> None:
    """Add an amount from the cell's day on; take it away again on the day on which it stops."""
    cells[cell] += amount
    if stop is not None:
        # Half the cost of `_replace`, and there are many of them.
        cells[Cell(cell[0], cell[1], cell[2], cell[3], stop, cell[5])] -= amount


def _promise_cells(cells: Counter[Cell], known: Opportunity, promise: Overlap[Commitment]) -> None:
    told, owner = promise.told, promise.told.seller
    value = closing(told.close_on, known.product)
    for measure, amount in (
        (told.confidence, 1),
        (f"{told.confidence}_{told.currency}", told.amount),
    ):
        cell = Cell(measure, owner, "commitment", value, promise.start)
        _from_to(cells, cell, amount, promise.stop)


def _is_open(period: Period) -> bool:
    return not period.step.decides and not period.step.latent


def _worth_cells(
    cells: Counter[Cell], known: Opportunity, told: Iterable[Overlap[Expected]], since: str
) -> None:
    """What is open is worth what its seller says, wherever that is asked for."""
    worth = [one for one in told if one.told.amount and _is_open(one.period)]
    for one in worth:
        _worth_cell(cells, one, "stage", one.period.step.stage)
    for one in spells(worth):
        for axis, value in (*_axes(known), ("age", since)):
            _worth_cell(cells, one, axis, value)


def _worth_cell(cells: Counter[Cell], one: Overlap[Expected], axis: Axis, value: str) -> None:
    measure, amount = f"open_{one.told.currency or NO_CURRENCY}", one.told.amount or 0
    _from_to(cells, Cell(measure, one.period.owner, axis, value, one.start), amount, one.stop)


def _axes(known: Opportunity) -> tuple[tuple[Axis, str], ...]:
    return ("owner", ""), ("product", known.product), ("company", known.company)


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
    for axis, value in _axes(known):
        for measure, amount in amounts:
            yield Cell(measure, period.owner, axis, value, period.start, credited), amount
            if period.stop is not None:
                yield Cell(measure, period.owner, axis, value, period.stop, credited), -amount


def _amounts(known: Opportunity, step: Step) -> list[tuple[str, int]]:
    if not step.decides:
        return [("latent", 1)]
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
