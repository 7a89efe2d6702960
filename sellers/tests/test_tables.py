"""Whatever the width, a table is no wider, and every figure is there whole."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rich.cells import cell_len
from rich.console import Console

from sellers.report import attainment_table, pipeline_table, stages_table, workload_table
from sellers.reviewing import campaigns_table, growth_table
from sellers.tables import Bar, Sheet, columns

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
        "key": name,
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
    for name in ("Anna Snelling", "수도권 Metropolitan", "Daniel Underhill")
]
CAMPAIGNS = [
    {
        "name": "가을 신제품 세미나 Autumn novelties",
        "state": "started",
        "reached": 12_345,
        "responded": 1_234,
        "response_rate": "0.25",
        "opportunities": 123,
        "open": 23,
        "won": 45,
        "lost": 55,
        "won_value": {"KRW": "1234567890", "USD": "98765"},
        "spent": "123456789",
        "spent_currency": "KRW",
    }
]
GROWTH = [
    {
        "key": "electronics",
        "value": "1234567890",
        "value_growth": "-12.34",
        "profit": "234567890",
        "profit_growth": "123.45",
        "win_rate_existing": "44.44",
        "win_rate_new": "40",
        "retention": "88.5",
        "satisfaction": "6.6",
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
        (workload_table(WORKLOAD, "seller"), ["206", "54.20 %", "88.12 %", "76.10 %"]),
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


SPARING = [
    (workload_table(WORKLOAD, "seller"), ["206", "200", "54.20 %", "88.12 %", "76.10 %", "1,002"]),
    (campaigns_table(CAMPAIGNS), ["12,345", "1,234", "25.00 %", "45", "1,234,567,890"]),
    (growth_table(GROWTH, "segment"), ["1,234,567,890", "-12.34 %", "234,567,890", "123.45 %"]),
]


@pytest.mark.parametrize(("table", "figures"), SPARING, ids=["workload", "campaigns", "growth"])
def test_on_a_usual_terminal_it_is_a_table_that_says_what_it_has_no_room_for(
    table: Sheet, figures: list[str]
) -> None:
    told = drawn(table, 80)
    assert max(cell_len(line) for line in told.splitlines()) <= 80
    assert "───" in told
    for figure in figures:
        assert figure in told
    gone = told.partition("no room for: ")[2].split(", ")
    assert gone[-1].strip() == table.spare[-1]
    for width in (160, 40):
        assert "no room for" not in drawn(table, width)


@pytest.mark.parametrize(("table", "_figures"), SPARING, ids=["workload", "campaigns", "growth"])
def test_only_columns_that_are_there_are_spared(table: Sheet, _figures: list[str]) -> None:
    assert set(table.spare) <= {str(column.header) for column in table.columns}


def test_what_is_said_below_a_table_is_said() -> None:
    table = columns(("stage",), ("won",))
    table.caption = "and 7 more: --json"
    table.add_row("Engaging", "7")
    for width in (8, 80):
        assert "".join(drawn(table, width).split()).endswith("and7more:--json")


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


PASSED = {"passed": 3, "mean_days": "4.00", "conversion": "66.67"}
OF_ONE = {"key": "Engaging", **PASSED, "decided": 2, "won_from": 1, "probability": "50.00"}
OF_ALL = {"key": "Ann", **PASSED, "decided": None, "won_from": None, "probability": None}


@pytest.mark.parametrize("width", [40, 80, 160])
def test_what_is_told_of_no_row_has_no_column(width: int) -> None:
    told = drawn(stages_table([OF_ALL, OF_ALL | {"key": "Bob"}], "seller"), width)
    assert "66.67 %" in told
    assert "decided" not in told
    assert "won from it" not in " ".join(told.split())
    some = drawn(stages_table([OF_ALL, OF_ONE], "seller"), width)
    assert "decided" in some
    assert "50.00 %" in some


def test_what_is_open_has_neither_bars_nor_columns_of_what_is_decided() -> None:
    decided = dict.fromkeys(("won", "lost", "value_won", "win_rate", "mean_cycle_days"))
    told = drawn(pipeline_table([row | decided for row in PIPELINE], "quality"), 160)
    (heading,) = [line for line in told.splitlines() if "count" in line]
    assert heading.split() == ["quality", "count", "open", "open", "value"]
    assert "win rate" in drawn(pipeline_table(PIPELINE, "region"), 160)


def test_there_is_never_no_room_for_what_there_is_not() -> None:
    idle = [row | {"missed": None, "displaced": None} for row in WORKLOAD]
    told = " ".join(drawn(workload_table(idle, "seller"), 80).split())
    assert "displaced" not in told
    assert "displaced" in " ".join(drawn(workload_table(WORKLOAD, "seller"), 80).split())


def test_nothing_is_said_of_an_amount_that_is_not_known() -> None:
    nobody = [GROWTH[0] | {"value": None}]
    assert "value" not in drawn(growth_table(nobody, "segment"), 160)
    assert "1,234,567,890" in drawn(growth_table([*nobody, *GROWTH], "segment"), 160)
