from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from sellers.importing.mapping import Column
from sellers.importing.reading import Row
from sellers.importing.values import Cells, Names, RejectedError, Style

COLUMN = Column(column="c", repairs={"GTXPro": "GTX Pro"})
POINT, COMMA = Style("%d-%m-%y", ".", ""), Style("%Y-%m-%d", ",", ".")


def cell(value: str, style: Style = POINT) -> Cells:
    return Cells("f.csv", Row(7, {"c": value}), style)


def test_dates_are_day_first_with_two_digit_years() -> None:
    assert cell("01-03-17").day(COLUMN) == date(2017, 3, 1)
    assert cell("").day(COLUMN) is None


@pytest.mark.parametrize("value", ["31-02-17", "2017-03-01", "soon", "1", "00-00-00"])
def test_what_is_no_date_rejects_the_row(value: str) -> None:
    with pytest.raises(RejectedError) as caught:
        cell(value).day(COLUMN)
    assert (caught.value.field, caught.value.value) == ("c", value)


@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31", "1899-12-31"])
def test_a_year_that_cannot_be_meant_rejects_the_row(value: str) -> None:
    with pytest.raises(RejectedError, match="cannot be meant"):
        cell(value, COMMA).day(COLUMN)


@pytest.mark.parametrize(
    ("value", "style", "amount"),
    [
        ("1054", POINT, "1054"),
        ("+0.5", POINT, "0.5"),
        ("-0", POINT, "0"),
        ("1100.00000000", POINT, "1100.0000"),
        ("1.234.567,89", COMMA, "1234567.89"),
    ],
)
def test_amounts_are_exact(value: str, style: Style, amount: str) -> None:
    assert cell(value, style).amount(COLUMN) == Decimal(amount)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("-5", "is negative"),
        ("free", "is no number"),
        ("NaN", "is no number"),
        ("Infinity", "is no number"),
        ("1e9", "is no number"),
        ("1,054", "is no number"),
        ("$5", "is no number"),
        ("\u0661\u0662", "is no number"),
        ("1" * 13, "more than 12 digits"),
        ("0.00001", "more than 4 decimal places"),
    ],
)
def test_what_is_no_amount_rejects_the_row(value: str, reason: str) -> None:
    with pytest.raises(RejectedError, match=reason):
        cell(value).amount(COLUMN)


@pytest.mark.parametrize(
    ("value", "style", "amount"),
    [
        ("1.234", COMMA, "1234"),
        ("1234,56", COMMA, "1234.56"),
        ("-0", COMMA, "0"),
        ("12,345.5", Style("%Y-%m-%d", ".", ","), "12345.5"),
        ("1\u00a0234\u00a0567", Style("%Y-%m-%d", ",", " "), "1234567"),
        ("1'000", Style("%Y-%m-%d", ".", "'"), "1000"),
    ],
)
def test_a_thousands_mark_stands_between_groups_of_three(
    value: str, style: Style, amount: str
) -> None:
    assert cell(value, style).amount(COLUMN) == Decimal(amount)


@pytest.mark.parametrize(
    ("value", "style"),
    [
        ("1234.56", COMMA),
        ("1.5", COMMA),
        ("0.125", COMMA),
        ("1234.567", COMMA),
        ("1.234.56", COMMA),
        ("1,234.5", COMMA),
        ("1.", COMMA),
        (".123", COMMA),
        ("1,5", Style("%Y-%m-%d", ".", ",")),
        ("1.5,000", Style("%Y-%m-%d", ".", ",")),
        ("1  234", Style("%Y-%m-%d", ".", " ")),
    ],
)
def test_a_mark_in_another_place_is_not_taken_for_one_between_thousands(
    value: str, style: Style
) -> None:
    with pytest.raises(RejectedError, match="is no number with"):
        cell(value, style).amount(COLUMN)


def test_a_descriptive_number_is_left_out_and_reported() -> None:
    cells = cell("-5")
    assert cells.quantity(COLUMN) is None
    assert [(f.line, f.field, f.value, f.action) for f in cells.findings] == [
        (7, "c", "-5", "repaired")
    ]
    odd = cell("19.5")
    assert odd.whole(COLUMN, range(1000, 2201)) is None
    assert len(odd.findings) == 1


def test_a_known_mistake_is_repaired_and_reported() -> None:
    cells = cell("GTXPro")
    assert cells.text(COLUMN) == "GTX Pro"
    assert cells.findings[0].reason == "taken for 'GTX Pro'"


def test_names_are_found_in_spite_of_case_and_spaces_but_never_guessed() -> None:
    names = Names()
    for name in ("GTX Pro", "MG Special", "mg-special", "김 민준"):
        names.add(name, name)
    assert names.find("GTX Pro") == "GTX Pro"
    assert names.find("gtxpro") == "GTX Pro"
    assert names.find("김민준") == "김 민준"
    assert names.find("MGSpecial") is None, "two names could be meant"
    assert names.find("GTX Por") is None
    names.discard("GTX Pro")
    assert names.find("GTXPro") is None


@pytest.mark.parametrize("value", ["", "x" * 201])
def test_a_key_is_neither_empty_nor_endless(value: str) -> None:
    with pytest.raises(RejectedError):
        cell(value).needed(COLUMN)
