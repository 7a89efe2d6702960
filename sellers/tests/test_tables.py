"""Whatever the width, a table is no wider, and every figure is there whole."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rich.cells import cell_len
from rich.console import Console

from sellers.report import attainment_table, pipeline_table, workload_table
from sellers.tables import Bar, columns

PIPELINE = [
    {
        "key": name,
        "count": 219,
        "open": 57,
        "won": 83,
        "lost": 79,
        "value_open": "123123123",
        "value_won": won,
        "win_rate": "51.23",
        "mean_cycle_days": "67.7",
    }
    for name, won in (("수도권 Metropolitan", "727896"), ("해외 Overseas", "54610600"))
]
WORKLOAD = [
    {
        "key": "Anna Snelling",
        "work_minutes": 12_345,
        "planned_minutes": 12_000,
        "shares": {"customer": "54.2", "reporting": "3.1"},
        "plans": 120,
        "kept_share": "88.12",
        "on_time_share": "76.1",
        "missed": 3,
        "displaced": 4,
        "carried_opportunities": 1_002,
        "carried_issues": 3,
    }
]
ATTAINMENT = [
    {
        "name": "Anna",
        "period_from": "2026-01-01",
        "period_to": "2026-03-31",
        "amount": "1000000",
        "won": "727896",
        "percent": "72.79",
    }
]


def drawn(table: object, width: int) -> str:
    console = Console(width=width, soft_wrap=True, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


@pytest.mark.parametrize("width", [32, 40, 60, 80, 100, 132, 200])
@pytest.mark.parametrize(
    ("table", "figures"),
    [
        (pipeline_table(PIPELINE, "region"), ["123,123,123", "54,610,600", "727,896", "51.23 %"]),
        (workload_table(WORKLOAD, "seller"), ["206", "54.20 %", "88.12 %", "76.10 %", "1,002"]),
        (attainment_table(ATTAINMENT), ["1,000,000", "727,896", "72.79 %"]),
    ],
    ids=["pipeline", "workload", "attainment"],
)
def test_nothing_is_cut_or_sticks_out(table: object, figures: list[str], width: int) -> None:
    told = drawn(table, width)
    assert max(cell_len(line) for line in told.splitlines()) <= width
    assert "…" not in told
    for figure in figures:
        assert figure in told


def test_what_gives_way_first() -> None:
    """All of it; then shorter bars and stacked headings; then no bars; then a list a row."""
    table = pipeline_table(PIPELINE, "region")
    bars = [drawn(table, width).count("█") for width in (160, 92, 80)]
    assert bars[0] > bars[1] > bars[2] == 0, bars
    headings = [line for line in drawn(table, 160).splitlines() if "days to win" in line]
    assert len(headings) == 1
    assert "days to win" not in drawn(table, 100)
    assert drawn(table, 40).count("days to win") == len(PIPELINE)


@pytest.mark.parametrize(
    ("share", "cells", "shown"),
    [
        ("0", 16, ""),
        ("0.00001", 16, "▏"),
        ("0.5", 16, "████████"),
        ("0.53125", 16, "████████▌"),
        ("1", 16, "█" * 16),
        ("1.7", 16, "█" * 16),
        ("-0.2", 16, ""),
        ("0.5", 4, "██"),
    ],
)
def test_a_bar_is_as_long_as_its_share(share: str, cells: int, shown: str) -> None:
    assert Bar(Decimal(share)).drawn(cells) == shown


PERIODS = [
    {"name": "수도권 Metropolitan", "period_from": "2025-11-30", "period_to": "2026-11-29"},
    {"name": "electronics", "period_from": "2025-11-30", "period_to": "2026-11-29"},
]


@pytest.mark.parametrize("width", range(30, 132, 3))
def test_no_word_is_parted(width: int) -> None:
    told = drawn(attainment_table(PERIODS), width)
    assert max(cell_len(line) for line in told.splitlines()) <= width
    for word in ("2025-11-30", "2026-11-29", "electronics", "Metropolitan"):
        assert word in told, told


def test_titles_fit_too() -> None:
    table = columns(("stage",), ("won",))
    table.title = "stages: what passed them, and what was won of what had been in them"
    table.add_row("Engaging", "7")
    told = drawn(table, 40)
    assert max(cell_len(line) for line in told.splitlines()) <= 40
    assert "".join(told.split()).startswith("".join(table.title.split()))


def test_a_table_without_rows_has_its_headings() -> None:
    assert "lost value" in drawn(columns(("stage",), ("lost value",)), 80)
