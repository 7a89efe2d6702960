"""What we know of the customers' people: who decides, what they think, what we asked. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sellers.demo import names
from sellers.demo.chance import Chance
from sellers.demo.company import Customer, Person, World
from sellers.demo.days import at
from sellers.demo.items import Item

# How many of the people we know so much about.
DECIDING, THINKING, RECOMMENDING, REACHED, ASKED, ANSWERING, PROMOTED = (
    0.5, 0.18, 0.15, 0.12, 0.15, 0.6, 0.08,
)  # fmt: skip
CUSTOMERS_A_VISIT, CUSTOMERS_A_DOUBLE, CUSTOMERS_A_MOVE = 9, 6, 11
# The smallest companies have no such customer.
MOVER = 5
MERGED, APART, PARTED = 0, 1, 9
AHEAD, OFF = 1, 3
SURVEY = "고객만족 Customer satisfaction"
QUESTIONS = (
    ("satisfied-with-service", ("very", "mostly", "hardly")),
    ("would-recommend", ("9", "7", "10", "4")),
)


def relations(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """Yield who of us answers for a customer and what is known of each of its people."""
    make, first = world.maker, world.days.first
    owner = {"owner": customer.seller.stream, "on": first}
    yield make.item("contacts", customer.stream, "assign_owner", **owner)
    gone_on, successor = customer.seller.left_on, customer.seller.successor
    if gone_on is not None and successor is not None and not customer.seller.still_theirs:
        told = {"owner": successor.stream, "reason": "leave", "on": gone_on}
        yield make.item("contacts", customer.stream, "assign_owner", **told)
    for k, person in enumerate(customer.people):
        chance = world.chance("relation", n, k)
        yield from _statements(world, chance, customer, person)
        yield from _asked(world, chance, customer, person)
    if n % CUSTOMERS_A_DOUBLE == 0:
        yield from _entered_twice(world, n, customer)
    if n % CUSTOMERS_A_MOVE == MOVER:
        yield from _moved(world, n, customer)


def _statements(world: World, chance: Chance, customer: Customer, person: Person) -> Iterator[Item]:
    def item(what: str, on: date, **told: object) -> Item:
        return world.maker.item("contacts", person.stream, what, on=on, **told)

    if chance.happens(DECIDING):
        role = chance.weighted(names.BUYING_ROLES, (3, 4, 4, 1))
        yield item("state_buying_role", world.days.first, company=customer.stream, role=role)
    if chance.happens(THINKING):
        for about, subject in chance.some(names.OPINIONS_ABOUT, chance.between(1, 2)):
            stance, words = chance.pick(names.STANCES)
            day = world.days.begin(chance)
            by = customer.seller.on(day).stream
            told = {"about": about, "subject": subject, "stance": stance, "stated_by": by}
            yield item("state_opinion", day, words=words, **told)
    day = world.days.begin(chance)
    seller = customer.seller.on(day).stream
    if chance.happens(RECOMMENDING):
        recommends = chance.weighted(("yes", "unsure", "no"), (5, 2, 1))
        personally = seller if chance.happens(0.4) else None
        yield item("state_advocacy", day, recommends=recommends, seller=personally)
    if chance.happens(REACHED):
        ease = chance.weighted(("easily", "with_effort", "not_at_all"), (4, 3, 1))
        yield item("state_access", day, employee=seller, ease=ease)


def _asked(world: World, chance: Chance, customer: Customer, person: Person) -> Iterator[Item]:
    make, first = world.maker, world.days.first
    day = first + timedelta(days=chance.between(150, 170))
    if chance.happens(ASKED):
        for question, answers in QUESTIONS:
            told = {"question": question, "survey": SURVEY}
            yield make.item("contacts", person.stream, "ask", **told, asked_by="Marketing", on=day)
            if chance.happens(ANSWERING):
                said = {**told, "answer": chance.pick(answers)}
                yield make.item(
                    "contacts", person.stream, "answer", **said, on=day + timedelta(days=3)
                )
        if chance.happens(0.15):
            # Another department did not know; the registry says so.
            again = {"question": QUESTIONS[0][0], "survey": "Service check", "asked_by": "Service"}
            later = day + timedelta(days=25)
            yield make.item("contacts", person.stream, "ask", **again, on=later)
    if chance.happens(PROMOTED):
        campaign = chance.pick(names.CAMPAIGNS)
        told = {"channel": "email", "campaign": campaign, "planned_by": "Marketing"}
        times = (0, 12) if chance.happens(0.3) else (0,)
        for days in times:
            on = first + timedelta(days=200 + days)
            yield make.item("contacts", person.stream, "plan_promotion", **told, on=on)


def _entered_twice(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """A trade fair's list knew somebody already; some were found and merged since."""
    chance, make, person = world.chance("double", n), world.maker, customer.people[0]
    stream = make.stream("person", "double", n)
    day = world.days.begin(chance)
    name, mail = person.named.name, f"{person.named.mail}@{customer.named.mail}"
    yield make.item(
        "contacts",
        stream,
        "register",
        name=f"{name} 부장" if person.named.korean else name.upper(),
        email=mail if chance.happens(0.8) else None,
        language="ko" if person.named.korean else "en",
        on=day,
    )
    yield make.item("contacts", stream, "affiliate", company=customer.stream, on=day)
    now = n // CUSTOMERS_A_DOUBLE % 3
    if now == MERGED:
        told = {"into": person.stream, "reason": "same card", "on": day}
        yield make.item("contacts", stream, "merge", **told)
        if n % (CUSTOMERS_A_DOUBLE * PARTED) == 0:
            why = {"reason": "father and son", "on": day}
            yield make.item("contacts", stream, "unmerge", **why)
    elif now == APART:
        yield make.item("contacts", stream, "tell_apart", other=person.stream, on=day)


def _moved(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """Somebody goes to another customer; the owners of both should know."""
    chance, make = world.chance("move", n), world.maker
    target = world.customers[(n + 1) % len(world.customers)]
    stream = make.stream("person", "moving", n)
    named = names.MOVING[n // CUSTOMERS_A_MOVE % len(names.MOVING)]
    day = world.days.end - timedelta(days=chance.between(5, 60))
    came = {"company": customer.stream, "role": chance.pick(names.ROLES)}
    yield make.item("contacts", stream, "register", name=named, language="ko", on=world.days.first)
    yield make.item("contacts", stream, "affiliate", **came, on=world.days.first)
    if target is not customer:
        gone = {"company": customer.stream, "reason": "moved", "on": day}
        yield make.item("contacts", stream, "end_affiliation", **gone)
        new = {"company": target.stream, "role": chance.pick(names.ROLES)}
        yield make.item("contacts", stream, "affiliate", **new, on=day)
        mail = f"new.colleague{n}@{target.named.mail}"
        yield make.item("contacts", stream, "state_details", email=mail, on=day)


def visits(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """Now and then our CEO visits a customer, for a purpose; what was promised is kept or not."""
    if n % CUSTOMERS_A_VISIT:
        return
    chance, make = world.chance("executive visit", n), world.maker
    stream, executive = make.stream("visit", n), make.stream("employee", "leader", "company")
    ahead = n // CUSTOMERS_A_VISIT % 3 == AHEAD
    day = world.days.on_or_after(
        world.days.end + timedelta(days=chance.between(3, 30))
        if ahead
        else world.days.begin(chance)
    )
    yield make.item(
        "contacts",
        stream,
        "plan",
        executive=executive,
        company=customer.stream,
        purpose=chance.pick(names.PURPOSES),
        people=[person.stream for person in customer.people[:2]],
        talking_points=chance.some(names.TALKING_POINTS, 3),
        on=day,
    )
    if ahead or day not in world.days:
        return
    if n // CUSTOMERS_A_VISIT % 4 == OFF:
        reason = chance.pick(names.STAYED)
        yield make.item("contacts", stream, "cancel", reason=reason, on=day - timedelta(days=2))
        return
    owner = customer.seller.on(day).stream
    due = day + timedelta(days=14)
    promised = [{"what": chance.pick(names.PROMISES), "owner": owner, "due_on": due.isoformat()}]
    told = {"outcome": chance.pick(names.OUTCOMES), "follow_ups": promised, "on": day}
    yield make.item("contacts", stream, "hold", **told)
    yield make.touch(
        ("executive visit", n),
        at(day, 14 * 60),
        person=customer.people[0].stream,
        channel="visit",
        employee=executive,
        grade="CEO",
        function="management",
        company=customer.stream,
        subject=chance.pick(names.PURPOSES),
    )
    if due < world.days.end and chance.happens(0.7):
        yield make.item("contacts", stream, "keep_follow_up", follow_up="1", on=due)


def segments(world: World) -> Iterator[Item]:
    """Yield the segments that marketing and sales have saved; one was of no use."""
    make, on = world.maker, world.days.first
    for name, told in (*names.SEGMENTS, names.USELESS):
        stream = make.stream("segment", name)
        yield make.item("contacts", stream, "save", name=name, **told, on=on)
    gone = make.stream("segment", names.USELESS[0])
    told = {"reason": "nobody asked for it", "on": on + timedelta(days=90)}
    yield make.item("contacts", gone, "drop", **told)
