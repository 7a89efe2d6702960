"""What customers complain of, until it is settled. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sellers.demo import names
from sellers.demo.company import Customer, Person, World
from sellers.demo.days import ZONE, at_work
from sellers.demo.items import Item

COMPLAINTS_A_CUSTOMER, UNREGISTERED = 1.6, 0.15
CUSTOMERS_AN_AGREEMENT, ASSESSED_AFTER = 4, (60, 200)
OFFENDED, GRAVE, ASKED_AFTER, REMOVED, REOPENED = 0.2, 0.15, 0.5, 0.6, 0.08


def agreements(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """Yield what is agreed with a customer about how we serve them, and what they say of it."""
    if n % CUSTOMERS_AN_AGREEMENT:
        return
    chance, days = world.chance("agreement", n), world.days
    stream = customer.stream.replace("company-", "agreement-")
    person = chance.pick(customer.people)
    language = 0 if person.named.korean else 1
    points = [{"area": area, "what": what[language]} for area, what in names.SERVICE]
    answers = [{"severity": severity, "days": within} for severity, within in names.ANSWERED]
    told = {"points": points, "answers": answers, "person": person.stream}
    agreed_on = days.on_or_after(days.first + timedelta(days=30))
    yield world.maker.item("issues", stream, "agree", **told, on=agreed_on)
    for after in ASSESSED_AFTER:
        on = days.on_or_after(agreed_on + timedelta(days=after))
        for area, _ in names.SERVICE if on < days.end else ():
            said = {"area": area, "score": chance.between(4, 10), "person": person.stream}
            yield world.maker.item("issues", stream, "assess", **said, on=on)


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
    severity = chance.weighted(("low", "moderate", "high", "critical"), (3, 8, 3, 1))
    yield heard
    if chance.happens(UNREGISTERED):
        return  # It was heard, and nobody wrote it down: what the share of capture is about.
    yield make.item(
        "issues",
        stream,
        "register",
        kind=chance.weighted(("complaint", "grievance", "objection"), (8, 1, 1)),
        words=words,
        severity=severity,
        person=person.stream,
        company=customer.stream,
        touch=heard.stream,
        expressed=chance.weighted(("said", "written", "shown"), (5, 4, 1)),
        on=day,
    )
    if chance.happens(OFFENDED):
        by = customer.seller.on(day).stream
        said = {"about": "us", "stance": "critical", "words": words, "touch": heard.stream}
        yield make.item("contacts", person.stream, "state_opinion", **said, stated_by=by, on=day)
    yield from _handled(world, key, customer, Heard(stream, person, day, severity))


@dataclass(frozen=True, slots=True)
class Heard:
    """A complaint, who made it, and when."""

    stream: str
    person: Person
    day: date
    severity: str

    @property
    def language(self) -> int:
        return 0 if self.person.named.korean else 1


def _handled(
    world: World, key: tuple[int, int], customer: Customer, heard: Heard
) -> Iterator[Item]:
    """Yield what was done about it, as far as that is by now."""
    chance, end = world.chance("handled", *key), world.days.end
    assigned = world.days.on_or_after(heard.day + timedelta(days=chance.between(0, 2)))
    told = world.days.later(chance, assigned, 5)
    closed = world.days.on_or_after(told + timedelta(days=chance.between(0, 4)))
    if assigned < end:
        yield from _looked_into(world, key, customer, heard, assigned)
    if told >= end:
        # Whoever still waits has been promised an answer for a day to come.
        by = at_work(chance, world.days.on_or_after(end + timedelta(days=2)), 15)
        if assigned < end:
            promised = {"answer_by": by.isoformat(), "on": assigned}
            yield world.maker.item("issues", heard.stream, "set_deadline", **promised)
        return
    yield from _fed_back(world, key, customer, heard, told)
    if closed >= end:
        return
    yield world.maker.item("issues", heard.stream, "close", on=closed)
    asked = world.days.later(chance, closed, 10)
    if asked < end and chance.happens(ASKED_AFTER):
        score = chance.between(5, 10)
        said = {"score": score, "when": "after", "on": asked}
        yield world.maker.item("issues", heard.stream, "state_satisfaction", **said)
    again = world.days.later(chance, closed, 20)
    if again < end and chance.happens(REOPENED):
        reason = chance.pick(names.AGAIN)[heard.language]
        yield world.maker.item("issues", heard.stream, "reopen", reason=reason, on=again)


def _looked_into(
    world: World, key: tuple[int, int], customer: Customer, heard: Heard, day: date
) -> Iterator[Item]:
    chance, make = world.chance("looked into", *key), world.maker

    def done(asked: str, /, **told: Any) -> Item:
        return make.item("issues", heard.stream, asked, **told, on=day)

    yield done("assign", owner=customer.seller.on(day).stream)
    if chance.happens(ASKED_AFTER):
        yield done("state_satisfaction", score=chance.between(0, 6), when="before")
    if chance.happens(GRAVE):
        if heard.severity != "critical":
            yield done("grade", severity="critical")
        boss = make.stream("employee", "leader", f"team {customer.seller.on(day).team}")
        yield done("escalate", to=boss, reason=names.ESCALATED[heard.language])
    category, cause, removed = chance.pick(names.CAUSES)
    yield done("find_cause", cause=cause[heard.language], category=category)
    yield done("act", what=chance.pick(names.ACTIONS)[heard.language])
    if chance.happens(REMOVED):
        yield done("remove_cause", how=removed[heard.language])
        yield done("inform", unit=make.stream("unit", "company"), what=cause[heard.language])


def _fed_back(
    world: World, key: tuple[int, int], customer: Customer, heard: Heard, told: date
) -> Iterator[Item]:
    chance, make = world.chance("fed back", *key), world.maker
    result = chance.pick(names.RESULTS)[heard.language]
    touch = make.touch(
        ("feedback", *key),
        at_work(chance, told, 15),
        person=heard.person.stream,
        channel="call",
        about="complaint",
        employee=customer.seller.on(told).stream,
        grade=customer.seller.on(told).grade_on(told),
        function="sales",
        company=customer.stream,
        subject=result,
    )
    yield touch
    given = {"result": result, "touch": touch.stream, "on": told}
    yield make.item("issues", heard.stream, "give_feedback", **given)


KEPT, LATE, SILENT, WITHDRAWN, PUT_OFF = 0.8, 0.1, 0.12, 0.05, 0.15
PROMISES_A_CUSTOMER = 2


def promises(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """Yield what a customer was promised, and whether they had it in time (I-08)."""
    chance = world.chance("promises", n)
    for k in range(round(chance.around(PROMISES_A_CUSTOMER))):
        yield from _promise(world, (n, k), customer)


def _promise(world: World, key: tuple[int, int], customer: Customer) -> Iterator[Item]:
    chance, make, days = world.chance("promise", *key), world.maker, world.days
    stream, person = make.stream("commitment", *key), chance.pick(customer.people)
    language = 0 if person.named.korean else 1
    what, result = chance.pick(names.COMMITMENTS)
    day = days.begin(chance)
    made_at, due = at_work(chance, day, 15), days.later(chance, day, 4)
    due_by = datetime.combine(due, time(18), ZONE)

    def told(asked: str, on: date, /, **more: Any) -> Iterator[Item]:
        if on < days.end:
            yield make.item("issues", stream, asked, datetime.combine(on, time(12), ZONE),
                            **more, on=on)  # fmt: skip

    yield make.item(
        "issues", stream, "make", made_at,
        what=what[language], person=person.stream, owner=customer.seller.on(day).stream,
        company=customer.stream, due_by=due_by, made_at=made_at, on=day,
    )  # fmt: skip
    if not chance.happens(SILENT):
        yield from told("follow_up", day, said=names.UNDERWAY[language])
    if chance.happens(PUT_OFF):
        later = days.later(chance, due, 3)
        anew = {"due_by": datetime.combine(later, time(18), ZONE)}
        yield from told("move", due, **anew, said=names.DELAYED[language])
        due = later
    if chance.happens(WITHDRAWN):
        yield from told("withdraw", due, said=names.TAKEN_BACK[language])
    elif chance.happens(KEPT):
        yield from told("keep", due, result=result)
    elif chance.happens(LATE / (1 - KEPT)):
        yield from told("keep", days.later(chance, due, 3), result=result)
