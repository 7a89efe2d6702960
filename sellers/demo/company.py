"""Who is there: our organisation, the products, the customers and their people. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from sellers.demo import names
from sellers.demo.chance import Chance
from sellers.demo.days import Days
from sellers.demo.items import Item, Maker

SELLERS_A_TEAM = 6
TEAMS_A_DIVISION = 2.5
CUSTOMERS_A_SELLER = 2.25
YEAR = timedelta(days=365)
FOUNDED = date(2012, 3, 2)
CURRENCY = "USD"
KOREAN = 0.7


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody's or something's name, with the letters of an e-mail address."""

    name: str
    mail: str
    korean: bool


@dataclass(slots=True)
class Seller:
    """One of us who sells; `left_on` when no longer, and `successor` then.

    `still_theirs`: their customers are handed over when all is folded.
    """

    stream: str
    named: Named
    team: int
    skill: float
    grade: str = ""
    # From when on, and what they are since.
    promoted: tuple[date, str] | None = None
    left_on: date | None = None
    still_theirs: bool = False
    successor: Seller | None = None

    def on(self, day: date) -> Seller:
        """Return who does this work on that day."""
        gone = self.left_on is not None and day >= self.left_on
        return self.successor.on(day) if gone and self.successor is not None else self

    def grade_on(self, day: date) -> str:
        since = self.promoted is not None and day >= self.promoted[0]
        return self.promoted[1] if since and self.promoted is not None else self.grade


@dataclass(frozen=True, slots=True)
class Person:
    stream: str
    named: Named


@dataclass(frozen=True, slots=True)
class Customer:
    """A company we sell to, and the seller who looks after it."""

    stream: str
    named: Named
    seller: Seller
    size: float
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Product:
    stream: str
    name: str
    price: int
    weight: int


@dataclass(frozen=True, slots=True)
class Promise:
    """What a seller of a team committed to, as a line of a forecast says it; over when decided."""

    team: int
    on: date
    line: dict[str, str]
    over_on: date


@dataclass(slots=True)
class World:
    """Everybody and everything there is, as made up from the seed."""

    maker: Maker
    days: Days
    sellers: list[Seller] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    # Of each team.
    divisions: list[str] = field(default_factory=list)

    def division_of(self, team: int) -> str:
        return self.divisions[team]

    def chance(self, *purpose: object) -> Chance:
        return Chance(self.maker.seed, *purpose)


def person_named(chance: Chance, *, korean: bool) -> Named:
    if korean:
        family, given = chance.pick(names.KOREAN_SURNAMES), chance.pick(names.KOREAN_GIVEN)
        return Named(family[0] + given[0], f"{given[1]}.{family[1]}", korean=True)
    first, last = chance.pick(names.ENGLISH_GIVEN), chance.pick(names.ENGLISH_SURNAMES)
    return Named(f"{first} {last}", f"{first}.{last}".lower(), korean=False)


def organisation(world: World) -> Iterator[Item]:
    """Yield units from the top down and colleagues; fill `world.sellers`."""
    teams = max(1, round(world.maker.size / SELLERS_A_TEAM))
    divisions = min(len(names.DIVISIONS), max(1, round(teams / TEAMS_A_DIVISION)))
    make, top = world.maker, world.maker.stream("unit", "company")
    form = {"on": FOUNDED}
    yield make.item("organization", top, "form", name=names.COMPANY, kind="company", **form)
    yield from _leader(world, top, "company", "CEO")
    for n in range(divisions):
        unit = make.stream("unit", "division", n)
        told = {"name": names.DIVISIONS[n], "kind": "division", "parent": top}
        yield make.item("organization", unit, "form", **told, **form)
        yield from _leader(world, unit, f"division {n}", "division head")
    for n in range(teams):
        unit = make.stream("unit", "team", n)
        parent = make.stream("unit", "division", n % divisions)
        world.divisions.append(parent)
        told = {"name": f"영업{n + 1}팀 Sales {n + 1}", "kind": "team", "parent": parent}
        yield make.item("organization", unit, "form", **told, **form)
        yield from _leader(world, unit, f"team {n}", "team leader")
    for n in range(world.maker.size):
        yield from _seller(world, n, n % teams)
    yield from _changes(world, teams)


def _joined(
    world: World, stream: str, key: str, grade: str, function: str, day: date
) -> tuple[Named, Item]:
    chance = world.chance("colleague", key)
    named = person_named(chance, korean=chance.happens(KOREAN))
    number = sum(map(ord, key)) % 90 + 10
    item = world.maker.item(
        "organization",
        stream,
        "join",
        name=named.name,
        email=f"{named.mail}{number}@{names.MAIL}",
        grade=grade,
        function=function,
        on=day,
    )
    return named, item


def _leader(world: World, unit: str, key: str, grade: str) -> Iterator[Item]:
    leader = world.maker.stream("employee", "leader", key)
    yield _joined(world, leader, key, grade, "management", FOUNDED)[1]
    yield world.maker.item("organization", leader, "assign", unit=unit, on=FOUNDED)
    yield world.maker.item("organization", unit, "appoint_manager", employee=leader, on=FOUNDED)


def _seller(world: World, n: int, team: int, day: date | None = None) -> Iterator[Item]:
    chance = world.chance("seller", n)
    stream = world.maker.stream("employee", "seller", n)
    since = day or world.days.first - timedelta(days=chance.between(30, 2_000))
    grade = chance.weighted(("대리", "과장", "차장", "부장"), (4, 3, 2, 1))
    named, joined = _joined(world, stream, f"seller {n}", grade, "sales", since)
    yield joined
    unit = world.maker.stream("unit", "team", team)
    yield world.maker.item("organization", stream, "assign", unit=unit, on=since)
    world.sellers.append(Seller(stream, named, team, chance.share(0.75, 1.25), grade))


def _changes(world: World, teams: int) -> Iterator[Item]:
    """Now and then somebody leaves and is replaced in the same team; one colleague changes team."""
    chance = world.chance("changes")
    staff = list(world.sellers)
    for n, leaving in enumerate(chance.some(staff, world.maker.size // 15)):
        leaving.left_on = world.days.on_or_after(
            world.days.first + timedelta(days=chance.between(60, 270))
        )
        number = world.maker.size + n
        yield from _seller(world, number, leaving.team, leaving.left_on)
        leaving.successor, leaving.still_theirs = world.sellers[-1], n == 0
        yield world.maker.item(
            "organization", leaving.stream, "leave", reason="moved abroad", on=leaving.left_on
        )
    staying = [seller for seller in staff if seller.left_on is None]
    if teams > 1 and staying:
        moving = chance.pick(staying)
        moving.team = (moving.team + 1) % teams
        unit = world.maker.stream("unit", "team", moving.team)
        day = world.days.on_or_after(world.days.first + YEAR / 2)
        yield world.maker.item("organization", moving.stream, "assign", unit=unit, on=day)


def products(world: World) -> Iterator[Item]:
    for name, series, price, weight in names.PRODUCTS:
        stream = world.maker.stream("product", name)
        yield world.maker.item(
            "opportunities",
            stream,
            "list",
            name=name,
            series=series,
            price=str(price),
            currency=CURRENCY,
            on=world.days.first,
        )
        world.products.append(Product(stream, name, price, weight))
    # The price of the first went up; deals go on at the price they began with.
    dearer = {"price": str(round(names.PRODUCTS[0][2] * 1.05)), "currency": CURRENCY}
    first, half = world.products[0].stream, world.days.first + YEAR / 2
    yield world.maker.item("opportunities", first, "reprice", **dearer, on=half)


def customers(world: World) -> Iterator[Item]:
    """Yield customer companies with their people; fill `world.customers`."""
    taken: set[str] = set()
    staff = world.sellers[: world.maker.size]
    for n in range(max(1, round(world.maker.size * CUSTOMERS_A_SELLER))):
        chance = world.chance("customer", n)
        named, sector = _company_named(chance, taken)
        stream = world.maker.stream("company", n)
        since = world.days.first - timedelta(days=chance.between(10, 1_500))
        size = chance.around(1.0, 0.7)
        make = world.maker
        yield make.item("contacts", stream, "register", name=named.name, on=since)
        yield make.item(
            "contacts",
            stream,
            "describe",
            stated_by="sales",
            sector=sector,
            founded_year=chance.between(1961, 2021),
            revenue=str(round(size * 80, 1)),
            revenue_unit="million USD",
            employee_count=round(size * 420),
            location=chance.pick(names.CITIES if named.korean else names.CITIES_ABROAD),
            on=since,
        )
        if n and chance.happens(0.12):
            above = world.chance("parent", n).between(0, n - 1)
            parent = make.stream("company", above)
            yield make.item("contacts", stream, "place_under", parent=parent, on=since)
        people = []
        for k in range(chance.between(1, 5)):
            person, items = person_at(world, (n, k), stream, named, since)
            people.append(person)
            yield from items
        seller = staff[n % len(staff)]
        world.customers.append(Customer(stream, named, seller, size, tuple(people)))


def _company_named(chance: Chance, taken: set[str]) -> tuple[Named, str]:
    if chance.happens(KOREAN):
        stem, end = chance.pick(names.KOREAN_COMPANY_STEMS), chance.pick(names.KOREAN_COMPANY_ENDS)
        name, mail, sector = stem[0] + end[0], f"{stem[1]}-{end[1]}", end[2]
        korean = True
    else:
        first, last = (
            chance.pick(names.ENGLISH_COMPANY_STEMS),
            chance.pick(names.ENGLISH_COMPANY_ENDS),
        )
        name, mail, sector = f"{first} {last[0]}", f"{first}-{last[0]}".lower(), last[1]
        korean = False
    number = 1
    while (unique := name if number == 1 else f"{name} {number}") in taken:
        number += 1
    taken.add(unique)
    suffix = "" if number == 1 else str(number)
    return Named(unique, f"{mail}{suffix}.example", korean=korean), sector


def person_at(
    world: World, key: tuple[int, int], company: str, of: Named, since: date
) -> tuple[Person, list[Item]]:
    chance, make = world.chance("person", *key), world.maker
    named = person_named(chance, korean=of.korean)
    stream = make.stream("person", *key)
    day = min(since + timedelta(days=chance.between(0, 200)), world.days.first)
    items = [
        make.item(
            "contacts",
            stream,
            "register",
            name=named.name,
            email=f"{named.mail}{key[1] or ''}@{of.mail}",
            phone=_phone(chance, named),
            language="ko" if named.korean else "en",
            on=day,
        ),
        make.item(
            "contacts",
            stream,
            "affiliate",
            company=company,
            kind=chance.weighted(("employee", "dealer"), (12, 1)),
            role=chance.pick(names.ROLES),
            on=day,
        ),
    ]
    return Person(stream, named), items


def _phone(chance: Chance, named: Named) -> str:
    """Return a number that nobody has: Seoul has no exchange 000, 555-01xx is kept for stories."""
    if named.korean:
        return f"+82-2-000-{chance.between(0, 9_999):04}"
    return f"+1-202-555-01{chance.between(0, 99):02}"
