"""Who enters what happens, and who answers it: the adoption figures (N-04, H16). Pure.

A seller is measured by weeks at work, from Monday to Sunday: was anything entered of that week - a
touch or what became of an entry, and anything about an opportunity? A leader is measured by the
months in which their sellers entered something: did anybody tell these sellers anything about it?
What counts is when it happened, not when it was entered: what comes late counts where it belongs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from services.analytics.cells import Axis, Cell
from services.analytics.forecast import Span, key_of
from services.analytics.kpi_measures import begin_of, terms
from services.analytics.pipeline import Amounts, Key, ratio
from services.analytics.projections import OrgNode
from services.analytics.report_by import AdoptionBy
from services.analytics.tables import Apart, Grain, bounds
from services.analytics.tree import Organization

AXES: tuple[Axis, ...] = ("touch", "plan", "owner", "stage", "slip", "commitment", "feedback")
# What shows that something was entered, by axis and measure.
ACTIVITY = {("touch", "touches"), ("plan", "done"), ("plan", "unplanned")}
ENTERED = {
    ("owner", "discovered"),
    ("owner", "won"),
    ("owner", "lost"),
    ("stage", "entered"),
    ("slip", "pushes"),
    ("commitment", "commit"),
    ("commitment", "upside"),
}
WEEK = timedelta(days=7)
WORKDAYS = 5


def grain(span: Span) -> Grain:
    """Return what is told apart: weeks and months of touches and plans, days of all else.

    Those two are never taken back, so that what was entered in a week is their sum.
    """
    assert span.first is not None
    assert span.last is not None
    months = frozenset(one.first for one in terms("month", span.first, span.last))
    counted = Apart(months | bounds(None, span.last), "week")
    return Grain(counted={"touch": counted, "plan": counted})


class Week(NamedTuple):
    """A seller's week at work, and how much was entered of it."""

    seller: str
    first: date
    activities: int
    opportunities: int


class NoWeek(NamedTuple):
    """A week by which a seller is not measured, and why."""

    seller: str
    first: date
    reason: Literal["away", "other_function"]


class Month(NamedTuple):
    """A month of which a seller entered something, and how often a leader told them something."""

    seller: str
    first: date
    feedback: int

    @property
    def last(self) -> date:
        """Its last day: where the seller was then is where it counts."""
        return terms("month", self.first, self.first)[0].last


class Entries:
    """What was entered of whom, by Monday and by first of the month."""

    def __init__(self, cells: Amounts, last: date) -> None:
        self._weeks: Counter[tuple[str, date, str]] = Counter()
        self._months: Counter[tuple[str, date]] = Counter()
        self._feedback: Counter[tuple[str, date]] = Counter()
        for cell, amount in cells.items():
            # What was taken back was entered all the same; it is no entry of that other day.
            if amount > 0 and cell.day <= last:
                self._add(cell, amount)

    @property
    def first(self) -> date | None:
        """The Monday of the first week of which anybody entered anything."""
        return min((week for _, week, _ in self._weeks), default=None)

    def _add(self, cell: Cell, amount: int) -> None:
        if cell.axis == "feedback":
            self._feedback[cell.value, begin_of("month", cell.day)] += amount
            return
        what = (cell.axis, cell.measure)
        kind = "activity" if what in ACTIVITY else "opportunity" if what in ENTERED else None
        if kind is not None:
            self._weeks[cell.owner, begin_of("week", cell.day), kind] += amount
            self._months[cell.owner, begin_of("month", cell.day)] += amount

    def week(self, seller: str, first: date) -> Week:
        return Week(
            seller,
            first,
            self._weeks[seller, first, "activity"],
            self._weeks[seller, first, "opportunity"],
        )

    def months(self, sellers: Iterable[str], span: Span) -> Iterator[Month]:
        wanted = set(sellers)
        for (seller, first), entered in sorted(self._months.items()):
            if seller in wanted and entered and _touches(first, span):
                yield Month(seller, first, self._feedback[seller, first])


def _touches(first: date, span: Span) -> bool:
    assert span.first is not None
    assert span.last is not None
    return begin_of("month", span.first) <= first <= span.last


def weeks(
    nodes: Mapping[str, OrgNode], functions: frozenset[str], entries: Entries, span: Span
) -> Iterator[Week | NoWeek]:
    """Yield the whole weeks of the span in which each seller was at work, and why not in others."""
    assert span.first is not None
    assert span.last is not None
    for seller, node in sorted(nodes.items()):
        if not seller.startswith("employee-"):
            continue
        first = begin_of("week", span.first + timedelta(days=6))
        while first + timedelta(days=6) <= span.last:
            if not sells(node, first, functions):
                yield NoWeek(seller, first, "other_function")
            elif not at_work(node, first):
                yield NoWeek(seller, first, "away")
            else:
                yield entries.week(seller, first)
            first += WEEK


def sells(node: OrgNode, day: date, functions: frozenset[str]) -> bool:
    """Whether it is theirs to enter: by their function on that day, as the company has chosen."""
    held = [one.what for one in node.functions if one.since is None or one.since <= day]
    return bool(held) and held[-1] in functions


def at_work(node: OrgNode, first: date) -> bool:
    """Whether somebody was with us in a week, and not away on all of its workdays."""
    if node.joined_on is not None and node.joined_on > first:
        return False
    if node.left_on is not None and node.left_on < first + timedelta(days=WORKDAYS):
        return False
    return any(
        not any(one.first <= day <= one.last for one in node.away)
        for day in (first + timedelta(days=number) for number in range(WORKDAYS))
    )


def rows_of(
    by: AdoptionBy,
    held: Iterable[Week],
    answered: Iterable[Month],
    organization: Organization,
) -> dict[Key, Counter[str]]:
    """Sum weeks and months into rows.

    A week counts where its seller was on its Monday, a month where they were on its last day; of a
    single week there is no month to tell of.
    """
    rows: dict[Key, Counter[str]] = {}
    for week in held:
        row = rows.setdefault(
            key_of(by, week.seller, organization, week.first, week.first), Counter()
        )
        row["weeks"] += 1
        row["activity_weeks"] += week.activities > 0
        row["opportunity_weeks"] += week.opportunities > 0
    for month in answered if by != "week" else ():
        row = rows.setdefault(
            key_of(by, month.seller, organization, month.last, month.last), Counter()
        )
        row["months"] += 1
        row["feedback_months"] += month.feedback > 0
    return rows


def document(amounts: Counter[str]) -> dict[str, Any]:
    """Return a row as it is answered: rates in percent as text, null of nothing."""
    return {
        "weeks": amounts["weeks"],
        "activity_weeks": amounts["activity_weeks"],
        "activity_rate": ratio(100 * amounts["activity_weeks"], amounts["weeks"]),
        "opportunity_weeks": amounts["opportunity_weeks"],
        "opportunity_rate": ratio(100 * amounts["opportunity_weeks"], amounts["weeks"]),
        "months": amounts["months"],
        "feedback_months": amounts["feedback_months"],
        "feedback_rate": ratio(100 * amounts["feedback_months"], amounts["months"]),
    }
