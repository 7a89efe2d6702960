"""Campaigns: planned, answered, sold from, judged by sellers; and under what name people answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sellers.demo import names
from sellers.demo.company import CURRENCY, World
from sellers.demo.days import at
from sellers.demo.items import Item

BEGIN_DAY, APART, RUNS = 20, 100, 60
# Which customers' people answer, and how many deals come of a campaign that runs or ran.
SENT, ANSWERS, SOLD, SHARED = 0.5, 0.35, 0.12, 4
BUDGETS = (12_000, 30_000, 18_000, 6_000)
GOALS = ("Fifty first talks", "신규 상담 50건", "A second product for old customers", "Stay known")
RESULTS = (
    "More talks than planned.",
    "상담은 많았으나 견적은 적었습니다.",
    "Few came, but the right ones.",
)
WORTH = (("yes", "Two good leads."), ("partly", "잘 모르는 고객이 많았습니다."), ("no", None))
FORMS = "webform"


def begins(world: World, n: int) -> date:
    """Return the day on which the n-th campaign goes out, which may be one to come."""
    return world.days.on_or_after(world.days.first + timedelta(days=BEGIN_DAY + APART * n))


def came_of(world: World, n: int, day: date) -> str | None:
    """Return the campaign that the n-th deal, found on this day, came of, if any."""
    chance = world.chance("campaign of a deal", n)
    running = [name for k, name in enumerate(names.CAMPAIGNS) if begins(world, k) <= day]
    return chance.pick(running) if running and chance.happens(SOLD) else None


def campaigns(world: World) -> Iterator[Item]:
    for n, name in enumerate(names.CAMPAIGNS):
        yield from _process(world, n, name)
        if begins(world, n) in world.days:
            yield from _answers(world, n, name)


def _process(world: World, n: int, name: str) -> Iterator[Item]:
    """Yield plan, execution, result and feedback, as far as the year has come."""
    chance, make = world.chance("campaign", n), world.maker
    stream, begin = make.stream("campaign", n), begins(world, n)
    end = world.days.on_or_after(begin + timedelta(days=RUNS))
    sharing = chance.some([s for s in world.sellers if s.left_on is None], SHARED)
    budget = BUDGETS[n % len(BUDGETS)]

    def item(what: str, on: date, **told: object) -> Item:
        return make.item("campaigns", stream, what, on=on, **told)

    yield item(
        "plan",
        world.days.first,
        name=name,
        known_as=name,
        goal=GOALS[n % len(GOALS)],
        audience="People who decide what is bought, and who asked us something",
        from_on=begin,
        until_on=end,
        budget=str(budget),
        currency=CURRENCY,
        sellers=[seller.stream for seller in sharing],
    )
    if begin not in world.days:
        return
    yield item("start", begin)
    if end not in world.days:
        return
    spent = {"spent": str(round(budget * chance.share(0.7, 1.1))), "currency": CURRENCY}
    yield item("end", end, result=RESULTS[n % len(RESULTS)], **spent)
    for seller in sharing:
        useful, words = chance.pick(WORTH)
        yield item("give_feedback", end, seller=seller.stream, useful=useful, words=words)


def _answers(world: World, n: int, name: str) -> Iterator[Item]:
    """People answer by a form: as whom they are known, by an address, or by what the form knows."""
    days = world.days.between(begins(world, n), world.days.end - timedelta(days=1))
    for k, customer in enumerate(world.customers):
        chance, person = world.chance("answer", n, k), customer.people[0]
        if not days or not chance.happens(SENT):
            continue
        yield world.maker.touch(
            ("mailing", n, k),
            at(days[0], 9 * 60),
            person=person.stream,
            channel="campaign",
            about="promotion",
            function="marketing",
            company=customer.stream,
            subject=name,
            campaign=name,
        )
        if not chance.happens(ANSWERS):
            continue
        day = chance.pick(days[: RUNS // 2])
        named, mail = f"{FORMS}:{k}", f"{person.named.mail}@{customer.named.mail}"
        whom = chance.pick(
            (
                {"person": person.stream},
                {"person": person.stream},
                {"email": mail},
                {"external_id": named},
                {"email": f"visitor{k}@elsewhere.example"},
            )
        )
        yield world.maker.touch(
            ("answer", n, k),
            at(day, 11 * 60),
            **whom,
            channel="web",
            about="promotion",
            direction="inbound",
            company=customer.stream if "person" in whom else None,
            subject=f"Form: {name}",
            campaign=name,
        )


def known_by_forms(world: World, n: int) -> Iterator[Item]:
    """Yield whose entries in the form's own book are; of one that was a mistake."""
    person, make = world.customers[n].people[0], world.maker
    if n % 3 == 0:
        told = {"external_id": f"{FORMS}:{n}", "on": world.days.first}
        yield make.item("contacts", person.stream, "claim_identity", **told)
    if n % 12 == 0:
        told = {"external_id": f"{FORMS}:{n}", "on": world.days.first}
        yield make.item("contacts", person.stream, "release_identity", **told)
