"""How something repeats: a rule of RFC 5545, and the days on which it falls. Pure, cheap by design.

A general expander searches a rule that never comes true to the end of time. This one looks at the
days asked for and no others: a day costs a few comparisons, found or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

from icalendar import vRecur

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = {
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYMONTH",
    "BYMONTHDAY",
    "BYDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYSETPOS",
}
RULE_MAX = 500
LIST_MAX = 100
# Nothing that people do together repeats further into the future than this.
YEARS_MAX = 200


class OddRuleError(ValueError):
    """The rule says how nothing in a calendar of ours can repeat, and why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was read and can be followed."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: date | None = None
    weekstart: int = 0
    months: frozenset[int] = frozenset()
    monthdays: frozenset[int] = frozenset()
    weekdays: tuple[tuple[int, int], ...] = ()
    yeardays: frozenset[int] = frozenset()
    weeks: frozenset[int] = frozenset()
    positions: tuple[int, ...] = ()


def read_rule(text: str) -> Rule:
    """Read a rule as it stands in a file.

    Raises:
        OddRuleError: saying why.

    """
    if len(text) > RULE_MAX:
        raise OddRuleError(f"a rule has {RULE_MAX} characters at most")
    try:
        told: Mapping[str, Any] = vRecur.from_ical(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OddRuleError(f"{text!r} is no rule of RFC 5545") from error
    return _checked({name.upper(): _listed(told[name]) for name in told})


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _checked(told: Mapping[str, list[Any]]) -> Rule:
    freq = str(next(iter(told.get("FREQ", [""]))))
    if freq not in FREQUENCIES:
        raise OddRuleError(f"it repeats {freq.lower() or 'at no time'}: not daily, weekly, ...")
    odd = told.keys() - PARTS
    if odd:
        raise OddRuleError(f"it repeats by {', '.join(sorted(odd))}, which we do not follow")
    if any(len(values) > LIST_MAX for values in told.values()):
        raise OddRuleError(f"a part of its rule has more than {LIST_MAX} values")
    interval, count = _one(told, "INTERVAL", 1), _one(told, "COUNT", None)
    if interval < 1 or (count is not None and count < 1):
        raise OddRuleError("it repeats after no time at all, or never")
    weekstart = str(next(iter(told.get("WKST", ["MO"]))))
    if weekstart not in WEEKDAYS:
        raise OddRuleError(f"no week begins on {weekstart}")
    until = next(iter(told.get("UNTIL", [None])), None)
    return Rule(
        freq,
        interval,
        count,
        until if isinstance(until, date) else None,
        WEEKDAYS.index(weekstart),
        _numbers(told, "BYMONTH", 1, 12),
        _numbers(told, "BYMONTHDAY", -31, 31),
        tuple(_weekday(one) for one in told.get("BYDAY", ())),
        _numbers(told, "BYYEARDAY", -366, 366),
        _numbers(told, "BYWEEKNO", -53, 53),
        tuple(sorted(_numbers(told, "BYSETPOS", -366, 366))),
    )


def _one(told: Mapping[str, list[Any]], name: str, usual: Any) -> Any:
    values = told.get(name, [])
    try:
        return int(values[0]) if values else usual
    except (TypeError, ValueError) as error:
        raise OddRuleError(f"{name} is no number") from error


def _numbers(told: Mapping[str, list[Any]], name: str, least: int, most: int) -> frozenset[int]:
    try:
        found = frozenset(int(one) for one in told.get(name, ()))
    except (TypeError, ValueError) as error:
        raise OddRuleError(f"{name} has what is no number") from error
    if 0 in found or any(not least <= one <= most for one in found):
        raise OddRuleError(f"{name} has a number that cannot be")
    return found


def _weekday(told: Any) -> tuple[int, int]:
    text = str(told)
    day, ordinal = text[-2:].upper(), text[:-2]
    if day not in WEEKDAYS:
        raise OddRuleError(f"there is no weekday {text!r}")
    try:
        return WEEKDAYS.index(day), int(ordinal or 0)
    except ValueError as error:
        raise OddRuleError(f"there is no weekday {text!r}") from error


def days_of(rule: Rule, start: date, first: date, last: date) -> Iterator[date]:
    """Yield the days from `first` to `last` on which something falls that began on `start`."""
    last = min(last, _plus_years(start, YEARS_MAX))
    falls = (
        day
        for begin, end in _periods(rule, start, first if rule.count is None else start, last)
        for day in _in_period(rule, start, begin, end)
        if start <= day <= last
    )
    counted = falls if rule.count is None else islice(falls, rule.count)
    return (day for day in counted if day >= first)


def _plus_years(day: date, years: int) -> date:
    return date(min(day.year + years, date.max.year - 1), 12, 31)


def _periods(rule: Rule, start: date, first: date, last: date) -> Iterator[tuple[date, date]]:
    """Yield first and last day of each period of the rule; those before `first` are skipped."""
    step, first = rule.interval, max(first, start)
    if rule.freq in ("DAILY", "WEEKLY"):
        span = timedelta(days=1 if rule.freq == "DAILY" else 7)
        back = (start.weekday() - rule.weekstart) % 7 if rule.freq == "WEEKLY" else 0
        base = start - timedelta(days=back)
        number = (first - base) // (span * step)
        while base + span * step * number <= last:
            begin = base + span * step * number
            yield begin, begin + span - timedelta(days=1)
            number += 1
        return
    length = 1 if rule.freq == "MONTHLY" else 12
    base_month = start.year * 12 + (start.month - 1 if rule.freq == "MONTHLY" else 0)
    ahead = first.year * 12 + first.month - 1 - base_month
    month = base_month + ahead // (length * step) * length * step
    while date(month // 12, month % 12 + 1, 1) <= last:
        after = month + length
        yield _first_of(month), _first_of(after) - timedelta(days=1)
        month += length * step


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _in_period(rule: Rule, start: date, begin: date, end: date) -> list[date]:
    fits = _fits(rule, start)
    days = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
    found = [day for day in days if fits(day)]
    if not rule.positions:
        return found
    size = len(found)
    places = {one - 1 if one > 0 else size + one for one in rule.positions}
    return [found[place] for place in sorted(places) if 0 <= place < size]


def _fits(rule: Rule, start: date) -> Callable[[date], bool]:
    """Return whether a day of the rule's period is one of its days (RFC 5545, 3.3.10)."""
    by_day = bool(rule.weekdays)
    by_date = bool(rule.monthdays or rule.yeardays)
    same_weekday = not by_day and not by_date and (rule.freq == "WEEKLY" or bool(rule.weeks))
    unnamed = not (by_day or by_date or rule.weeks)
    same_date = unnamed and rule.freq in ("MONTHLY", "YEARLY")
    same_month = unnamed and rule.freq == "YEARLY" and not rule.months

    def fits(day: date) -> bool:
        return (
            (not rule.months or day.month in rule.months)
            and (not rule.monthdays or not rule.monthdays.isdisjoint(_in_month(day)))
            and (not rule.yeardays or not rule.yeardays.isdisjoint(_in_year(day)))
            and (not rule.weeks or not rule.weeks.isdisjoint(_week(day, rule.weekstart)))
            and (not by_day or _weekday_fits(rule, day))
            and (not same_weekday or day.weekday() == start.weekday())
            and (not same_date or day.day == start.day)
            and (not same_month or day.month == start.month)
        )

    return fits


def _weekday_fits(rule: Rule, day: date) -> bool:
    ordinals = rule.freq in ("MONTHLY", "YEARLY") and not rule.weeks
    in_month = rule.freq == "MONTHLY" or bool(rule.months)
    number, from_end = _in_month(day) if in_month else _in_year(day)
    places = ((number - 1) // 7 + 1, -((-from_end - 1) // 7) - 1)
    return any(
        weekday == day.weekday() and (not ordinal or not ordinals or ordinal in places)
        for weekday, ordinal in rule.weekdays
    )


def _in_month(day: date) -> tuple[int, int]:
    """Return which day of the month it is, from its begin and from its end."""
    length = (_first_of(day.year * 12 + day.month) - day.replace(day=1)).days
    return day.day, day.day - length - 1


def _in_year(day: date) -> tuple[int, int]:
    length = (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days
    number = (day - date(day.year, 1, 1)).days + 1
    return number, number - length - 1


def _week(day: date, weekstart: int) -> tuple[int, int]:
    """Return which week of the year it is in, from its begin and from its end (ISO 8601)."""
    # The year of a week is the one that has its fourth day.
    fourth = _fourth(day, weekstart)
    number = (fourth.timetuple().tm_yday - 1) // 7 + 1
    ends = _fourth(date(fourth.year, 12, 31), weekstart)
    ends = ends if ends.year == fourth.year else ends - timedelta(days=7)
    weeks = (ends.timetuple().tm_yday - 1) // 7 + 1
    return number, number - weeks - 1


def _fourth(day: date, weekstart: int) -> date:
    return day + timedelta(days=3 - (day.weekday() - weekstart) % 7)
