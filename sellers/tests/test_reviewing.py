"""The table of the reconciliation says what both sides say, of what needs somebody."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sellers.reviewing import ATTENTION_MAX, needing_attention, orders_table, reconciliation_table

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
COUNTS = {"matched": 1_200, "contradicts": 2}


def told(table: object, width: int = 200) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def test_both_sides_and_what_does_not_fit() -> None:
    said = told(reconciliation_table([ROW, OPEN], COUNTS))
    assert "1,200 matched, 2 contradicts" in said
    assert "12,500.50 KRW" in said
    # What another system says is text, never markup.
    assert "order: cancelled [x], but it is won here" in said
    assert "None" not in said


def test_what_needs_somebody_is_shown_the_gravest_first() -> None:
    states = ("missing", "matched", "contradicts", "waiting")
    rows = [{**ROW, "state": state} for state in states]
    assert [row["state"] for row in needing_attention(rows)] == ["contradicts", "missing"]


def test_so_many_are_shown_and_how_to_see_the_others() -> None:
    rows = [{**ROW, "opportunity": f"opportunity-{n}-of-many"} for n in range(ATTENTION_MAX + 3)]
    said = told(reconciliation_table(rows, COUNTS, ATTENTION_MAX))
    assert said.count("-of-many") == ATTENTION_MAX
    assert "and 3 more like these: --all, or --json" in said
    assert told(reconciliation_table(rows, COUNTS)).count("-of-many") == len(rows)


@pytest.mark.parametrize("width", [80, 100, 132])
def test_an_id_stands_on_one_line(width: int) -> None:
    name = "c91dd816-c4ea-51e1-927b-26c56be006ad"
    said = told(reconciliation_table([{**ROW, "opportunity": f"opportunity-{name}"}], {}), width)
    assert name in said
    assert "12,500.50 KRW" in said
    assert max(map(len, said.splitlines())) <= width


@pytest.mark.parametrize(
    ("opportunity", "printed"),
    [
        ("opportunity-7", "7"),
        ("opportunity-win-back", "win-back"),
        # An address refuses the first without its kind, and takes the second for another one.
        ("opportunity-company-7", "opportunity-company-7"),
        ("opportunity-opportunity-7", "opportunity-opportunity-7"),
    ],
)
def test_an_id_is_printed_as_an_address_takes_it(opportunity: str, printed: str) -> None:
    said = told(reconciliation_table([{**ROW, "opportunity": opportunity}], {}))
    assert printed in said.split()


ORDERED = {
    "key": "2026-03",
    "value_won": "1000",
    "value_ordered": "800",
    "value_contracted": "700",
    "value_fulfilled": "600",
    "value_invoiced": "500.4",
    "ordered_share": "80.00",
    "invoiced_share": "50.04",
    "orders": 3,
    "called_off": 2,
}


def test_what_was_ordered_and_invoiced_of_what_was_won() -> None:
    said = told(orders_table([ORDERED], "month"))
    assert "orders and revenue by month" in said
    for shown in ("1,000", "800", "700", "600", "500", "80.00 %", "50.04 %", "████"):
        assert shown in said
    assert "in other currencies" not in said
    other = {**ORDERED, "key": None, "value_invoiced_other": {"KRW": "7000"}}
    said = told(orders_table([ORDERED, other], "seller"))
    assert "in other currencies" in said
    assert "invoiced 7,000 KRW" in said
    assert "(none)" in said


@pytest.mark.parametrize("width", [60, 80, 100, 132])
def test_no_figure_of_orders_is_cut(width: int) -> None:
    said = told(orders_table([ORDERED], "month"), width)
    assert "500" in said
    assert max(map(len, said.splitlines())) <= width
