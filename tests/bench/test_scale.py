"""What the benchmarks measure is what they say."""

from __future__ import annotations

import pytest

from services.analytics.sink import entities_of
from shared.memory import MemoryStore
from tests.bench.company import company
from tests.bench.quarter import ASKED, of, quarters, rollups, workdays
from tests.bench.reports import answering, asked
from tests.bench.scale import cost, stored


def test_the_cost_of_a_fact_is_told_at_each_power_of_ten() -> None:
    steps = dict(cost(10_000))
    assert list(steps) == [10_000]
    assert steps[10_000] > 0


async def test_so_is_that_of_a_fact_with_the_store() -> None:
    store = MemoryStore()
    steps = [step async for step in stored(store, 10_000)]
    assert [number for number, _ in steps] == [10_000]
    assert steps[0][1] > 0
    streams = {fact.stream for stream in company(20_000) for fact in stream}
    folded = {entity["_id"] for entity in await store.find(entities_of("stored"), {})}
    assert len(folded) > 1_000
    assert folded <= streams


def test_a_quarter_is_of_every_workday_and_of_its_seller() -> None:
    (known, *_) = quarters()
    days = {cell.day for cell in known if cell.axis == "touch"}
    assert days == set(workdays())
    assert {"time", "plan", "lateness", "clock", "touch", "owner", "issue_total"} <= {
        cell.axis for cell in known
    }
    theirs = of(77, known)
    # What nobody's name is on, cases by severity, stays nobody's.
    assert {cell.owner for cell in theirs} == {"", "employee-77"}
    assert sorted(theirs.values()) == sorted(known.values())


async def test_every_report_of_a_quarter_is_asked_for_over_http() -> None:
    rolled = await rollups(MemoryStore(), 30)
    assert rolled.cells > 30 * 1_000
    assert len(rolled.reports) == len(ASKED)
    assert min(rolled.first, rolled.p95, *rolled.reports.values()) > 0


async def test_a_report_that_says_nothing_is_no_measurement() -> None:
    async with answering(MemoryStore()) as client:
        with pytest.raises(AssertionError, match="says nothing"):
            await asked(client, "/analytics/workload", {"by": "team"})
