"""What one opportunity or touch adds to which figures. Pure: a figure is a sum of contributions.

When an entity changes, the cells get its new contributions minus its old ones. So a correction, a
handover or a late entry retracts itself, and every figure can be recomputed from the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from services.analytics.cells import Axis, Cell, Contributions, Sums
from services.analytics.complaints import Issue, count
from services.analytics.entities import Entity, Opportunity, Touch, entity_of, evolve
from services.analytics.feedback import Feedback, give
from services.analytics.hand_offs import hand_over
from services.analytics.periods import (
    Overlap,
    Period,
    S,
    at,
    bands,
    cycle_days,
    overlaps,
    periods,
    promises,
    spells,
    stale,
)
from services.analytics.series import PlannedSeries, differing, repeat
from services.analytics.told import NO_CURRENCY, Coached, Commitment, Expected, Step, carried
from services.analytics.traits import Course
from services.analytics.workload import Entry, spend
from shared.events import Envelope

# Bump it when a measure changes: the new cells are built beside the old ones from the first fact.
VERSION = 11
TOPICS = ("opportunities", "touches", "issues", "calendar", "analytics")
Kind = Literal["opportunity", "touch", "issue", "entry", "series", "review", "assessment"]
STREAMS: frozenset[str] = frozenset(get_args(Kind))


def contributions(entity: Entity) -> dict[Cell, int]:
    """Say what the entity adds to which cell. Cells it adds nothing to are left out."""
    sums = Sums()
    contribute(sums, entity)
    return sums.rest()


def contribute(sums: Sums, entity: Entity) -> None:
    """Add what the entity adds."""
    if isinstance(entity, Touch):
        assert entity.day is not None
        sums[Cell("touches", entity.owner, "touch", "", entity.day)] += 1
    elif isinstance(entity, Issue):
        count(sums, entity)
    elif isinstance(entity, Entry):
        spend(sums, entity)
    elif isinstance(entity, PlannedSeries):
        repeat(sums, entity)
    elif isinstance(entity, Feedback):
        give(sums, entity)
    else:
        _of_opportunity(sums, entity)


def _of_opportunity(sums: Sums, entity: Opportunity) -> None:
    discovered, since = False, ""
    stood = periods(entity)
    for period in stood:
        if not discovered and not period.step.latent:
            # What is latent counts as discovered from the day on which it becomes real.
            discovered = True
            since = f"{period.start:%Y-%m}"
            sums[Cell("discovered", period.owner, "owner", "", period.start)] += 1
        _stage_cells(sums, period)
        if period.step.decides or period.step.latent:
            _period_cells(sums, entity, period)
    axes = (*_axes(entity), ("age", since))
    _open_cells(sums, entity, stood, axes)
    for coached in entity.coached if stood else ():
        _coached_cell(sums, coached, stood)
    for promise in promises(entity, stood):
        _promise_cells(sums, entity, promise)
    expected = carried(entity.expected)
    _worth_cells(sums, entity, overlaps(stood, expected), axes)
    for cell, amount, stop in Course(entity, stood, since).cells(expected):
        sums.hold(cell, amount, stop)
    hand_over(sums, entity, stood)


def _open_cells(sums: Sums, known: Opportunity, stood: Sequence[Period], axes: Axes) -> None:
    were_open = [Overlap(one, None, one.start, one.stop) for one in stood if _is_open(one)]
    for spell in spells(were_open):
        for axis, value in axes:
            sums.hold(Cell("open", spell.period.owner, axis, value, spell.start), 1, spell.stop)
    about = bought(known.product, known.company)
    for unseen in stale(known, spells(were_open)):
        cell = Cell("stale", unseen.period.owner, "news", about, unseen.start)
        sums.hold(cell, 1, unseen.stop)
    for spell, band in _good(known, were_open):
        sums.hold(Cell("open", spell.period.owner, "quality", band, spell.start), 1, spell.stop)


def _promise_cells(sums: Sums, known: Opportunity, promise: Overlap[Commitment]) -> None:
    told, owner = promise.told, promise.told.seller
    value = closing(told.close_on, known.product)
    for measure, amount in (
        (told.confidence, 1),
        (f"{told.confidence}_{told.currency}", told.amount),
    ):
        cell = Cell(measure, owner, "commitment", value, promise.start)
        sums.hold(cell, amount, promise.stop)


def _is_open(period: Period) -> bool:
    return not period.step.decides and not period.step.latent


def _worth_cells(
    sums: Sums, known: Opportunity, told: Iterable[Overlap[Expected]], axes: Axes
) -> None:
    """What is open is worth what its seller says, wherever that is asked for."""
    worth = [one for one in told if one.told.amount and _is_open(one.period)]
    for one in worth:
        _worth_cell(sums, one, "stage", one.period.step.stage)
    for one in spells(worth):
        for axis, value in axes:
            _worth_cell(sums, one, axis, value)
    for one, band in _good(known, worth):
        _worth_cell(sums, one, "quality", band)


def _good(known: Opportunity, told: Iterable[Overlap[S]]) -> Iterator[tuple[Overlap[S], str]]:
    """Yield how good it was to work on while it was open, put together again where that stayed."""
    if not known.shown and not known.next_steps:
        for one in spells(told):
            yield one, "neither"
        return
    split = (
        Overlap(part.period, (part.told, band), part.start, part.stop)
        for one in told
        for part, band in bands(known, one)
    )
    for whole in spells(split):
        said, band = whole.told
        yield Overlap(whole.period, said, whole.start, whole.stop), band


def _coached_cell(sums: Sums, coached: Coached, stood: Sequence[Period]) -> None:
    period = at(stood, coached.day)
    seller = coached.seller or (period.owner if period else "")
    sums[Cell("coached", coached.coach, "feedback", seller, coached.day)] += 1


def _worth_cell(sums: Sums, one: Overlap[Expected], axis: Axis, value: str) -> None:
    measure, amount = f"open_{one.told.currency or NO_CURRENCY}", one.told.amount or 0
    sums.hold(Cell(measure, one.period.owner, axis, value, one.start), amount, one.stop)


Axes = tuple[tuple[Axis, str], ...]


def _axes(known: Opportunity) -> Axes:
    return ("owner", ""), ("product", known.product), ("company", known.company)


def closing(day: date | None, product: str) -> str:
    """Write down when what was committed is to close, and of which product it is."""
    return f"{day or ''}/{product}"


def closes(value: str) -> tuple[date | None, str]:
    """Read what `closing` has written."""
    day, _, product = value.partition("/")
    return (date.fromisoformat(day) if day else None), product


def bought(product: str, company: str) -> str:
    """Write down of which product something is, and who buys it."""
    return f"{product}/{company}"


def bought_by(value: str) -> tuple[str, str]:
    """Read what `bought` has written."""
    product, _, company = value.partition("/")
    return product, company


def _stage_cells(sums: Sums, period: Period) -> None:
    stage, owner = period.step.stage, period.owner
    if period.step.latent:
        sums.hold(Cell("latent", owner, "stage", stage, period.start), 1, period.stop)
        return
    sums[Cell("entered", owner, "stage", stage, period.start)] += 1
    if period.stop is not None:
        sums[Cell("left", owner, "stage", stage, period.stop)] += 1


def _period_cells(sums: Sums, known: Opportunity, period: Period) -> None:
    credited = period.start if period.step.decides else None
    amounts = _amounts(known, period.step)
    for axis, value in _axes(known):
        for measure, amount in amounts:
            cell = Cell(measure, period.owner, axis, value, period.start, credited)
            sums.hold(cell, amount, period.stop)


def _amounts(known: Opportunity, step: Step) -> list[tuple[str, int]]:
    if not step.decides:
        return [("latent", 1)]
    if step.kind == "lost":
        return [("lost", 1)]
    amounts = [("won", 1), (f"value_{step.currency}", step.value)]
    if step.profit is not None:
        amounts.append((f"profit_{step.currency}", step.profit))
    cycle = cycle_days(known, step)
    if cycle is not None:
        amounts += [("cycle_days", cycle), ("cycles", 1)]
    return amounts


def change(before: Entity | None, after: Entity) -> dict[Cell, int]:
    """Return what has to be added to the cells when an entity has become another than it was."""
    if isinstance(before, PlannedSeries) and isinstance(after, PlannedSeries):
        return _change_of_series(before, after)
    return difference(contributions(after), {} if before is None else contributions(before))


def _change_of_series(before: PlannedSeries, after: PlannedSeries) -> dict[Cell, int]:
    """As of any entity; but what becomes of one of its times does not ask for those of years."""
    days = differing(before, after)
    new, old = Sums(), Sums()
    repeat(new, after, days)
    repeat(old, before, days)
    return difference(new, old)


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
    fold(entities, facts, zone)
    sums = Sums()
    for entity in entities.values():
        contribute(sums, entity)
    return entities, sums.rest()


def fold(entities: dict[str, Entity], facts: Iterable[Envelope], zone: ZoneInfo) -> None:
    """Fold facts into the entities that they belong to, each stream's in order."""
    for fact in facts:
        entity = entities.get(fact.stream) or entity_of(fact)
        if entity is not None:
            entities[fact.stream] = evolve(entity, fact, zone)
