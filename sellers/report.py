"""Figures as tables for people. Rule: nothing is computed here that the API did not answer."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

BAR_CELLS = 16
EIGHTHS = " ▏▎▍▌▋▊▉"
FULL = "█"
Row = dict[str, Any]


def rows_of(answer: Any) -> list[Row]:
    rows: list[Row] = answer["rows"]
    return rows


def columns(words: Sequence[str], numbers: Sequence[str] = ()) -> Table:
    """Return an empty table: words to the left, numbers to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def pipeline_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key, with a bar for its share of the largest won value."""
    table = columns((by,), ("count", "open", "won", "lost", "won value"))
    table.title = f"pipeline by {by}"
    table.add_column("", min_width=BAR_CELLS)
    for name in ("win rate", "days to win"):
        table.add_column(name, justify="right")
    # Never added up: amounts in other currencies stand beside.
    if any(row.get("value_won_other") for row in rows):
        table.add_column("in other currencies", justify="right", overflow="fold")
    largest = max((number(row.get("value_won")) for row in rows), default=Decimal(0))
    for row in rows:
        value = number(row.get("value_won"))
        table.add_row(
            Text(str(row.get("key") or "(none)")),
            *(f"{row.get(name) or 0:,}" for name in ("count", "open", "won", "lost")),
            f"{value:,.0f}",
            Text(bar(value / largest if largest else Decimal(0)), style="cyan"),
            shown(row.get("win_rate"), " %"),
            shown(row.get("mean_cycle_days")),
            *filter(None, [in_others(row)]),
        )
    return table


def in_others(row: Row) -> str:
    """Return what was won in other currencies than the company's, each by itself."""
    values: dict[str, Any] = row.get("value_won_other") or {}
    return ", ".join(f"{number(value):,.0f} {code}" for code, value in values.items())


def number(value: Any) -> Decimal:
    """Decimals come as text, so that nothing is rounded on the way."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)


def shown(value: Any, unit: str = "") -> str:
    return "" if value is None else f"{number(value):.2f}{unit}"


def bar(share: Decimal) -> str:
    """Return a bar in eighths of a cell; what is there but tiny is still seen."""
    eighths = max(int(share * BAR_CELLS * 8), 1 if share > 0 else 0)
    return (FULL * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()
