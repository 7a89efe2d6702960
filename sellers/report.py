"""Figures as tables for people. Rule: nothing is computed here that the API did not answer."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sellers.tables import Bar, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

Row = dict[str, Any]


def rows_of(answer: Any) -> list[Row]:
    rows: list[Row] = answer["rows"]
    return rows


def pipeline_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key, with a bar for its share of the largest won value."""
    table = columns((by,), ("count", "open", "won", "lost", "open value", "won value"))
    table.title = f"pipeline by {by}"
    table.add_column("")
    for name in ("win rate", "days to win"):
        table.add_column(name, justify="right")
    # Never added up: amounts in other currencies stand beside.
    if any(row.get("value_won_other") for row in rows):
        table.add_column("in other currencies", justify="right", overflow="fold")
    largest = max((number(row.get("value_won")) for row in rows), default=Decimal(0))
    for row in rows:
        value = number(row.get("value_won"))
        table.add_row(
            named(row),
            *(counted(row, name) for name in ("count", "open", "won", "lost")),
            amount(row, "value_open"),
            amount(row, "value_won"),
            Bar(value / largest if largest else Decimal(0)),
            shown(row.get("win_rate"), " %"),
            shown(row.get("mean_cycle_days")),
            *filter(None, [in_others(row)]),
        )
    return table


def forecast_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key, with a bar for its share of the largest committed amount."""
    table = columns((by,), ("deals", "committed"))
    table.title = f"forecast by {by}: what sellers stand by"
    table.add_column("")
    for name in ("deals", "upside"):
        table.add_column(name, justify="right")
    if any(row.get("other") for row in rows):
        table.add_column("in other currencies", justify="right", overflow="fold")
    largest = max((number(row.get("commit")) for row in rows), default=Decimal(0))
    for row in rows:
        value = number(row.get("commit"))
        others: dict[str, Any] = row.get("other") or {}
        table.add_row(
            named(row),
            f"{row.get('commit_count') or 0:,}",
            f"{value:,.0f}",
            Bar(value / largest if largest else Decimal(0)),
            f"{row.get('upside_count') or 0:,}",
            amount(row, "upside"),
            *filter(None, [", ".join(f"{name} {number(v):,.0f}" for name, v in others.items())]),
        )
    return table


def attainment_table(rows: Sequence[Row], _by: str = "") -> Table:
    """Return one row a target, with a bar for how far it is reached."""
    table = columns(("target of", "period", "of"), ("target", "won", ""))
    table.title = "attainment"
    table.add_column("")
    for name in ("committed", "gap"):
        table.add_column(name, justify="right")
    for row in rows:
        share = number(row.get("percent")) / 100
        table.add_row(
            Text(str(row.get("name") or row.get("target") or "(none)")),
            f"{row.get('period_from')} to {row.get('period_to')}",
            str(row.get("currency") or "deals won"),
            amount(row, "amount"),
            amount(row, "won"),
            shown(row.get("percent"), " %"),
            Bar(share),
            amount(row, "committed"),
            amount(row, "gap"),
        )
    return table


def yield_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key: what was spent, and what came of it."""
    table = columns((by,), ("touches", "won", "lost", "won value"))
    table.title = f"yield by {by}"
    for name in ("win rate", "days to win", "touches a win", "value a touch"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            named(row),
            *(f"{row.get(name) or 0:,}" for name in ("touches", "won", "lost")),
            amount(row, "value_won"),
            shown(row.get("win_rate"), " %"),
            shown(row.get("mean_cycle_days")),
            shown(row.get("touches_per_won")),
            shown(row.get("value_per_touch")),
        )
    return table


# Of cases, by column: the share that was missed of what was agreed, and how old what is open is.
OF_CASES = {"breached": ("breach_rate", " %"), "days old": ("mean_age_days", "")}


def issues_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key, with a bar for its share of the most open cases, or of moves."""
    what = "moved" if by == "move" else "open"
    others = () if by == "move" else ("cases", "closed", "reopened", "fed_back", "kept", "missed")
    table = columns((by,), (what,))
    table.title = f"issues by {by}"
    table.add_column("")
    for name in others:
        table.add_column(name.replace("_", " "), justify="right")
    rates = {} if by == "move" else OF_CASES
    for title in rates:
        table.add_column(title, justify="right")
    table.spare = ("fed back", "reopened", "kept", "days old")
    most = max((row.get(what) or 0 for row in rows), default=0)
    for row in rows:
        count = row.get(what) or 0
        table.add_row(
            named(row),
            f"{count:,}",
            Bar(Decimal(count) / most if most else Decimal(0)),
            *(counted(row, name) for name in others),
            *(shown(row.get(name), unit) for name, unit in rates.values()),
        )
    return table


def workload_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key: hours of work, with a bar for the share spent with customers."""
    table = columns((by,), ("hours", "planned", "with customers"))
    table.title = f"workload by {by}"
    table.spare = ("cases", "deals", "plans", "missed", "displaced", "reports")
    table.add_column("")
    for name in ("reports", "plans", "kept", "in time", "missed", "displaced", "deals", "cases"):
        table.add_column(name, justify="right")
    for row in rows:
        shares: dict[str, Any] = row.get("shares") or {}
        carried = (row.get("carried_opportunities"), row.get("carried_issues"))
        table.add_row(
            named(row),
            *(f"{(row.get(name) or 0) / 60:,.0f}" for name in ("work_minutes", "planned_minutes")),
            shown(shares.get("customer"), " %"),
            Bar(number(shares.get("customer")) / 100),
            shown(shares.get("reporting"), " %"),
            counted(row, "plans"),
            shown(row.get("kept_share"), " %"),
            shown(row.get("on_time_share"), " %"),
            *(counted(row, name) for name in ("missed", "displaced")),
            *("" if count is None else f"{count:,}" for count in carried),
        )
    return table


def stages_table(rows: Sequence[Row], by: str = "stage") -> Table:
    """Return one row a stage: what passed it, and what is won from there, by what happened."""
    table = columns((by,), ("passed", "days in it", "not lost", "decided", "won from it"))
    table.title = "stages: what passed them, and what was won of what had been in them"
    for row in rows:
        few = "not enough history" if row.get("insufficient_history") else ""
        table.add_row(
            named(row),
            f"{row.get('passed') or 0:,}",
            shown(row.get("mean_days")),
            shown(row.get("conversion"), " %"),
            # Of all stages together nobody can tell what was decided, or won from them.
            counted(row, "decided"),
            few or shown(row.get("probability"), " %"),
        )
    return table


def inflow_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a period or key: what came in, and what was won and lost, and its value."""
    table = columns((by,), ("discovered", "won", "lost", "won value", "win rate"))
    table.title = f"inflow by {by}"
    for row in rows:
        table.add_row(
            named(row),
            *(counted(row, name) for name in ("discovered", "won", "lost")),
            amount(row, "value_won"),
            shown(row.get("win_rate"), " %"),
        )
    return table


def slippage_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key: how often closings were put off, and how late what was won came."""
    table = columns((by,), ("put off", "by days", "won", "late", "late of won", "days late"))
    table.title = f"slippage by {by}"
    for row in rows:
        table.add_row(
            named(row),
            f"{row.get('pushes') or 0:,}",
            shown(row.get("mean_pushed_days")),
            *(f"{row.get(name) or 0:,}" for name in ("won_with_a_day", "won_late")),
            shown(row.get("late_share"), " %"),
            shown(row.get("mean_late_days")),
        )
    return table


def named(row: Row) -> Text:
    return Text(str(row.get("key") or "(none)"))


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


def amount(row: Row, name: str) -> str:
    """Write down an amount without its cents; of what is not known, nothing."""
    value = row.get(name)
    return "" if value is None else f"{number(value):,.0f}"


def counted(row: Row, name: str) -> str:
    """Write down how many there are; of what is not counted by what was asked for, nothing."""
    value = row.get(name)
    return "" if value is None else f"{value:,}"


def shown(value: Any, unit: str = "") -> str:
    return "" if value is None else f"{number(value):.2f}{unit}"
