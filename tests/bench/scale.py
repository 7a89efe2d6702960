"""What a fact costs in a small and in a large history, and what a report over many sellers does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from statistics import median
from typing import NamedTuple

from services.analytics.cells import Cell, Sums
from services.analytics.entities import Entity, entity_of, evolve
from services.analytics.forecast import Span
from services.analytics.kept_cells import Mirrors, add_cells
from services.analytics.measures import contributions, difference
from services.analytics.pipeline import tallied
from services.analytics.projections import Held, OrgNode
from services.analytics.tree import Organization
from services.analytics.workload_report import TIMES, grain, in_workload
from shared.events import Envelope
from shared.store import Store
from tests.bench.company import company
from tests.bench.replay import ZONE

AT_ONCE = 10_000
QUARTER = Span(date(2026, 1, 1), date(2026, 3, 31))
TEAMS = 500


def cost(facts: int) -> Iterator[tuple[int, float]]:
    """Fold a history as the worker does, fact by fact; yield how many, and µs a fact, by steps.

    A step ends at each power of ten from ten thousand on; its cost is of its own last facts.
    """
    entities: dict[str, Entity] = {}
    sums, told, steps = Sums(), 0, [n for n in (10_000, 100_000, 1_000_000) if n <= facts]
    pending: list[list[Envelope]] = []
    taken = 0.0
    last = 0
    # A few more, so that the last step is whole.
    for stream in company(facts + AT_ONCE):
        pending.append(stream)
        last += len(stream)
        if last < AT_ONCE:
            continue
        began = time.perf_counter()
        for history in pending:
            for fact in history:
                before = entities.get(fact.stream)
                blank = before or entity_of(fact)
                assert blank is not None
                after = entities[fact.stream] = evolve(blank, fact, ZONE)
                old = contributions(before) if before is not None else {}
                for cell, amount in difference(contributions(after), old).items():
                    sums[cell] += amount
        taken = time.perf_counter() - began
        told += last
        if steps and told >= steps[0]:
            yield steps.pop(0), taken / last * 1e6
        pending, last = [], 0


def quarter(sellers: int) -> Iterator[tuple[Cell, int]]:
    """Yield the cells of a quarter of work of so many sellers: some minutes on every workday."""
    chance = Random(sellers)
    for number in range(sellers):
        owner = f"employee-{number}"
        for day in range(90):
            on = date(2026, 1, 1) + timedelta(days=day)
            if on.weekday() < 5:
                for category in ("customer", "internal", "travel"):
                    minutes = chance.randrange(30, 240)
                    yield Cell("actual", owner, "time", category, on), minutes
                yield Cell("plans", owner, "plan", "", on), 4


def organization(sellers: int) -> Organization:
    nodes = {"unit-all": OrgNode("unit-all", "All", "company")}
    for number in range(TEAMS):
        under = (Held("unit-all", None),)
        nodes[f"unit-{number}"] = OrgNode(f"unit-{number}", f"Team {number}", "team", under)
    for number in range(sellers):
        under = (Held(f"unit-{number % TEAMS}", None),)
        nodes[f"employee-{number}"] = OrgNode(f"employee-{number}", None, None, under)
    return Organization(nodes)


class Rolled(NamedTuple):
    """Seconds to read the cells for the first time, and to make a report by team of them."""

    reading: float
    reporting: float


async def rollup(store: Store, sellers: int) -> Rolled:
    """Write the cells of a quarter, then make a report by team of them."""
    at_once: dict[Cell, int] = {}
    for number, (cell, amount) in enumerate(quarter(sellers)):
        at_once[cell] = amount
        if len(at_once) == AT_ONCE:
            await _add(store, number, at_once)
            at_once = {}
    await _add(store, 0, at_once)
    mirrors = Mirrors()
    async with store.transaction() as tx:
        began = time.perf_counter()
        await mirrors.read(tx, "rollup")
        reading = time.perf_counter() - began
    took = []
    for _ in range(5):
        placed = organization(sellers)  # It remembers places: each report asks for them anew.
        began = time.perf_counter()
        async with store.transaction() as tx:
            tables = await mirrors.read(tx, "rollup")
        cells = tables.cells(TIMES, grain("team", placed, QUARTER, None))
        rows = tallied(cells, in_workload("team", placed, QUARTER, None))
        took.append(time.perf_counter() - began)
        assert len(rows) == min(TEAMS, sellers)
    return Rolled(reading, median(took))


async def _add(store: Store, number: int, cells: dict[Cell, int]) -> None:
    async with store.transaction() as tx:
        await add_cells(tx, "rollup", {f"calendar/{number % 4}": cells})
