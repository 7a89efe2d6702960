"""What a seller can improve (K-09): figures beside what the company wants, the farthest off first.

Pure. Whose figures they are is told first: others see what is to be improved days later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

from services.calendar.defaults import CalendarDefaults
from services.calendar.figures import TimeFigures, share
from shared.events.calendar import Category

Area = Literal["customer_share", "on_time_share", "kept_share", "office_share", "outside_minutes"]
OFFICE: tuple[Category, ...] = ("internal", "reporting", "administration")


class Goal(NamedTuple):
    """How much of it is wanted: so much at least, or at most."""

    value: float
    at_most: bool = False

    def behind(self, is_: float) -> float:
        """Return how far off it is, as a part of the goal; nothing when it is reached."""
        missing = is_ - self.value if self.at_most else self.value - is_
        return max(missing, 0.0) / (self.value or 1.0)


@dataclass(frozen=True, slots=True)
class Improvement:
    """Answers: what is not as wanted, how far off is it, and was it better or worse before?"""

    area: Area
    now: float
    goal: float
    behind: float
    before: float | None = None
    better: bool | None = None


class Period(NamedTuple):
    """The figures of some days, and of each week of them."""

    total: TimeFigures
    weeks: Sequence[TimeFigures]


def improvements(now: Period, before: Period, chosen: CalendarDefaults) -> list[Improvement]:
    """Return what is not as wanted, the farthest off first."""
    found, known = list[Improvement](), _measured(before)
    goals = _goals(chosen)
    for area, value in _measured(now).items():
        goal = goals[area]
        if value is None or goal.behind(value) == 0:
            continue
        was = known[area]
        better = None if was is None else goal.behind(value) < goal.behind(was)
        off = round(goal.behind(value), 3)
        found.append(Improvement(area, value, goal.value, off, was, better))
    return sorted(found, key=lambda one: (-one.behind, one.area))


def own_until(last: date, chosen: CalendarDefaults) -> date:
    """Return until which day what is to be improved is the seller's own business."""
    return last + timedelta(days=chosen.own_first_days)


def _measured(period: Period) -> Mapping[Area, float | None]:
    total = period.total
    minutes = {one.category: one.actual_minutes for one in total.categories}
    office = sum(minutes.get(category, 0) for category in OFFICE)
    outside = [one.evening_minutes + one.weekend_minutes + one.holiday_minutes for one in period[1]]
    return {
        "customer_share": total.customer_share,
        "on_time_share": total.on_time_share,
        "kept_share": total.kept_share,
        "office_share": share(office, total.work_minutes),
        "outside_minutes": float(max(outside)) if outside and total.work_minutes else None,
    }


def _goals(chosen: CalendarDefaults) -> Mapping[Area, Goal]:
    return {
        "customer_share": Goal(chosen.customer_share_goal),
        "on_time_share": Goal(chosen.on_time_goal),
        "kept_share": Goal(chosen.kept_goal),
        "office_share": Goal(chosen.office_share_most, at_most=True),
        "outside_minutes": Goal(float(chosen.outside_minutes_week), at_most=True),
    }
