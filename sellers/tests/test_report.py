"""Bars and numbers say what the figures say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sellers.report import bar, number, shown


@pytest.mark.parametrize(
    ("share", "drawn"),
    [("0", ""), ("0.00001", "▏"), ("0.5", "████████"), ("0.53125", "████████▌"), ("1", "█" * 16)],
)
def test_a_bar_is_as_long_as_its_share(share: str, drawn: str) -> None:
    assert bar(Decimal(share)) == drawn


def test_a_number_that_is_missing_is_nothing() -> None:
    assert number(None) == 0
    assert number("1130049.50") == Decimal("1130049.50")
    assert shown(None, " %") == ""
    assert shown("63.15", " %") == "63.15 %"
