"""Our own people in a year: when they work, who is away, who is promoted, who hands over. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sellers.demo import names
from sellers.demo.company import FOUNDED, Seller, World
from sellers.demo.days import WEEKDAYS, holidays
from sellers.demo.items import Item

GRADES = ("대리", "과장", "차장", "부장")
PROMOTED = 0.2
AWAY = ("vacation", "training", "sick")


def work_times(world: World) -> Iterator[Item]:
    """Yield the calendar that the whole company works by."""
    make, stream = world.maker, world.maker.stream("workcalendar", "Korea")
    yield make.item("organization", stream, "open", name="대한민국 Korea")
    hours = {"weekdays": WEEKDAYS[:5], "starts": "09:00", "ends": "18:00", "on": FOUNDED}
    yield make.item("organization", stream, "set_hours", **hours)
    days = [
        {"day": day.isoformat(), "name": name}
        for day, name in holidays(world.days.first, world.days.end + timedelta(days=60))
    ]
    yield make.item("organization", stream, "declare_holidays", holidays=days)
    top = make.stream("unit", "company")
    yield make.item("organization", top, "assign_calendar", calendar=stream, on=FOUNDED)


def roles(world: World) -> Iterator[Item]:
    """Yield what the leaders do, and who helps out in another function."""
    make = world.maker
    for key, role in (("company", "executive"), ("division 0", "leader"), ("team 0", "leader")):
        stream = make.stream("employee", "leader", key)
        yield make.item("organization", stream, "take_role", role=role, on=FOUNDED)
    helper = world.sellers[0].stream
    begun = world.days.first + timedelta(days=30)
    yield make.item("organization", helper, "take_role", role="support", on=begun)
    over = begun + timedelta(days=60)
    yield make.item("organization", helper, "lay_down_role", role="support", on=over)
    yield make.item("organization", helper, "take_function", function="key accounts", on=over)


def away(world: World, n: int, seller: Seller) -> Iterator[Item]:
    """Yield a seller's days away, with somebody who stands in, and a promotion where there is one.

    Of a seller who has left, the handover.
    """
    chance, make = world.chance("away", n), world.maker
    if seller.left_on is not None:
        yield from _handed_over(world, seller)
        return
    day = world.days.begin(chance)
    mates = [one for one in world.sellers if one.left_on is None and one is not seller]
    yield make.item(
        "organization",
        seller.stream,
        "plan_absence",
        absence=f"away-{n}",
        kind=chance.weighted(AWAY, (6, 2, 1)),
        first_day=day,
        last_day=day + timedelta(days=chance.between(0, 9)),
        substitute=chance.pick(mates).stream if mates else None,
    )
    if chance.happens(0.1):
        why = chance.pick(names.STAYED)
        told = {"absence": f"away-{n}", "reason": why}
        yield make.item("organization", seller.stream, "cancel_absence", **told)
    if seller.grade != GRADES[-1] and chance.happens(PROMOTED):
        seller.promoted = (
            world.days.first + timedelta(days=60),
            GRADES[GRADES.index(seller.grade) + 1],
        )
        on, grade = seller.promoted
        yield make.item("organization", seller.stream, "grade", grade=grade, on=on)


def _handed_over(world: World, seller: Seller) -> Iterator[Item]:
    """Who leaves hands over: the one who takes over says so, and meets a customer."""
    left_on, successor = seller.left_on, seller.successor
    if left_on is None or successor is None:
        return
    make, stream = world.maker, seller.stream.replace("employee-", "handover-")
    # The leaving starts it by itself; started here too, it is the same one, whoever is first.
    started = {"employee": seller.stream, "cause": "leaves", "leaves_on": left_on}
    yield make.item("organization", stream, "start", **started)
    told = {"receiver": successor.stream, "on": left_on - timedelta(days=10)}
    yield make.item("organization", stream, "name_receiver", **told)
    theirs = [one for one in world.customers if one.seller is seller]
    met_on = left_on + timedelta(days=7)
    if theirs and met_on < world.days.end:
        knows = {"receiver": successor.stream, "on": left_on - timedelta(days=5)}
        yield make.item("organization", stream, "acknowledge", **knows)
        if not seller.still_theirs:  # Somebody has to be reminded of it.
            person = theirs[0].people[0].stream
            yield make.item("organization", stream, "meet_customer", person=person, on=met_on)
