"""Numbers say what the figures say."""

from __future__ import annotations

from decimal import Decimal

from sellers.report import inflow_table, number, shown


def test_a_number_that_is_missing_is_nothing() -> None:
    assert number(None) == 0
    assert number("1130049.50") == Decimal("1130049.50")
    assert shown(None, " %") == ""
    assert shown("63.15", " %") == "63.15 %"


def test_inflow_shows_what_came_in_and_went_out() -> None:
    row = {"key": "2026-04", "discovered": 1_200, "won": 3, "lost": 1, "win_rate": "75.00"}
    table = inflow_table([row | {"value_won": "1130049.50"}], "month")
    (told,) = zip(*(column.cells for column in table.columns), strict=True)
    assert [str(cell) for cell in told] == ["2026-04", "1,200", "3", "1", "1,130,050", "75.00 %"]
