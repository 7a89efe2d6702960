"""What became of an import is told whole, however narrow the terminal is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from sellers.importing.summary import Counts, Summary

FILES = ("sales_pipeline.csv", "영업기회 2026.csv", "accounts [old].csv", "companies named there")
ROWS = Counts("", read=88_888, recorded=65_432, unchanged=22_889, rejected=567, repaired=8)


def told(width: int) -> str:
    summary = Summary("otherco", Path("report.csv"))
    for file in FILES:
        counts = summary.of(file, named=file == FILES[-1])
        for name in ("read", "recorded", "unchanged", "rejected", "repaired"):
            setattr(counts, name, getattr(ROWS, name))
    console = Console(width=width, record=True, file=io.StringIO(), soft_wrap=True)
    console.print(summary.table())
    return console.export_text()


@pytest.mark.parametrize("width", [40, 60, 72, 80, 132])
def test_no_count_is_cut_and_no_line_sticks_out(width: int) -> None:
    said = told(width)
    assert max(cell_len(line) for line in said.splitlines()) <= width
    assert "…" not in said
    for count in ("88,888", "65,432", "22,889", "567"):
        assert said.count(count) >= len(FILES)
    assert "266,664" in said, "all files, without what they name besides"
    assert "duplicate, imported before just so" in " ".join(said.split())
    for word in (word for file in FILES for word in file.split()):
        assert word in said


def test_on_a_usual_terminal_it_is_a_table() -> None:
    assert "───" in told(80)
