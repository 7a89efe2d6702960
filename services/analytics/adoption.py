"""Who enters what happens, and who answers it: the adoption figures (N-04, H16). Pure.

A seller is measured by weeks at work, from Monday to Sunday: was anything entered of that week - a
touch or what became of an entry, and anything about an opportunity? A leader is measured by the
months in which their sellers entered something: did anybody tell these sellers anything about it?
What counts is when it happened, not when it was entered: what comes late counts where it belongs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from services.analytics.cells import Axis, Per
from services.analytics.forecast import Span, key_of
from services.analytics.kpi_measures import begin_of, terms
from services.analytics.packing import Rows
from services.analytics.pipeline import Key, Reason, not_theirs, period_of, ratio
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

    @property
    def placed(self) -> date:
        """Where the seller was on its Monday is where it counts."""
        return self.first


NotWorking = Literal["away", "other_function"]


class NoWeek(NamedTuple):
    """A week by which a seller is not measured, and why."""

    seller: str
    first: date
    reason: NotWorking

    @property
    def placed(self) -> date:
        return self.first


class Month(NamedTuple):
    """A month of which a seller entered something, and how often a leader told them something."""

    seller: str
    first: date
    feedback: int

    @property
    def placed(self) -> date:
        """Where the seller was on its last day is where it counts."""
        return _last_of_month(self.first)


@lru_cache(maxsize=1_024)  # Reports ask for the same few again and again.
def _last_of_month(first: date) -> date:
    return terms("month", first, first)[0].last


Measure = Week | NoWeek | Month


class Entries:
    """What was entered of whom, by Monday and by first of the month, up to a day."""

    def __init__(self, tables: Tables, last: date) -> None:
        self._activities: dict[Entered, int] = {}
        self._opportunities: dict[Entered, int] = {}
        self._months: dict[Entered, int] = {}
        self._feedback: dict[Entered, int] = {}
        for what, weeks in ((ACTIVITY, self._activities), (ENTERED, self._opportunities)):
            for axis, measures in what.items():
                for told in _entered(tables, axis, measures, last):
                    whose = (told.owners, told.owner, told.rows)
                    _add(weeks, "week", *whose)
                    _add(self._months, "month", *whose)
        # Of whom it was said is the value.
        for told in _entered(tables, FEEDBACK, None, last):
            _add(self._feedback, "month", told.values, told.value, told.rows)

    @property
    def first(self) -> date | None:
        """The Monday of the first week of which anybody entered anything."""
        weeks = chain(self._activities, self._opportunities)
        return min((week for _, week in weeks), default=None)

    def week(self, seller: str, first: date) -> Week:
        whose = (seller, first)
        return Week(*whose, self._activities.get(whose, 0), self._opportunities.get(whose, 0))

    def months(self, span: Span) -> Iterator[Month]:
        for (seller, first), entered in sorted(self._months.items()):
            if entered and _touches(first, span):
                yield Month(seller, first, self._feedback.get((seller, first), 0))


def _entered(
    tables: Tables, axis: Axis, measures: Collection[str] | None, last: date
) -> Iterator[Exactly]:
    table = tables.by_axis.get(axis)
    if table is not None:
        told = table.exactly(measures, last)
        # What was taken back was entered all the same; it is no entry of that other day.
        kept = told.rows["amount"] > 0
        yield told._replace(owner=told.owner[kept], value=told.value[kept], rows=told.rows[kept])


def _add(
    sums: dict[Entered, int],
    per: Per,
    names: Sequence[str],
    of: npt.NDArray[np.int64],
    rows: Rows,
) -> None:
    """Add amounts to the sums of whose they are, and of the first day of the period."""
    if not len(rows):
        return
    begins, amounts = grouped(rows["amount"], [of, *intervals(rows["day"], Apart(per=per))])
    days: dict[int, date] = {}
    told = (of[begins], rows["day"][begins], amounts)
    for whose, day, amount in zip(*(column.tolist() for column in told), strict=True):
        first = days.get(day)
        if first is None:
            first = days[day] = begin_of(per, date.fromordinal(day))
        entered = (names[whose], first)
        sums[entered] = sums.get(entered, 0) + amount


def _touches(first: date, span: Span) -> bool:
    assert span.first is not None
    assert span.last is not None
    return begin_of("month", span.first) <= first <= span.last


class Measured:
    """Whom and when adoption measures: weeks and months, or why it does not.

    `sellers`: of nobody else anything is told, not even how much; None: of everybody.
    """

    def __init__(
        self,
        organization: Organization,
        functions: frozenset[str],
        span: Span,
        unit: Key = None,
        sellers: Collection[Key] | None = None,
    ) -> None:
        self._organization, self._functions = organization, functions
        self._span, self._unit, self._sellers = span, unit, sellers

    def told(self, entries: Entries) -> Iterator[tuple[Measure, Reason | None]]:
        """Yield all weeks and then all months, each with the reason why it does not count."""
        counted: set[str] = set()
        for week in self._weeks(entries):
            reason: Reason | None = week.reason if isinstance(week, NoWeek) else None
            if self._unit is not None:
                reason = self._elsewhere(week) or reason
            if reason is None:
                counted.add(week.seller)
            yield week, reason
        for month in entries.months(self._span):
            if self._sellers is None or month.seller in self._sellers:
                # A month counts where the seller is measured at all.
                unmeasured: Reason | None = None if month.seller in counted else "not_counted"
                yield month, self._elsewhere(month) or unmeasured

    def _weeks(self, entries: Entries) -> Iterator[Week | NoWeek]:
        """Yield the whole weeks of the span of each seller, at work or not."""
        assert self._span.first is not None
        assert self._span.last is not None
        first = begin_of("week", self._span.first + WEEK - A_DAY)
        mondays = [first + n * WEEK for n in range((self._span.last + A_DAY - first) // WEEK)]
        for seller, node in sorted(self._organization.nodes.items()):
            asked_for = self._sellers is None or seller in self._sellers
            if not asked_for or not mondays or not seller.startswith("employee-"):
                continue
            alike = _is_alike(node, mondays[0])
            reason = self._not_working(node, mondays[0])
            for first in mondays:
                if not alike:
                    reason = self._not_working(node, first)
                if reason is None:
                    yield entries.week(seller, first)
                else:
                    yield NoWeek(seller, first, reason)

    def _not_working(self, node: OrgNode, first: date) -> NotWorking | None:
        """Say why a week is nothing to somebody; None: something is to be entered in it."""
        if not sells(node, first, self._functions):
            return "other_function"
        return None if at_work(node, first) else "away"

    def _elsewhere(self, one: Measure) -> Reason | None:
        return not_theirs(self._unit, one.seller, one.placed, self._organization)


def _is_alike(node: OrgNode, first: date) -> bool:
    """Whether all weeks from one on are the same to somebody, as they are to most."""
    began = (node.joined_on, *(one.since for one in node.functions))
    steady = all(day is None or day <= first for day in began)
    return steady and not node.away and node.left_on is None


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


def row_of(by: AdoptionBy, one: Measure, organization: Organization) -> Key:
    """Return the row of a week or month: where its seller was then."""
    return key_of(by, one.seller, organization, one.placed, one.placed)


def rows_of(
    by: AdoptionBy, told: Iterable[Measure], organization: Organization
) -> dict[Key, Counter[str]]:
    """Sum weeks and months into rows; of a single week there is no month to tell of."""
    # Most add the same to the same row: they are counted, and their amounts are added at the end.
    times: dict[tuple[Key, Shape], int] = {}
    for one in told:
        if by != "week" or not isinstance(one, Month):
            alike = row_of(by, one, organization), shape(one)
            times[alike] = times.get(alike, 0) + 1
    rows: dict[Key, Counter[str]] = defaultdict(Counter)
    for (key, shaped), count in times.items():
        for measure, amount in AMOUNTS[shaped].items():
            rows[key][measure] += count * amount
    return rows


# Whether there was an activity, and an opportunity, in a week; whether feedback in a month.
Shape = tuple[bool, bool] | tuple[bool] | tuple[()]
AMOUNTS: Mapping[Shape, Mapping[str, int]] = {
    (): {},
    **{
        (activity, opportunity): {
            "weeks": 1,
            "activity_weeks": int(activity),
            "opportunity_weeks": int(opportunity),
        }
        for activity in (False, True)
        for opportunity in (False, True)
    },
    **{(said,): {"months": 1, "feedback_months": int(said)} for said in (False, True)},
}


def shape(one: Measure) -> Shape:
    match one:
        case Week():
            return one.activities > 0, one.opportunities > 0
        case Month():
            return (one.feedback > 0,)
        case NoWeek():
            return ()


def amounts(one: Measure) -> Mapping[str, int]:
    """Return what a week or month adds to its row."""
    return AMOUNTS[shape(one)]


TOLD = ("seller", "week", "activities", "opportunities", "month", "feedback")


def told(one: Week | Month) -> dict[str, str | int]:
    """Return a week or a month as it is answered."""
    if isinstance(one, Month):
        month = period_of(one.first, "month")
        return {"seller": one.seller, "month": month, "feedback": one.feedback}
    return {
        "seller": one.seller,
        "week": period_of(one.first, "week"),
        "activities": one.activities,
        "opportunities": one.opportunities,
    }


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
