"""What else fills the days: complaints until they are settled, meetings, reports. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sellers.demo import names
from sellers.demo.company import Customer, Seller, World
from sellers.demo.days import OPEN_AT, at, at_work, works
from sellers.demo.items import Item

COMPLAINTS_A_CUSTOMER = 1.6
OFFENDED = 0.2
# Meetings repeat; some weeks of them say as much as a year.
WEEKS_BACK, WEEKS_AHEAD = 4, 2
MONDAY, WEDNESDAY, FRIDAY = 0, 2, 4
# On which day of the week, what, from when (minutes after midnight), how long.
ROUTINE = (
    (MONDAY, "internal", "팀 주간회의 Team meeting", OPEN_AT, 45),
    (FRIDAY, "reporting", "주간보고 Weekly report", 16 * 60, 40),
)


def complaints(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """Yield a customer's complaints, in more or less busy years."""
    chance = world.chance("complaints", n)
    for k in range(round(chance.around(COMPLAINTS_A_CUSTOMER * min(customer.size, 2)))):
        yield from _complaint(world, (n, k), customer)


def _complaint(world: World, key: tuple[int, int], customer: Customer) -> Iterator[Item]:
    chance, make = world.chance("complaint", *key), world.maker
    stream, person = make.stream("issue", *key), chance.pick(customer.people)
    language = 0 if person.named.korean else 1
    words = chance.pick(names.COMPLAINTS)[language]
    day = world.days.begin(chance)
    heard = make.touch(
        ("complaint", *key),
        at_work(chance, day, 15),
        person=person.stream,
        channel=chance.weighted(("call", "email", "chat"), (3, 3, 1)),
        about="complaint",
        direction="inbound",
        employee=customer.seller.on(day).stream,
        grade=customer.seller.on(day).grade_on(day),
        function="sales",
        company=customer.stream,
        subject=words,
    )
    yield heard
    yield make.item(
        "issues",
        stream,
        "register",
        kind=chance.weighted(("complaint", "grievance", "objection"), (8, 1, 1)),
        words=words,
        severity=chance.weighted(("low", "moderate", "high", "critical"), (3, 8, 3, 1)),
        person=person.stream,
        company=customer.stream,
        touch=heard.stream,
        on=day,
    )
    assigned = world.days.on_or_after(day + timedelta(days=chance.between(0, 2)))
    told = world.days.later(chance, assigned, 5)
    closed = world.days.on_or_after(told + timedelta(days=chance.between(0, 4)))
    if chance.happens(OFFENDED):
        by = customer.seller.on(day).stream
        said = {"about": "us", "stance": "critical", "words": words, "touch": heard.stream}
        yield make.item("contacts", person.stream, "state_opinion", **said, stated_by=by, on=day)
    if assigned < world.days.end:
        owner = customer.seller.on(assigned).stream
        yield make.item("issues", stream, "assign", owner=owner, on=assigned)
    if told < world.days.end:
        result = chance.pick(names.RESULTS)[language]
        yield make.touch(
            ("feedback", *key),
            at_work(chance, told, 15),
            person=person.stream,
            channel="call",
            about="complaint",
            employee=customer.seller.on(told).stream,
            grade=customer.seller.on(told).grade_on(told),
            function="sales",
            company=customer.stream,
            subject=result,
        )
        yield make.item("issues", stream, "give_feedback", result=result, on=told)
    if closed < world.days.end:
        yield make.item("issues", stream, "close", on=closed)


def routine(world: World, n: int, seller: Seller) -> Iterator[Item]:
    """Yield the weeks around the end: done up to there, planned from then on."""
    chance = world.chance("routine", n)
    monday = world.days.end - timedelta(days=world.days.end.weekday(), weeks=WEEKS_BACK)
    for week in range(WEEKS_BACK + WEEKS_AHEAD):
        start = monday + timedelta(weeks=week)
        for k, (weekday, category, title, minute, length) in enumerate(ROUTINE):
            day = start + timedelta(days=weekday)
            if works(day) and seller.on(day) is seller and chance.happens(0.9):
                times = (minute, length + chance.pick((-10, 0, 0, 15)))
                yield from _entry(world, (n, week, k), seller, day, times, category, title)
        day = start + timedelta(days=WEDNESDAY)
        if works(day) and seller.on(day) is seller and chance.happens(0.2):
            # Nobody else's business: that it is, and when, but not what.
            yield from _entry(world, (n, week, "private"), seller, day, (18 * 60, 60), "private")


def _entry(
    world: World,
    key: tuple[object, ...],
    seller: Seller,
    day: date,
    times: tuple[int, int],
    category: str,
    title: str | None = None,
) -> Iterator[Item]:
    make, (minute, length) = world.maker, times
    stream = make.stream("entry", "routine", *key)
    starts, ends = at(day, minute), at(day, minute + length)
    # Whatever repeats was planned when the quarter began.
    told = {"seller": seller.stream, "category": category, "title": title}
    planned = starts - timedelta(weeks=WEEKS_AHEAD)
    yield make.item("calendar", stream, "plan", planned, starts_at=starts, ends_at=ends, **told)
    if day < world.days.end:
        yield make.item("calendar", stream, "done", ends, started_at=starts, ended_at=ends)
