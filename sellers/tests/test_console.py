"""How wide it is printed where no terminal says so."""

from __future__ import annotations

import os

import pytest

from sellers.console import PLAIN_COLUMNS, console


def test_no_test_is_as_wide_as_the_terminal_it_is_run_from() -> None:
    assert "COLUMNS" not in os.environ


@pytest.mark.parametrize(
    ("told", "width"),
    [
        ("72", 72),
        ("", PLAIN_COLUMNS),
        ("0", PLAIN_COLUMNS),
        ("-1", PLAIN_COLUMNS),
        ("wide", PLAIN_COLUMNS),
        ("\N{SUPERSCRIPT TWO}", PLAIN_COLUMNS),
    ],
)
def test_elsewhere_than_on_a_terminal_columns_says_how_wide_it_is(
    monkeypatch: pytest.MonkeyPatch, told: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", told)
    assert console().width == width
    assert console(stderr=True).width == width


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
def test_on_a_terminal_a_size_that_is_no_number_is_as_none(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv(name, "\N{SUPERSCRIPT TWO}")
    told = console()
    assert told.is_terminal
    assert told.width > 0
