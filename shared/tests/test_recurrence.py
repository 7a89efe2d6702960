"""When what repeats takes place (K-11): rules of RFC 5545, zones, exceptions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given as for_all
from hypothesis import strategies as st

from shared.occurrences import Repeats, occurrences
from shared.recurrence import OddRuleError, days_of, read_rule

SEOUL, NEW_YORK = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")
MONDAY = date(2026, 1, 5)
NINE = datetime.combine(MONDAY, time(9), SEOUL)
HOUR = timedelta(hours=1)


def weekly(**told: Any) -> Repeats:
    usual = {"starts_at": NINE, "ends_at": NINE + HOUR, "zone": "Asia/Seoul"}
    return Repeats(**{**usual, "rule": "FREQ=WEEKLY", **told})


def days(what: Repeats, last: date = date(2026, 12, 31)) -> list[date]:
    zone = ZoneInfo(what.zone)
    return [begin.astimezone(zone).date() for begin, _ in occurrences(what, MONDAY, last)]


@st.composite
def rules(draw: Any) -> str:
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, 4))}"]
    monthly = freq in ("MONTHLY", "YEARLY")
    # dateutil takes weekdays with and without a number together for both at once.
    ordinals = draw(st.sampled_from([[""], ["1", "2", "5", "-1"]])) if monthly else [""]
    numbers = st.lists(st.sampled_from([1, 2, 15, 29, 30, 31, -1, -2]), min_size=1, max_size=2)
    if draw(st.booleans()):
        months = draw(st.lists(st.integers(1, 12), min_size=1, max_size=2))
        parts.append(f"BYMONTH={','.join(map(str, months))}")
    if freq != "WEEKLY" and draw(st.booleans()):
        parts.append(f"BYMONTHDAY={','.join(map(str, draw(numbers)))}")
    if draw(st.booleans()):
        weekdays = st.tuples(st.sampled_from(ordinals), st.sampled_from(["MO", "TH", "SU"]))
        found = draw(st.lists(weekdays, min_size=1, max_size=2))
        parts.append(f"BYDAY={','.join(a + b for a, b in found)}")
    if any(part.startswith("BY") for part in parts) and draw(st.booleans()):
        parts.append(f"BYSETPOS={draw(st.sampled_from(['1', '-1', '2', '1,-1']))}")
    return ";".join([*parts, f"WKST={draw(st.sampled_from(['MO', 'SU']))}"])


@for_all(rules(), st.dates(date(2024, 1, 1), date(2026, 3, 1)), st.none() | st.integers(1, 20))
def test_k_11_rules_fall_on_the_days_another_reader_says(
    rule: str, start: date, count: int | None
) -> None:
    if rule.startswith("FREQ=WEEKLY") and "BYSETPOS" in rule:
        # Of a first week that had begun the other reader counts positions from the start on; the
        # set that they count in begins with the week (RFC 5545, 3.3.10).
        start -= timedelta(days=(start.weekday() + rule.endswith("WKST=SU")) % 7)
    last = start + timedelta(days=800)
    until = rrulestr(f"{rule};UNTIL={last:%Y%m%d}", dtstart=datetime.combine(start, time()))
    counted = f"{rule};COUNT={count}" if count else rule
    first = start + timedelta(days=200)
    expected = [at.date() for at in islice(_bounded(until, rule), count) if at.date() >= first]
    assert list(days_of(read_rule(counted), start, first, last)) == expected


def _bounded(until: Any, rule: str) -> Any:
    # What never comes true keeps the other reader busy to the year 9999: ours says first.
    start = until._dtstart.date()
    some = next(iter(days_of(read_rule(rule), start, start, start + timedelta(days=800))), None)
    return iter(until) if some is not None else iter(())


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1"]
)
def test_k_11_a_rule_that_never_comes_true_costs_nothing(rule: str) -> None:
    began = monotonic()
    assert list(days_of(read_rule(rule), MONDAY, MONDAY, date(2040, 1, 1))) == []
    assert monotonic() - began < 2


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=HOURLY;INTERVAL=2",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=DAILY;BYHOUR=9,17",
        "every monday",
        "FREQ=YEARLY;BYYEARDAY=" + ",".join(map(str, range(1, 120))),
    ],
)
def test_k_11_a_rule_that_cannot_be_followed_says_why(rule: str) -> None:
    with pytest.raises(OddRuleError):
        read_rule(rule)


def test_k_11_nine_o_clock_stays_nine_o_clock_when_the_clocks_change() -> None:
    begin = datetime(2026, 3, 2, 9, tzinfo=NEW_YORK)
    what = weekly(starts_at=begin, ends_at=begin + HOUR, zone="America/New_York")
    found = [at for at, _ in occurrences(what, date(2026, 3, 2), date(2026, 3, 16))]
    assert [at.hour for at in found] == [9, 9, 9]
    assert [at.astimezone(UTC).hour for at in found] == [14, 13, 13]


def test_k_11_a_time_the_clocks_leave_out_is_reckoned_as_before_it() -> None:
    begin = datetime(2026, 3, 7, 2, 30, tzinfo=NEW_YORK)
    what = weekly(starts_at=begin, ends_at=begin + HOUR, zone="America/New_York", rule="FREQ=DAILY")
    (_, gap) = [at for at, _ in occurrences(what, date(2026, 3, 7), date(2026, 3, 8))]
    assert gap.astimezone(UTC) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


def test_k_11_exceptions_further_dates_and_ends_count() -> None:
    gone = NINE + timedelta(days=7)
    more = NINE + timedelta(days=3)
    what = weekly(dates=(more,), except_dates=(gone,), last_day=date(2026, 1, 19))
    assert days(what) == [MONDAY, date(2026, 1, 8), date(2026, 1, 19)]
    until = weekly(rule="FREQ=WEEKLY;UNTIL=20260112T000000Z")
    assert days(until) == [MONDAY, date(2026, 1, 12)]
    assert days(weekly(rule="FREQ=WEEKLY;UNTIL=20260111T235959Z")) == [MONDAY]
    assert days(weekly(rule="FREQ=WEEKLY;UNTIL=20260112")) == [MONDAY, date(2026, 1, 12)]


def test_without_a_rule_it_takes_place_first_and_on_its_dates() -> None:
    assert days(weekly(rule=None, dates=(NINE + timedelta(days=2),))) == [
        MONDAY,
        date(2026, 1, 7),
    ]
