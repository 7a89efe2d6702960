"""The page on figures tells of every reason, and what makes each field of a row, as the code."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest

from sellers.figures import PAGE, REPORTS, Report, made_of, page
from services.analytics.files import COLUMNS
from services.analytics.pipeline import Reason


def test_the_page_is_as_the_code_is() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make figures"


def test_every_reason_is_told() -> None:
    told = page()
    assert [reason for reason in get_args(Reason) if f"| `{reason}` |" not in told] == []


@pytest.mark.parametrize("report", REPORTS, ids=lambda one: str(one.path))
def test_every_field_of_a_row_and_every_measure_is_told(report: Report) -> None:
    found = made_of(report)
    fields = {*COLUMNS[f"/analytics/{report.path}"]} - {"id", "key"}
    assert fields <= found.keys()
    told = Counter(measure for measures in found.values() for measure in measures)
    # What only adds up with others, or is of the rows of another axis, makes nothing here.
    silent = {measure for measure in report.measures if not told[measure]}
    assert silent <= {"cycle_days", "cycles"} | {m for m in silent if m.startswith("before ")}


def test_a_field_that_nothing_makes_is_named() -> None:
    broken = Report("broken", ("won",), lambda sums: {"won": sums["won"], "lost": 0})
    with pytest.raises(LookupError, match="lost"):
        made_of(broken)
