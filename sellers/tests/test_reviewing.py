"""The table of the reconciliation says what both sides say."""

from __future__ import annotations

import io

from rich.console import Console

from sellers.reviewing import reconciliation_table

ROW = {
    "opportunity": "opportunity-1",
    "concerned_on": "2026-01-09",
    "state": "contradicts",
    "value": "12500.5",
    "currency": "KRW",
    "came": [{"step": "order", "status": "cancelled [x]"}],
    "findings": [{"step": "order", "says": "cancelled [x], but it is won here"}],
}
OPEN = {"opportunity": "opportunity-2", "state": "contradicts", "value": None, "came": []}


def test_both_sides_and_what_does_not_fit() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(reconciliation_table([ROW, OPEN], {"matched": 1_200, "contradicts": 2}))
    said = console.export_text()
    assert "1,200 matched, 2 contradicts" in said
    assert "12,500.50 KRW" in said
    # What another system says is text, never markup.
    assert "order: cancelled [x], but it is won here" in said
    assert "None" not in said
