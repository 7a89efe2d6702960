"""Where the time went (K-03 to K-08): plan against actual, by category, by when. Pure.

An entry counts on the day it begins. What took as long as it took counts so; what is still to come
counts as planned. Private time is time, and no work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from services.calendar.days import Span, times
from services.calendar.defaults import CalendarDefaults
from services.calendar.entry_views import EntryCard
from services.calendar.worklife import Minutes, minutes
from shared.events.calendar import Category
from shared.workplaces import Workplace

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Spent:
    """Minutes of one category: as planned, and as it was."""

    category: Category
    planned_minutes: int = 0
    actual_minutes: int = 0
    entries: int = 0


@dataclass(frozen=True, slots=True)
class Punctuality:
    """How plans were kept (K-03, K-06, K-08): of what was planned for a time that has passed.

    A time of a series of which nobody told anything is no plan that was kept or not.
    """

    planned: int = 0
    done: int = 0
    started_on_time: int = 0
    ended_on_time: int = 0
    moved: int = 0
    missed: int = 0
    displaced: int = 0
    cancelled: int = 0
    unplanned: int = 0

    @property
    def kept(self) -> float | None:
        return share(self.done, self.planned)


@dataclass(frozen=True, slots=True)
class TimeFigures:
    """Answers: where did the time go, was the plan kept, how much of it was free time?"""

    first: date
    last: date
    categories: tuple[Spent, ...] = ()
    activities: dict[str, int] = field(default_factory=dict)
    work_minutes: int = 0
    customer_share: float | None = None
    goal: float = 0.0
    punctuality: Punctuality = field(default_factory=Punctuality)
    on_time_share: float | None = None
    kept_share: float | None = None
    evening_minutes: int = 0
    weekend_minutes: int = 0
    holiday_minutes: int = 0
    # More work outside working hours than the company wants, in one of these weeks.
    too_much: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """Entries of one seller on some days, with where they work."""

    cards: Sequence[EntryCard]
    place: Workplace

    def on(self, first: date, last: date) -> list[EntryCard]:
        return [card for card in self.cards if first <= _day(card, self.place) <= last]


def _day(card: EntryCard, place: Workplace) -> date:
    begin, _ = times(card)
    return date.min if begin is None else begin.astimezone(place.zone).date()


def figures(
    told: Iterable[Told], first: date, last: date, today: date, chosen: CalendarDefaults
) -> TimeFigures:
    """Return the figures of one seller, or of several together."""
    sellers = [(one.on(first, last), one.place) for one in told]
    cards = [card for some, _ in sellers for card in some if not card.all_day]
    spent = _by_category(cards)
    work = {one.category: one.actual_minutes for one in spent if one.category != "private"}
    minutes = sum((_outside(some, place) for some, place in sellers), Minutes())
    past = [card for some, place in sellers for card in some if _day(card, place) <= today]
    plans = [card for card in past if card.category != "private" and not card.untouched]
    kept = _punctuality(plans, chosen)
    return TimeFigures(
        first,
        last,
        spent,
        dict(sorted(_activities(cards).items())),
        sum(work.values()),
        share(work.get("customer", 0), sum(work.values())),
        chosen.customer_share_goal,
        kept,
        share(kept.started_on_time + kept.ended_on_time, 2 * kept.done),
        kept.kept,
        minutes.evening,
        minutes.weekend,
        minutes.holiday,
        any(_too_much(some, place, chosen) for some, place in sellers),
    )


def weeks(span: Span) -> list[tuple[date, date]]:
    """Return the weeks of these days, from Monday on, cut to them."""
    monday = span.first - timedelta(days=span.first.weekday())
    found = []
    while monday <= span.last:
        found.append((max(monday, span.first), min(monday + WEEK - timedelta(1), span.last)))
        monday += WEEK
    return found


def _by_category(cards: Iterable[EntryCard]) -> tuple[Spent, ...]:
    planned, actual, count = Counter[Category](), Counter[Category](), Counter[Category]()
    for card in cards:
        if card.category is None:
            continue
        count[card.category] += 1
        planned[card.category] += 0 if card.unplanned else _minutes(card.starts_at, card.ends_at)
        actual[card.category] += _minutes(card.started_at, card.ended_at)
    return tuple(
        Spent(category, planned[category], actual[category], count[category])
        for category in sorted(count)
    )


def _minutes(begin: datetime | None, end: datetime | None) -> int:
    if begin is None or end is None:
        return 0
    # Python takes two times of one zone apart by what its clocks show, and those are set back.
    return round((end.astimezone(UTC) - begin.astimezone(UTC)) / timedelta(minutes=1))


def _activities(cards: Iterable[EntryCard]) -> Counter[str]:
    return Counter(card.activity for card in cards if card.activity and card.status == "done")


def _outside(cards: Iterable[EntryCard], place: Workplace) -> Minutes:
    found = Minutes()
    for card in cards:
        done = card.started_at is not None and card.ended_at is not None
        if done and card.category != "private" and not card.all_day:
            begin, end = times(card)
            assert begin is not None
            assert end is not None
            found += minutes(place, begin, end)
    return found


def _too_much(cards: Sequence[EntryCard], place: Workplace, chosen: CalendarDefaults) -> bool:
    by_week: dict[date, list[EntryCard]] = {}
    for card in cards:
        day = _day(card, place)
        by_week.setdefault(day - timedelta(days=day.weekday()), []).append(card)
    most = chosen.outside_minutes_week
    return any(_outside(some, place).outside > most for some in by_week.values())


def _punctuality(cards: Sequence[EntryCard], chosen: CalendarDefaults) -> Punctuality:
    grace = timedelta(minutes=chosen.grace_minutes)
    planned = [card for card in cards if not card.unplanned]
    done = [card for card in planned if card.status == "done"]
    states = Counter(card.status for card in planned)
    return Punctuality(
        planned=len(planned),
        done=len(done),
        started_on_time=sum(_in_time(one.started_at, one.starts_at, grace) for one in done),
        ended_on_time=sum(_in_time(one.ended_at, one.ends_at, grace) for one in done),
        moved=sum(card.moves > 0 for card in planned),
        missed=states["missed"],
        displaced=states["displaced"],
        cancelled=states["cancelled"],
        unplanned=len(cards) - len(planned),
    )


def _in_time(was: datetime | None, planned: datetime | None, grace: timedelta) -> bool:
    return was is not None and planned is not None and was <= planned + grace


def share(part: float, whole: float) -> float | None:
    """Return which part of the whole it is; of nothing, none."""
    return round(part / whole, 3) if whole else None
