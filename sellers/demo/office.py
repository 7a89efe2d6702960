"""What customers complain of, until it is settled. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sellers.demo import names
from sellers.demo.company import Customer, World
from sellers.demo.days import at_work
from sellers.demo.items import Item

COMPLAINTS_A_CUSTOMER = 1.6
OFFENDED = 0.2


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
