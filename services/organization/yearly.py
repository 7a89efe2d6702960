"""On which days something yearly falls (RFC 5545, as holidays need it). Pure, and cheap by design.

A general expander searches a rule that never comes true to the end of time: here a year costs a
few hundred comparisons at most, found or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any

from shared.worktime import WEEKDAYS

# Which parts of a rule are understood; those about weeks of the year, or hours, are not.
PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYDAY"}
SHORT = [weekday[:2].upper() for weekday in WEEKDAYS]


class OddRuleError(Exception):
    """The rule repeats otherwise than whole days do every year, and how."""


def check_rule(rule: Any) -> None:
    """Refuse what is no yearly rule of whole days.

    Raises:
        OddRuleError: saying why.

    """
    if not isinstance(rule, Mapping) or [*map(str, rule.get("FREQ", ()))] != ["YEARLY"]:
        raise OddRuleError("it repeats otherwise than every year")
    ordinals = any(one.relative for one in rule.get("BYDAY", ()))
    if rule.keys() - PARTS or ("BYDAY" in rule and "BYMONTH" not in rule and ordinals):
        raise OddRuleError("it repeats by a rule that is none for holidays")
    if any(int(one) < 1 for one in rule.get("INTERVAL", ())):
        raise OddRuleError("it repeats after no time at all")


def yearly(rule: Mapping[str, Any], start: date, until: date) -> Iterator[date]:
    """Yield the days from `start` to `until` on which a checked rule falls, in their order."""
    interval = next((int(one) for one in rule.get("INTERVAL", ())), 1)
    count = next((int(one) for one in rule.get("COUNT", ())), None)
    years = range(start.year, until.year + 1, interval)
    falls = (day for year in years for day in _in_year(rule, start, year))
    return islice((day for day in falls if start <= day <= until), count)


def _in_year(rule: Mapping[str, Any], start: date, year: int) -> Iterator[date]:
    whole_year = "BYMONTHDAY" in rule or "BYDAY" in rule
    usual = range(1, 13) if whole_year else (start.month,)
    months = sorted({int(one) for one in rule["BYMONTH"]}) if "BYMONTH" in rule else usual
    for month in months:
        if 1 <= month <= 12:  # noqa: PLR2004
            yield from _in_month(rule, start, year, month)


def _in_month(rule: Mapping[str, Any], start: date, year: int, month: int) -> Iterator[date]:
    first = date(year, month, 1)
    length = (date(year + month // 12, month % 12 + 1, 1) - first).days
    for number in range(1, length + 1):
        day = first + timedelta(days=number - 1)
        in_month = (number, number - length - 1)
        if "BYMONTHDAY" in rule and not any(int(one) in in_month for one in rule["BYMONTHDAY"]):
            continue
        if "BYDAY" in rule and not _weekday_fits(rule["BYDAY"], day, length):
            continue
        if "BYMONTHDAY" in rule or "BYDAY" in rule or number == start.day:
            yield day


def _weekday_fits(wanted: Sequence[Any], day: date, length: int) -> bool:
    from_begin, from_end = (day.day - 1) // 7 + 1, -((length - day.day) // 7) - 1
    return any(
        one.weekday == SHORT[day.weekday()] and one.relative in (None, 0, from_begin, from_end)
        for one in wanted
    )
