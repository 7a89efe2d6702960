"""What stands in sellers' calendars besides visits, and what came of it. Pure.

Rule: what repeats is a series; a time of it is an entry as soon as something happened to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sellers.demo import names
from sellers.demo.chance import Chance
from sellers.demo.company import Customer, Seller, World
from sellers.demo.days import OPEN_AT, ZONE, at, at_work, works
from sellers.demo.items import Item
from services.calendar.series import entry_of
from shared.occurrences import Repeats, occurrences

# Meetings repeat; some weeks of them say as much as a year.
WEEKS_BACK, WEEKS_AHEAD = 4, 2
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = range(6)
ON_LEAVE = 0.05
# What comes of a plan, in a hundred.
CAME = {"done": 80, "moved": 7, "missed": 4, "displaced": 6, "cancelled": 3}
CUSTOMERS_A_RHYTHM, RHYTHMS_AN_END = 4, 4
CUSTOMERS_AN_ACTIVITY = 3
RULES = ("FREQ=WEEKLY;INTERVAL=8", "FREQ=WEEKLY;INTERVAL=13")
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Weekly:
    """What a seller does once a week, from when (minutes after midnight), in how many weeks."""

    weekday: int
    category: str
    title: str | None
    minute: int
    length: int
    often: float = 1


ROUTINE = (
    Weekly(MONDAY, "internal", "팀 주간회의 Team meeting", OPEN_AT, 45),
    Weekly(FRIDAY, "reporting", "주간보고 Weekly report", 16 * 60, 40),
)
BETWEEN = (
    Weekly(TUESDAY, "travel", "출장 On the road", OPEN_AT + 60, 90, 0.35),
    # Nobody else's business: that it is, and when, but not what.
    Weekly(WEDNESDAY, "private", None, 18 * 60, 60, 0.2),
    Weekly(THURSDAY, "administration", "제안서 작성 Writing a proposal", 19 * 60, 120, 0.25),
    Weekly(SATURDAY, "administration", "견적 준비 Preparing a quote", 10 * 60, 90, 0.04),
)
# Some work every evening, and that is too much.
SELLERS_A_BUSY, BUSY_TITLE = 13, "야근 Late at the desk"
BUSY = tuple(
    Weekly(day, "administration", BUSY_TITLE, 19 * 60, 130, 0.9)
    for day in (MONDAY, TUESDAY, WEDNESDAY)
)


def diary(world: World, n: int, seller: Seller) -> Iterator[Item]:
    """Yield the weeks around the end: what came of them up to there, planned from then on."""
    if seller.left_on is not None:
        return
    make = world.maker
    agenda = f"agenda-{seller.stream.partition('-')[2]}"
    yield make.item("calendar", agenda, "set_zone", zone=ZONE.key)
    monday = world.days.end - timedelta(days=world.days.end.weekday(), weeks=WEEKS_BACK)
    for what in ROUTINE:
        yield from _routine(world, n, seller, monday + timedelta(days=what.weekday), what)
    for what in (*BETWEEN, *(() if n % SELLERS_A_BUSY else BUSY)):
        yield from _between(world, n, seller, monday + timedelta(days=what.weekday), what)


def _routine(world: World, n: int, seller: Seller, first: date, what: Weekly) -> Iterator[Item]:
    make, chance = world.maker, world.chance("routine", n, what.category)
    series = make.stream("series", what.category, n)
    plan = _plan(seller, first, what)
    told = {**plan, "zone": ZONE.key, "rule": "FREQ=WEEKLY"}
    planned = at(first, OPEN_AT) - timedelta(weeks=WEEKS_AHEAD)
    yield make.item("calendar", series, "plan", planned, **told)
    for week in range(WEEKS_BACK + WEEKS_AHEAD):
        day = first + timedelta(weeks=week)
        begin = at(day, what.minute)
        if not works(day) or chance.happens(ON_LEAVE):
            yield make.item("calendar", series, "skip_occurrence", planned, occurrence=begin)
        elif day < world.days.end:
            once = {**_plan(seller, day, what), "series": series, "occurrence": begin}
            yield from _came_of(world, chance, entry_of(series, begin), once)


def _between(world: World, n: int, seller: Seller, first: date, what: Weekly) -> Iterator[Item]:
    make, chance = world.maker, world.chance("between", n, what.category, what.weekday)
    for week in range(WEEKS_BACK + WEEKS_AHEAD):
        day = first + timedelta(weeks=week)
        if not chance.happens(what.often) or not (works(day) or what.weekday == SATURDAY):
            continue
        plan = _plan(seller, day, what)
        begin, end = plan["starts_at"], plan["ends_at"]
        entry = make.stream("entry", what.category, n, day)
        planned = begin - timedelta(weeks=WEEKS_AHEAD)
        yield make.item("calendar", entry, "plan", planned, **plan)
        if day < world.days.end:
            yield make.item("calendar", entry, "done", end, started_at=begin, ended_at=end)


def _plan(seller: Seller, day: date, what: Weekly) -> dict[str, Any]:
    return {
        "seller": seller.stream,
        "category": what.category,
        "title": what.title,
        "starts_at": at(day, what.minute),
        "ends_at": at(day, what.minute + what.length),
    }


def _came_of(
    world: World, chance: Chance, entry: str, plan: dict[str, Any], note: str | None = None
) -> Iterator[Item]:
    """Yield that it took place, at its time or another; or why it did not."""
    begin, end = plan["starts_at"], plan["ends_at"]

    def item(what: str, when: datetime, **told: object) -> Item:
        return world.maker.item("calendar", entry, what, when, **told)

    yield item("plan", begin - AN_HOUR, **plan)
    came = chance.weighted(tuple(CAME), tuple(CAME.values()))
    if came == "missed":
        yield item("miss", end, reason=chance.pick(names.MISSED))
    elif came == "cancelled":
        yield item("cancel", begin - AN_HOUR, reason=chance.pick(names.CALLED_OFF))
    elif came == "displaced":
        urgent = world.maker.stream("entry", "urgent", entry)
        yield from _urgent(world, urgent, plan)
        yield item("displace", begin, by=urgent, reason=chance.pick(names.URGENT))
    else:
        if came == "moved":
            begin, end = begin + AN_HOUR, end + AN_HOUR
            moved = {"starts_at": begin, "ends_at": end, "reason": chance.pick(names.MOVED)}
            yield item("move", begin - AN_HOUR, **moved)
        begin += timedelta(minutes=chance.pick((0, 0, 0, 4, 10)))
        end += timedelta(minutes=chance.pick((-10, 0, 0, 15)))
        if note is not None:
            yield item("start", begin, started_at=begin)
        yield item("done", end, started_at=begin, ended_at=end)
        if note is not None:
            about = {name: plan[name] for name in ("category", "title", "company", "people")}
            yield item("describe", end, **about, activity=plan["activity"], note=note)


def _urgent(world: World, entry: str, plan: dict[str, Any]) -> Iterator[Item]:
    begin, end = plan["starts_at"], plan["ends_at"]
    told = {"category": "customer", "title": "긴급 고객 지원 Urgent help", "unplanned": True}
    times = {"starts_at": begin, "ends_at": end, "seller": plan["seller"]}
    yield world.maker.item("calendar", entry, "plan", begin, **told, **times)
    yield world.maker.item("calendar", entry, "done", end, started_at=begin, ended_at=end)


def rhythms(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """Yield the meetings that were agreed with a customer to repeat, through the year."""
    if n % CUSTOMERS_A_RHYTHM:
        return
    make, chance = world.maker, world.chance("rhythm", n)
    series, gone_on = make.stream("series", "rhythm", n), customer.seller.left_on
    first = world.days.on_or_after(world.days.first + timedelta(days=chance.between(5, 60)))
    begin, rule = at_work(chance, first, 60), chance.pick(RULES)
    about = _with(customer, names.RHYTHM, "rhythm")
    times = {"starts_at": begin, "ends_at": begin + AN_HOUR}
    repeats = {"seller": customer.seller.stream, "zone": ZONE.key, "rule": rule}
    yield make.item("calendar", series, "plan", begin, **about, **times, **repeats)
    what = Repeats(begin, begin + AN_HOUR, ZONE.key, rule)
    for start, end in occurrences(what, first, world.days.end - timedelta(days=1)):
        if gone_on is not None and start.date() >= gone_on:
            yield _handed_over(world, series, customer, gone_on)
            gone_on = None
        if not works(start.date()):
            before = start - timedelta(days=7)
            yield make.item("calendar", series, "skip_occurrence", before, occurrence=start)
            continue
        seller = customer.seller.on(start.date()).stream
        once = {**about, "seller": seller, "starts_at": start, "ends_at": end}
        once |= {"series": series, "occurrence": start}
        note = chance.pick(names.NOTED)
        yield from _came_of(world, chance, entry_of(series, start), once, note)
    if gone_on is not None:
        yield _handed_over(world, series, customer, gone_on)
    if n // CUSTOMERS_A_RHYTHM % RHYTHMS_AN_END == RHYTHMS_AN_END - 1:
        last = world.days.end - timedelta(days=1)
        told = {"last_day": last, "reason": chance.pick(names.RHYTHM_ENDED)}
        yield make.item("calendar", series, "end", at(last, OPEN_AT), **told)


def _handed_over(world: World, series: str, customer: Customer, on: date) -> Item:
    told = {"seller": customer.seller.on(on).stream, "reason": "leave", "on": on}
    return world.maker.item("calendar", series, "reassign", **told)


def activities(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """Yield what some customers were shown or taught, once in the year."""
    if n % CUSTOMERS_AN_ACTIVITY:
        return
    make, chance = world.maker, world.chance("activity", n)
    activity, title = chance.pick(names.ACTIVITIES)
    day, entry = world.days.begin(chance), make.stream("entry", "activity", n)
    begin = at_work(chance, day, 120)
    end = begin + 2 * AN_HOUR
    about = _with(customer, title, activity)
    told = {**about, "seller": customer.seller.on(day).stream, "starts_at": begin, "ends_at": end}
    yield make.item("calendar", entry, "plan", begin - timedelta(days=14), **told)
    yield make.item("calendar", entry, "done", end, started_at=begin, ended_at=end)


def _with(customer: Customer, title: str, activity: str) -> dict[str, Any]:
    return {
        "category": "customer",
        "title": title,
        "company": customer.stream,
        "people": [person.stream for person in customer.people[:2]],
        "activity": activity,
    }
