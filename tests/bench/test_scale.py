"""What the benchmarks measure is what they say."""

from __future__ import annotations

from services.analytics.cells import Cell
from shared.memory import MemoryStore
from tests.bench.scale import cost, quarter, rollup


def test_the_cost_of_a_fact_is_told_at_each_power_of_ten() -> None:
    steps = dict(cost(10_000))
    assert list(steps) == [10_000]
    assert steps[10_000] > 0


def test_a_quarter_has_cells_of_every_workday() -> None:
    cells = list(quarter(2))
    assert len({cell.owner for cell, _ in cells}) == 2
    assert all(isinstance(cell, Cell) and cell.day.weekday() < 5 for cell, _ in cells)
    assert len(cells) == 2 * 4 * len({cell.day for cell, _ in cells})


async def test_a_report_over_few_sellers_is_read_and_summed() -> None:
    rolled = await rollup(MemoryStore(), 20)
    assert min(rolled) > 0
