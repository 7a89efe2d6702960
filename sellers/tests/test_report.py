"""Numbers say what the figures say."""

from __future__ import annotations

from decimal import Decimal

from sellers.report import number, shown


def test_a_number_that_is_missing_is_nothing() -> None:
    assert number(None) == 0
    assert number("1130049.50") == Decimal("1130049.50")
    assert shown(None, " %") == ""
    assert shown("63.15", " %") == "63.15 %"
