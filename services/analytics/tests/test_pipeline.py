"""Cells summed into rows: edges of periods, what is undone, money and rates to the last digit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from services.analytics.cells import Cell
from services.analytics.flows import Look, inflow, touches
from services.analytics.forecast import Span
from services.analytics.pipeline import (
    Tally,
    money,
    period_of,
    pipeline,
    ratio,
    row_document,
)
from services.analytics.report_by import TouchesBy
from services.analytics.traits import Traits
from services.analytics.tree import Organization

KIM = "employee-kim"
NOBODY = Organization({})
ALWAYS = Look(Span(), date.max)
MONDAY, TUESDAY, WEDNESDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)


def cell(measure: str, day: date, credited: date | None = None) -> Cell:
    return Cell(measure, KIM, "owner", "", day, credited)


def flow(measure: str, day: date, credited: date | None = None) -> Cell:
    return Cell(measure, KIM, "flow", Traits().written(), day, credited)


def test_weeks_belong_to_the_year_that_has_their_thursday() -> None:
    told = [period_of(date.fromisoformat(day), "week") for day in ("2026-12-31", "2027-01-03")]
    assert told == ["2026-W53", "2026-W53"]
    assert period_of(date(2027, 1, 4), "week") == "2027-W01"


def test_periods_are_named_so_that_text_order_is_time_order() -> None:
    days = [date(2026, month, 28) for month in (3, 4, 12)]
    assert [period_of(day, "quarter") for day in days] == ["2026-Q1", "2026-Q2", "2026-Q4"]
    assert period_of(days[0], "month") == "2026-03"
    assert period_of(days[0], "day") == "2026-03-28"


@pytest.mark.parametrize(
    ("amount", "told"),
    [(0, "0"), (5, "0.0005"), (105_000, "10.5"), (-105_000, "-10.5"), (-1, "-0.0001")],
)
def test_money_has_no_needless_zeros_and_keeps_its_sign(amount: int, told: str) -> None:
    assert money(amount) == told


def test_rates_round_halves_up() -> None:
    assert [ratio(1, 8), ratio(3, 8), ratio(2, 3)] == ["0.13", "0.38", "0.67"]
    assert ratio(1, 0) is None


def test_what_was_won_in_another_currency_is_told_beside_and_never_added() -> None:
    tally = Tally(won=2)
    tally.add("value_USD", 10_000)
    tally.add("value_KRW", 70_000)
    row = row_document("total", "x", tally, "USD")
    assert (row["value_won"], row["value_won_other"]) == ("1", {"KRW": "7"})


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [
        (None, None, 3),
        (TUESDAY, None, 2),
        (None, TUESDAY, 2),
        (TUESDAY, TUESDAY, 1),
        (date(2026, 1, 8), None, 0),
    ],
)
def test_both_ends_of_a_span_of_days_are_within(
    first: date | None, last: date | None, count: int
) -> None:
    cells = {Cell("touches", KIM, "touch", "", day): 1 for day in (MONDAY, TUESDAY, WEDNESDAY)}
    assert (
        sum(touches("seller", cells, NOBODY, Look(Span(first, last), date.max)).values()) == count
    )


@pytest.mark.parametrize("by", ["seller", "team", "division", "company", "day", "week", "month"])
def test_touches_add_up_whatever_they_are_told_by(by: TouchesBy) -> None:
    cells = {Cell("touches", KIM, "touch", "", day): 2 for day in (MONDAY, TUESDAY)}
    assert sum(touches(by, cells, NOBODY, ALWAYS).values()) == 4


def test_what_is_undone_leaves_the_period_that_it_was_credited_to() -> None:
    undone_on = date(2026, 4, 1)
    cells = {
        flow("won", MONDAY, MONDAY): 1,
        flow("value_USD", MONDAY, MONDAY): 10_000,
        flow("won", undone_on, MONDAY): -1,
        flow("value_USD", undone_on, MONDAY): -10_000,
        flow("lost", undone_on, undone_on): 1,
    }
    flows = inflow("quarter", cells, NOBODY, ALWAYS)
    assert {key: (flow.tally.won, flow.tally.lost) for key, flow in flows.items()} == {
        "2026-Q2": (0, 1)
    }


def test_what_stands_open_or_is_latent_neither_comes_in_nor_goes_out() -> None:
    cells = {
        cell("open", MONDAY): 1,
        cell("latent", MONDAY): 1,
        flow("discovered", TUESDAY): 1,
    }
    flows = inflow("day", cells, NOBODY, ALWAYS)
    assert {key: flow.discovered for key, flow in flows.items()} == {"2026-01-06": 1}


def totals(cells: Mapping[Cell, int], day: date) -> dict[str, str]:
    rows = pipeline("total", cells, NOBODY, day)
    return {key or "": money(tally.values["USD"]) for key, tally in rows.items()}


def test_a_row_whose_value_alone_is_left_is_not_hidden() -> None:
    """What counts cancel and money does not is a mistake that somebody has to see."""
    cells = {
        cell("won", MONDAY, MONDAY): 1,
        cell("value_USD", MONDAY, MONDAY): 10_000,
        cell("won", TUESDAY, MONDAY): -1,
    }
    assert totals(cells, MONDAY) == {"total": "1"}
    assert totals(cells, TUESDAY) == {"total": "1"}
    assert totals(cells | {cell("value_USD", TUESDAY, MONDAY): -10_000}, TUESDAY) == {}
