"""When work is done: days, hours, holidays and the rhythm of a year. Pure.

The demo company keeps Korean hours and holidays; the lunar ones are known for the years listed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sellers.demo.chance import Chance

ZONE = ZoneInfo("Asia/Seoul")
FIXED = {(1, 1), (3, 1), (5, 5), (6, 6), (8, 15), (10, 3), (10, 9), (12, 25)}
# New Year's Day by the moon and Chuseok, each with the day before and after, and Buddha's birthday.
SEOLLAL = ("2024-02-10", "2025-01-29", "2026-02-17", "2027-02-07", "2028-01-27", "2029-02-13")
CHUSEOK = ("2024-09-17", "2025-10-06", "2026-09-25", "2027-09-15", "2028-10-03", "2029-09-22")
BUDDHA = ("2024-05-15", "2025-05-05", "2026-05-24", "2027-05-13", "2028-05-02", "2029-05-20")

FRIDAY = 4
# How much begins in each month: holidays and budgets make the year.
SEASON = (0.8, 0.8, 1.2, 1.0, 0.9, 1.15, 0.85, 0.7, 1.15, 1.05, 1.25, 1.0)
# A decision due in the last weeks of a quarter is often pushed into its last days.
DUE_DAYS, PUSH_DAYS, PUSHED = 60, 14, 0.55
OPEN_AT, NOON, LUNCH_OVER, CLOSED_AT = 9 * 60, 12 * 60, 13 * 60, 18 * 60


def _holidays() -> frozenset[date]:
    one = timedelta(days=1)
    around = [date.fromisoformat(day) for day in SEOLLAL + CHUSEOK]
    alone = [date.fromisoformat(day) for day in BUDDHA]
    return frozenset(alone + [day + step for day in around for step in (-one, one - one, one)])


LUNAR = _holidays()


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def holidays(first: date, end: date) -> list[tuple[date, str]]:
    """Return the public holidays from the first day on to the last, the last left out."""
    span = (first + timedelta(days=n) for n in range((end - first).days))
    return [
        (day, "공휴일 Public holiday")
        for day in span
        if (day.month, day.day) in FIXED or day in LUNAR
    ]


def works(day: date) -> bool:
    return day.weekday() <= FRIDAY and (day.month, day.day) not in FIXED and day not in LUNAR


class Days:
    """The working days from the first on to the last, the last left out."""

    def __init__(self, first: date, end: date) -> None:
        span = (first + timedelta(days=n) for n in range((end - first).days))
        self.first, self.end = first, end
        self.all = [day for day in span if works(day)]

    def __contains__(self, day: date) -> bool:
        return self.first <= day < self.end

    def on_or_after(self, day: date) -> date:
        """Return the first working day from then on, also beyond the end."""
        while not works(day):
            day += timedelta(days=1)
        return day

    def between(self, first: date, last: date) -> list[date]:
        """Return the working days from first to last, both included."""
        return self.all[bisect_left(self.all, first) : bisect_right(self.all, last)]

    def begin(self, chance: Chance) -> date:
        """Return a day on which something new begins."""
        weights = [SEASON[day.month - 1] for day in self.all]
        return chance.weighted(self.all, weights)

    def later(self, chance: Chance, day: date, usual_days: float) -> date:
        """Return a working day some time later, at least the next one."""
        step = timedelta(days=max(1, round(chance.around(usual_days))))
        return self.on_or_after(day + step)

    def closing(self, chance: Chance, day: date) -> date:
        """Move a decision into the last days of its quarter, as often as quotas do."""
        last = quarter_end(day)
        if (last - day).days > DUE_DAYS or not chance.happens(PUSHED):
            return day
        pushed = last - timedelta(days=chance.between(0, PUSH_DAYS))
        while not works(pushed):
            pushed -= timedelta(days=1)
        return max(pushed, day)


def quarter_end(day: date) -> date:
    month = (day.month - 1) // 3 * 3 + 3
    after = date(day.year + month // 12, month % 12 + 1, 1)
    return after - timedelta(days=1)


def at_work(chance: Chance, day: date, minutes: int = 0) -> datetime:
    """Return an instant in working hours that leaves so many minutes before noon or evening."""
    morning = chance.happens(0.5)
    start, end = (OPEN_AT, NOON) if morning else (LUNCH_OVER, CLOSED_AT)
    slots = max((end - start - minutes) // 5, 1)
    return at(day, start + 5 * chance.between(0, slots - 1))


def at(day: date, minute: int) -> datetime:
    local = datetime.combine(day, time(minute // 60, minute % 60), ZONE)
    return local.astimezone(UTC)
