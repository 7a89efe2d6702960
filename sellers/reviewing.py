"""Tables of what a review looks at: who enters what, how accounts grow, where time is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.table import Table
from rich.text import Text

from sellers.report import Row, amount, counted, named, number, shown
from sellers.tables import Bar, columns
from shared.references import shortened


def adoption_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key: the shares of weeks entered and of months answered, drawn."""
    table = columns((by,), ("weeks", "activities"))
    table.title = f"adoption by {by}"
    table.add_column("")
    for name in ("opportunities", "months", "answered"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            named(row),
            f"{row.get('weeks') or 0:,}",
            shown(row.get("activity_rate"), " %"),
            Bar(number(row.get("activity_rate")) / 100),
            shown(row.get("opportunity_rate"), " %"),
            counted(row, "months"),
            shown(row.get("feedback_rate"), " %"),
        )
    return table


def quality_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key: of how much nothing is wanting, drawn, and of how much which aspect."""
    table = columns((by,), ("things", "well"))
    table.title = f"quality of data by {by}"
    table.add_column("")
    aspects = ("fresh", "complete", "consistent")
    for name in aspects:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            named(row),
            f"{row.get('items') or 0:,}",
            shown(row.get("quality"), " %"),
            Bar(number(row.get("quality")) / 100),
            *(shown(row.get(name), " %") for name in aspects),
        )
    return table


# Fields that are filled in at least as often are no news.
SELDOM = Decimal(10)
DIET_MAX = 60


def diet_table(rows: Sequence[Row]) -> Table:
    """Return the fields that nobody uses, then those that hardly anybody fills in."""
    table = columns(("fact", "field"), ("facts", "filled in"))
    table.title = "data that is collected and not used, or hardly ever filled in"
    table.add_column("")
    lean = [row for row in rows if not row.get("used") or number(row.get("share")) < SELDOM]
    for row in lean[:DIET_MAX]:
        table.add_row(
            str(row.get("fact")),
            str(row.get("field")),
            f"{row.get('facts') or 0:,}",
            shown(row.get("share"), " %"),
            "" if row.get("used") else "nobody uses it",
        )
    if len(lean) > DIET_MAX:
        table.caption = f"and {len(lean) - DIET_MAX} more: --json"
    return table


def growth_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key: value, profit and satisfaction beside the time before."""
    names = ("value", "grown", "profit", "grown", "won of old", "won of new", "stayed", "satisfied")
    table = columns((by,), names)
    table.title = f"growth by {by}, beside the time before"
    table.spare = ("stayed", "won of old", "won of new")
    for row in rows:
        table.add_row(
            named(row),
            amount(row, "value"),
            shown(row.get("value_growth"), " %"),
            amount(row, "profit"),
            shown(row.get("profit_growth"), " %"),
            *(shown(row.get(f"win_rate_{kind}"), " %") for kind in ("existing", "new")),
            shown(row.get("retention"), " %"),
            shown(row.get("satisfaction")),
        )
    return table


# What came of what was won, by the column that tells it.
CAME = {
    "ordered": "value_ordered",
    "contracted": "value_contracted",
    "fulfilled": "value_fulfilled",
    "invoiced": "value_invoiced",
}
# What else there is of it, by its heading.
COUNTED = {name: name.replace(" ", "_") for name in ("orders", "invoices", "called off")}


def orders_table(rows: Sequence[Row], by: str) -> Table:
    """Return one row a key: what was won and came of it, a bar for how much of it is invoiced."""
    table = columns((by,), ("won", *CAME, "ordered of won", "invoiced of won"))
    table.title = f"orders and revenue by {by}, beside what was won"
    table.spare = ("invoices", "orders", "contracted", "fulfilled")
    table.add_column("")
    for name in COUNTED:
        table.add_column(name, justify="right")
    values = ("value_won", *CAME.values())
    # Never added up: amounts in other currencies stand beside.
    if any(row.get(f"{name}_other") for row in rows for name in values):
        table.add_column("in other currencies", overflow="fold")
    for row in rows:
        others = in_each(row, {"won": "value_won", **CAME})
        table.add_row(
            named(row),
            *(amount(row, name) for name in values),
            *(shown(row.get(f"{name}_share"), " %") for name in ("ordered", "invoiced")),
            Bar(number(row.get("invoiced_share")) / 100),
            *(f"{row.get(name) or 0:,}" for name in COUNTED.values()),
            *filter(None, [others]),
        )
    return table


def in_each(row: Row, values: Mapping[str, str]) -> str:
    """Return what is of other currencies than the company's, each by itself."""
    return ", ".join(
        f"{name} {number(told):,.0f} {code}"
        for name, value in values.items()
        for code, told in (row.get(f"{value}_other") or {}).items()
    )


def losses_table(rows: Sequence[Row], _by: str = "") -> Table:
    """Return one row a loss: hours, their share of the work, drawn, and what was done about it."""
    table = columns(("loss",), ("hours", "times", "of work", "before"))
    table.title = "what time was lost to, or went into beside customers"
    table.add_column("")
    for name in ("too much since", "acted on"):
        table.add_column(name)
    for row in rows:
        found: dict[str, Any] = row.get("found") or {}
        acted: list[dict[str, Any]] = row.get("acted_on") or []
        late = "" if row.get("in_time") is not False else "too late" if acted else "nobody yet"
        table.add_row(
            named(row),
            f"{(row.get('minutes') or 0) / 60:,.1f}",
            f"{row.get('times') or 0:,}",
            shown(row.get("share"), " %"),
            shown(row.get("share_before"), " %"),
            Bar(number(row.get("share")) / 100),
            str(found.get("week") or ""),
            late or str(acted[0].get("on") if acted else ""),
        )
    return table


def campaigns_table(rows: Sequence[Row], _by: str = "") -> Table:
    """Return one row a campaign: whom it reached, who answered, what was sold, what it cost."""
    table = columns(("campaign", "state"), ("reached", "answered", "rate"))
    table.title = "campaigns: what came of them"
    table.spare = ("spent", "won", "deals", "rate", "state", "lost", "open", "sellers say")
    table.add_column("")
    for name in ("deals", "open", "won", "lost"):
        table.add_column(name, justify="right")
    for name in ("won value", "spent", "sellers say"):
        table.add_column(name, justify="right", overflow="fold")
    for row in rows:
        rate = number(row.get("response_rate"))
        won: dict[str, Any] = row.get("won_value") or {}
        spent = row.get("spent")
        told = [f"{row.get(f'useful_{word}') or 0} {word}" for word in ("yes", "partly", "no")]
        table.add_row(
            Text(str(row.get("name") or row.get("campaign"))),
            str(row.get("state")),
            *(f"{row.get(name) or 0:,}" for name in ("reached", "responded")),
            shown(None if row.get("response_rate") is None else rate * 100, " %"),
            Bar(rate),
            *(f"{row.get(name) or 0:,}" for name in ("opportunities", "open", "won", "lost")),
            ", ".join(f"{number(value):,.0f} {code}" for code, value in won.items()),
            "" if spent is None else f"{number(spent):,.0f} {row.get('spent_currency')}",
            ", ".join(told),
        )
    return table


# The gravest first; what fits, or is not late, needs nobody.
ATTENTION = ("contradicts", "missing")
ATTENTION_MAX = 10


def needing_attention(rows: Sequence[Row]) -> list[Row]:
    """Return what somebody has to look at."""
    return [row for state in ATTENTION for row in rows if row.get("state") == state]


def reconciliation_table(
    rows: Sequence[Row], counts: Mapping[str, int], most: int | None = None
) -> Table:
    """Return one row an opportunity, of so many: both sides, and what does not fit between them."""
    table = columns(("opportunity", "of"), ("won",))
    told = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    table.title = f"won against what came back: {told}"
    table.spare = ("came back",)
    for name in ("came back", "what does not fit"):
        table.add_column(name, overflow="fold")
    shown = rows[:most]
    for row in shown:
        won = row.get("value") is not None
        table.add_row(
            # With its kind before it there is no room for the rest.
            Text(shortened(str(row.get("opportunity")))),
            str(row.get("concerned_on") or ""),
            f"{number(row.get('value')):,.2f} {row.get('currency')}" if won else "",
            Text(", ".join(f"{came['step']} {came['status']}" for came in row.get("came") or ())),
            Text(_standing(row)),
        )
    if len(shown) < len(rows):
        table.caption = f"and {len(rows) - len(shown):,} more like these: --all, or --json"
    return table


def _standing(row: Row) -> str:
    """Return what does not fit or, where nothing is found, how it stands."""
    found = [f"{one['step']}: {one['says']}" for one in row.get("findings") or ()]
    return "; ".join(found) or str(row.get("state"))
