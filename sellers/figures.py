"""Writes docs/figures.md: why something is in no row, and which measures make which field of one.

Which measures make a field is found by changing each and looking which fields follow.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from sellers.catalogue import put
from services.analytics import (
    adoption,
    data_quality,
    growth,
    issues_api,
    orders,
    stages_report,
    workload_report,
)
from services.analytics.flows import Flow
from services.analytics.forecast import Committed, Yield
from services.analytics.kpi_measures import KPI_MEASURES
from services.analytics.pipeline import SAYS, Reason, Tally, row_document
from services.analytics.unheard import ASIDE_SAYS
from services.analytics.worklife import WHEN
from shared.hand_offs import STEPS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "figures.md"
CURRENCY = "USD"
Sums = Mapping[str, int]
Document = Callable[[Sums], Mapping[str, Any]]

TALLIED = (
    "open",
    "won",
    "lost",
    "latent",
    "stale",
    "value_USD",
    "open_USD",
    "cycle_days",
    "cycles",
)
COUNTED = ("answers_after", "scores_after")


class Report(NamedTuple):
    """A report, the measures that its explanation adds up, and what a row is of them."""

    path: str
    measures: tuple[str, ...]
    document: Document
    # Fields that are made of something else than one of its measures.
    besides: Mapping[str, str] = {}


def _tally(sums: Sums) -> Tally:
    tally = Tally()
    for measure, amount in sums.items():
        tally.add(measure, amount)
    return tally


def _pipeline(sums: Sums) -> Mapping[str, Any]:
    return row_document("seller", None, _tally(sums), CURRENCY)


def _inflow(sums: Sums) -> Mapping[str, Any]:
    rest = {name: n for name, n in sums.items() if name != "discovered"}
    return Flow(sums["discovered"], _tally(rest)).document(CURRENCY)


def _forecast(sums: Sums) -> Mapping[str, Any]:
    told = Committed()
    for measure, amount in sums.items():
        told.add(measure, amount)
    return told.document(CURRENCY)


def _yield(sums: Sums) -> Mapping[str, Any]:
    rest = {name: n for name, n in sums.items() if name != "touches"}
    return Yield(sums["touches"], _tally(rest)).document(CURRENCY)


def _issues(sums: Sums) -> Mapping[str, Any]:
    # Moves are told of rows by `move`, and nothing else there.
    moved = issues_api.document("move", Counter(sums))["moved"]
    return {**issues_api.document("total", Counter(sums)), "moved": moved}


def _workload(sums: Sums) -> Mapping[str, Any]:
    outside = {when: sums[f"{when} minutes"] for when in WHEN}
    return workload_report.document("seller", Counter(sums), outside, 1)


def _workload_measures() -> Iterator[str]:
    for category in workload_report.CATEGORIES:
        yield from (f"{name} {category}" for name in ("planned", "actual", "entries"))
    yield from workload_report.PLANS
    yield from ("started 00", "started 01", "ended 00", "ended 01")
    yield from ("carried opportunities", "carried issues", *(f"{when} minutes" for when in WHEN))


def _growth_measures() -> Iterator[str]:
    for when in ("now", "before"):
        for name in ("value_USD", "profit_USD", *COUNTED):
            yield f"{when} {name}"
        for kind in ("existing", "new", "unknown"):
            yield from (f"{when} won {kind}", f"{when} lost {kind}")


REPORTS = (
    Report("pipeline", TALLIED, _pipeline),
    Report("inflow", ("discovered", "won", "lost", "value_USD"), _inflow),
    Report("touches", ("touches",), lambda sums: {"touches": sums["touches"]}),
    Report("forecast", ("commit", "upside", "commit_USD", "upside_USD"), _forecast),
    Report("yield", ("touches", "won", "lost", "value_USD", "cycle_days", "cycles"), _yield),
    Report("workload", tuple(_workload_measures()), _workload),
    Report(
        "issues",
        (
            *(
                "cases",
                "open",
                "kept",
                "missed",
                "reopened",
                "fed_back",
                "moved",
                "aged",
                "age_days",
            ),
        ),
        _issues,
    ),
    Report(
        "growth",
        tuple(_growth_measures()),
        lambda sums: growth.document(Counter(sums), growth.NOBODY, CURRENCY),
        {
            "customers": "companies with `now won`, each once",
            "customers_before": "companies with `before won`, each once",
            "retained": "companies that are among both",
            "retention": "`retained` of `customers_before`",
        },
    ),
    Report(
        "stages",
        (*("passed", "passed_won", "passed_lost", "stage_days", "won_from", "lost_from"),),
        lambda sums: stages_report.stage_document(Counter(sums), 0),
    ),
    Report(
        "slippage",
        ("pushes", "pushed_days", "due", "late", "late_days"),
        lambda sums: stages_report.slips_document(Counter(sums)),
    ),
    Report(
        "orders",
        (*("won", "value_USD", *STEPS, *(f"{step}_USD" for step in STEPS), "called_off"),),
        lambda sums: orders.document("total", Counter(sums), CURRENCY),
    ),
    Report(
        "data-quality",
        (
            *("items", "well", *data_quality.ASPECTS),
            *(f"asked {aspect}" for aspect in data_quality.ASPECTS),
        ),
        lambda sums: data_quality.document(Counter(sums)),
    ),
    Report(
        "adoption",
        ("weeks", "activity_weeks", "opportunity_weeks", "months", "feedback_months"),
        lambda sums: adoption.document("seller", Counter(sums)),
    ),
)


def made_of(report: Report) -> dict[str, list[str]]:
    """Return of which measures each field of a row is made, found by changing them one by one.

    Raises:
        LookupError: a field is made of nothing, or a measure makes nothing, so one is missing.

    """
    found: dict[str, list[str]] = {}
    for base in _bases(report.measures):
        row = report.document(base)
        for name in row:
            found.setdefault(name, [])
        for measure in report.measures:
            for amount in (0, 10 * base[measure] + 1_000_003):
                changed = report.document({**base, measure: amount})
                for name in (*row, *(one for one in changed if one not in row)):
                    told = found.setdefault(name, [])
                    if changed.get(name) != row.get(name) and measure not in told:
                        told.append(measure)
    found.pop("key", None)
    if lost := [name for name, told in found.items() if not told and name not in report.besides]:
        raise LookupError(f"{report.path}: nothing makes {', '.join(lost)}")
    return found


def _bases(measures: Iterable[str]) -> Iterator[dict[str, int]]:
    names = list(measures)
    yield dict.fromkeys(names, 0)
    yield {name: 10_007 + 97 * number for number, name in enumerate(names)}


def table(report: Report) -> Iterator[str]:
    yield f"### `/analytics/{report.path}`\n"
    yield "| field | made of |"
    yield "|---|---|"
    for name, measures in made_of(report).items():
        told = report.besides.get(name) or ", ".join(f"`{one}`" for one in measures)
        yield f"| `{name}` | {told} |"
    yield ""


def page() -> str:
    """Return the page."""
    assert set(SAYS) == {*get_args(Reason)}
    lines = [HEAD]
    lines += [f"| `{reason}` | {says} |" for reason, says in SAYS.items()]
    lines += [ASIDE]
    lines += [f"| `{reason}` | {says} |" for reason, says in ASIDE_SAYS.items()]
    lines += [FIELDS]
    for report in REPORTS:
        lines += table(report)
    lines += [REST]
    lines += [f"| `{name}` | {measure.says} |" for name, measure in KPI_MEASURES.items()]
    return "\n".join(lines) + "\n"


HEAD = """# What a figure is made of

Generated by `make figures`; a test fails while it differs from the code.

Every row of a report opens at the report's address and `/why` (of the pipeline, `/analytics/why`):
`contributions`, a page of what makes it, each with the ids of its facts; `total`, what all pages
add up to; `left_out`, what might have been expected there and is not, counted by reason; and
`left_out_facts`, facts that are in no figure at all. A row that cannot be is refused with
[a problem](errors.md) that names the field. Why it is so:
[ADR 0031](adr/0031-a-figure-names-its-facts-and-what-it-leaves-out.md).

## Why something is left out

Each thing is under one reason, that which says most.

| reason | what it means |
|---|---|"""
ASIDE = """
Facts that are in no figure:

| reason | what it means |
|---|---|"""
FIELDS = """
## Which measures make which field

On the left the fields of a row, on the right the measures of `total` and of `contributions` that
they follow. Money is in ten-thousandths there; of another currency than the company's (`USD` here)
it is told beside, never added up.
"""
REST = """### Others

`/analytics/losses`: `minutes` and `times` are their measures, `minutes_before` the minutes of the
time before; shares are of all minutes spent but private ones. `/analytics/attainment`: `won`,
`committed` and `open` are theirs; `percent`, `gap` and `coverage` follow from them and the target.
`/analytics/forecast-ledger`: every field counts or sums its lines, which are the contributions.

A figure that a company defines (`/analytics/kpis/{kpi}/values`) is made of what its expression
names:

| measure | what it counts |
|---|---|"""


if __name__ == "__main__":
    sys.exit(put(PAGE, page, "figures"))
