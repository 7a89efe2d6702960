"""Who enters what happens, and who answers it: the adoption figures (N-04, H16). Pure.

A seller is measured by weeks at work, from Monday to Sunday: was anything entered of that week - a
touch or what became of an entry, and anything about an opportunity? A leader is measured by the
months in which their sellers entered something: did anybody tell these sellers anything about it?
What counts is when it happened, not when it was entered: what comes late counts where it belongs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from services.analytics.cells import Axis, Per
from services.analytics.forecast import Span, key_of
from services.analytics.kpi_measures import begin_of, terms
from services.analytics.packing import Rows
from services.analytics.pipeline import Key, ratio
from services.analytics.projections import OrgNode
from services.analytics.report_by import AdoptionBy
from services.analytics.tables import Apart, Exactly, Tables, grouped, intervals
from services.analytics.tree import Organization

# What shows that something was entered: the measures of an axis.
ACTIVITY: Mapping[Axis, frozenset[str]] = {
    "touch": frozenset({"touches"}),
    "plan": frozenset({"done", "unplanned"}),
}
ENTERED: Mapping[Axis, frozenset[str]] = {
    "owner": frozenset({"discovered", "won", "lost"}),
    "stage": frozenset({"entered"}),
    "slip": frozenset({"pushes"}),
    "commitment": frozenset({"commit", "upside"}),
}
FEEDBACK: Axis = "feedback"
AXES: tuple[Axis, ...] = (*ACTIVITY, *ENTERED, FEEDBACK)
# Whose, and the first day of which week or month.
Entered = tuple[str, date]
A_DAY, WEEK = timedelta(days=1), timedelta(days=7)
WORKDAYS = 5


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
    """What was entered of whom, by Monday and by first of the month, up to a day."""

    def __init__(self, tables: Tables, last: date) -> None:
        self._activities: Counter[Entered] = Counter()
        self._opportunities: Counter[Entered] = Counter()
        self._months: Counter[Entered] = Counter()
        self._feedback: Counter[Entered] = Counter()
        for what, weeks in ((ACTIVITY, self._activities), (ENTERED, self._opportunities)):
            for axis, measures in what.items():
                for told in _entered(tables, axis, measures, last):
                    whose = (told.owners, told.owner, told.rows)
                    weeks.update(_sums("week", *whose))
                    self._months.update(_sums("month", *whose))
        # Of whom it was said is the value.
        for told in _entered(tables, FEEDBACK, None, last):
            self._feedback.update(_sums("month", told.values, told.value, told.rows))

    @property
    def first(self) -> date | None:
        """The Monday of the first week of which anybody entered anything."""
        weeks = chain(self._activities, self._opportunities)
        return min((week for _, week in weeks), default=None)

    def week(self, seller: str, first: date) -> Week:
        whose = (seller, first)
        return Week(*whose, self._activities.get(whose, 0), self._opportunities.get(whose, 0))

    def months(self, sellers: Iterable[str], span: Span) -> Iterator[Month]:
        wanted = set(sellers)
        for (seller, first), entered in sorted(self._months.items()):
            if seller in wanted and entered and _touches(first, span):
                yield Month(seller, first, self._feedback[seller, first])


def _entered(
    tables: Tables, axis: Axis, measures: Collection[str] | None, last: date
) -> Iterator[Exactly]:
    table = tables.by_axis.get(axis)
    if table is not None:
        told = table.exactly(measures, last)
        # What was taken back was entered all the same; it is no entry of that other day.
        kept = told.rows["amount"] > 0
        yield told._replace(owner=told.owner[kept], value=told.value[kept], rows=told.rows[kept])


def _sums(
    per: Per, names: Sequence[str], of: npt.NDArray[np.int64], rows: Rows
) -> dict[Entered, int]:
    """Sum amounts by whose they are, and by the first day of the period."""
    if not len(rows):
        return {}
    begins, amounts = grouped(rows["amount"], [of, *intervals(rows["day"], Apart(per=per))])
    sums: dict[Entered, int] = {}
    days: dict[int, date] = {}
    told = (of[begins], rows["day"][begins], amounts)
    for whose, day, amount in zip(*(column.tolist() for column in told), strict=True):
        first = days.get(day)
        if first is None:
            first = days[day] = begin_of(per, date.fromordinal(day))
        entered = (names[whose], first)
        sums[entered] = sums.get(entered, 0) + amount
    return sums


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
    first = begin_of("week", span.first + WEEK - A_DAY)
    mondays = [first + n * WEEK for n in range((span.last + A_DAY - first) // WEEK)]
    for seller, node in sorted(nodes.items()):
        for first in mondays if seller.startswith("employee-") else ():
            if not sells(node, first, functions):
                yield NoWeek(seller, first, "other_function")
            elif not at_work(node, first):
                yield NoWeek(seller, first, "away")
            else:
                yield entries.week(seller, first)


def sells(node: OrgNode, day: date, functions: frozenset[str]) -> bool:
    """Whether it is theirs to enter: by their function on that day, as the company has chosen."""
    for one in reversed(node.functions):
        if one.since is None or one.since <= day:
            return one.what in functions
    return False


def at_work(node: OrgNode, first: date) -> bool:
    """Whether somebody was with us in a week, and not away on all of its workdays."""
    if node.joined_on is not None and node.joined_on > first:
        return False
    if node.left_on is not None and node.left_on < first + timedelta(days=WORKDAYS):
        return False
    return not node.away or any(
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


def document(by: AdoptionBy, amounts: Counter[str]) -> dict[str, Any]:
    """Return a row as it is answered: rates in percent as text, null of nothing.

    Of a single week there is no month to tell of.
    """
    of_months = by != "week"
    return {
        "weeks": amounts["weeks"],
        "activity_weeks": amounts["activity_weeks"],
        "activity_rate": ratio(100 * amounts["activity_weeks"], amounts["weeks"]),
        "opportunity_weeks": amounts["opportunity_weeks"],
        "opportunity_rate": ratio(100 * amounts["opportunity_weeks"], amounts["weeks"]),
        "months": amounts["months"] if of_months else None,
        "feedback_months": amounts["feedback_months"] if of_months else None,
        "feedback_rate": ratio(100 * amounts["feedback_months"], amounts["months"]),
    }
