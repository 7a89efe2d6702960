"""A year of selling: opportunities, the touches that move them, the visits in the calendar. Pure.

Nobody advances a deal without having been in touch first, and nothing happens after the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sellers.demo import names
from sellers.demo.campaigning import came_of
from sellers.demo.chance import Chance
from sellers.demo.company import CURRENCY, Customer, Person, Product, Seller, World
from sellers.demo.days import at_work
from sellers.demo.items import Item
from sellers.demo.winning import Winning, winning

DEALS_A_SELLER = 17
CARE_A_CUSTOMER = 5
# Stage, usual days in it, how likely it is to end there.
STAGES = (
    ("Prospecting", 16, 0.16),
    ("Engaging", 24, 0.14),
    ("Proposal", 18, 0.12),
    ("Negotiation", 14, 0.10),
)
CHANNELS, OFTEN = ("call", "email", "visit", "chat"), (5, 6, 3, 2)
MINUTES = {"call": 15, "email": 10, "visit": 90, "chat": 10, "event": 60, "web": 5}


@dataclass(slots=True)
class Deal:
    """One opportunity on its way."""

    world: World
    n: int
    chance: Chance
    customer: Customer
    product: Product
    looked_after: Seller
    stream: str
    amount: Decimal
    owner: Seller
    touches: int = 0
    latent: bool = False

    @property
    def company(self) -> str:
        return self.customer.stream

    def item(self, what: str, on: date, /, **told: Any) -> Item:
        return self.world.maker.item("opportunities", self.stream, what, on=on, **told)

    def over(self, day: date) -> bool:
        return day >= self.world.days.end

    def life(self) -> Iterator[Item]:
        """Yield everything from the first talk to the decision, or to today."""
        day = self.world.days.begin(self.chance)
        self.owner = self.looked_after.on(day)
        told = winning(self)
        yield from self._discovered(day)
        yield from told.begun(day)
        for n, (stage, usual, lost) in enumerate(STAGES):
            leaves = self.world.days.later(self.chance, day, usual / self.looked_after.skill)
            last = n == len(STAGES) - 1
            ends = self.chance.happens(lost / self.looked_after.skill)
            if last or ends:
                leaves = self.world.days.closing(self.chance, leaves)
            yield from told.entered(stage, day, leaves)
            yield from self._in_touch(stage, day, leaves)
            yield from self._handed_over(leaves)
            if self.over(leaves):
                yield from told.open_still()
                return
            yield from told.left(leaves)
            if ends:
                yield from told.lost(leaves)
                yield self.item("lose", leaves, reason=self.chance.pick(names.LOST))
                yield from told.back(stage, leaves)
                return
            if last:
                value = self.amount * Decimal(self.chance.between(82, 100)) / 100
                price = {"value": f"{value:.2f}", "currency": CURRENCY}
                left = value * Decimal(self.chance.between(8, 34)) / 100
                yield self.item("win", leaves, **price, profit=f"{left:.2f}")
                yield from told.won(leaves, value)
                return
            yield self._next(STAGES[n + 1][0], leaves, told)
            if STAGES[n + 1][0] == "Proposal" and self.chance.happens(0.35):
                yield self._revalued(leaves)
            day = leaves

    def _next(self, stage: str, day: date, told: Winning) -> Item:
        shown = told.shown(stage, day)
        if self.latent:
            self.latent = False
            return self.item("make_real", day, stage=stage, evidence=shown.get("evidence"))
        return self.item("advance", day, **{"stage": stage, **shown})

    def _discovered(self, day: date) -> Iterator[Item]:
        first = at_work(self.chance, day, MINUTES["call"])
        person = self.chance.pick(self.customer.people)
        yield self._touch("Prospecting", person, first, "call", linked=False)
        self.latent = self.chance.happens(0.15)
        yield self.item(
            "discover",
            day,
            title=f"{self.product.name} · {self.customer.named.name}",
            stage="Prospecting",
            latent=self.latent,
            owner=self.owner.stream,
            company=self.company,
            product=self.product.stream,
            amount=f"{self.amount:.2f}",
            currency=CURRENCY,
            expected_close_on=day + timedelta(days=75 + self.chance.between(0, 45)),
            campaign=came_of(self.world, self.n, day),
        )
        say = self.chance.pick(names.SAYS)
        yield self.item("involve_person", day, person=person.stream, role=say)

    def _in_touch(self, stage: str, first: date, last: date) -> Iterator[Item]:
        """Yield the touches while the deal is in a stage, none of them after the end."""
        one = timedelta(days=1)
        # Before the day of the move; a deal that moves overnight was talked about on the day.
        working = self.world.days.between(first + one, last - one)
        working = working or self.world.days.between(first, first)
        for n in range(self.chance.between(1, 2)):
            day = self.chance.pick(working)
            person = self.chance.pick(self.customer.people)
            channel = self.chance.weighted(CHANNELS, OFTEN)
            at = at_work(self.chance, day, MINUTES[channel])
            owner = self.looked_after.on(day)
            if channel != "visit":
                yield self._touch(stage, person, at, channel)
                continue
            # One of them at least takes place.
            cancelled = n > 0 and self.chance.happens(0.2)
            yield from self._visit(stage, person, at, owner, cancelled=cancelled)

    def _visit(
        self, stage: str, person: Person, at: datetime, owner: Seller, *, cancelled: bool
    ) -> Iterator[Item]:
        """A visit stands in the calendar before it happens; some do not take place."""
        length = timedelta(minutes=self.chance.pick((45, 60, 90)))
        entry = self.world.maker.stream("entry", "visit", self.n, self.touches)
        planned = at - timedelta(days=self.chance.between(2, 9))
        by = self.looked_after.on(planned.date())
        yield self.world.maker.item(
            "calendar",
            entry,
            "plan",
            planned,
            seller=by.stream,
            category="customer",
            starts_at=at,
            ends_at=at + length,
            title=self._subject(stage),
            person=person.stream,
            company=self.company,
            opportunity=self.stream,
        )
        if by is not owner:
            told = {"seller": owner.stream, "reason": "leave", "on": by.left_on}
            yield self.world.maker.item("calendar", entry, "reassign", **told)
        if cancelled:
            why = self.chance.pick(("postponed by the customer", "고객 요청으로 연기", "ill"))
            before = at - timedelta(hours=self.chance.between(2, 26))
            yield self.world.maker.item("calendar", entry, "cancel", before, reason=why)
            self.touches += 1
            return
        late = timedelta(minutes=self.chance.pick((0, 0, 5, 10)))
        done = {"started_at": at + late, "ended_at": at + late + length}
        yield self.world.maker.item("calendar", entry, "done", at + late + length, **done)
        yield self._touch(stage, person, at + late, "visit")

    def _touch(
        self, stage: str, person: Person, at: datetime, channel: str, *, linked: bool = True
    ) -> Item:
        self.touches += 1
        return self.world.maker.touch(
            ("deal", self.n, self.touches),
            at,
            person=person.stream,
            channel=channel,
            about="opportunity" if linked else "general",
            direction="inbound" if self.chance.happens(0.25) else "outbound",
            employee=(by := self.looked_after.on(at.date())).stream,
            grade=by.grade_on(at.date()),
            function="sales",
            company=self.company,
            opportunity=self.stream if linked else None,
            subject=self._subject(stage),
        )

    def _subject(self, stage: str) -> str:
        return self.chance.pick(names.SUBJECTS[stage]).format(product=self.product.name)

    def _handed_over(self, day: date) -> Iterator[Item]:
        """Whoever left has handed the deal over on the last day."""
        gone_on = self.owner.left_on
        if gone_on is None or gone_on > day or self.over(gone_on):
            return
        self.owner = self.owner.on(gone_on)
        yield self.item("reassign", gone_on, owner=self.owner.stream, reason="leave")

    def _revalued(self, day: date) -> Item:
        self.amount *= Decimal(self.chance.between(70, 140)) / 100
        return self.item(
            "revalue",
            day,
            amount=f"{self.amount:.2f}",
            currency=CURRENCY,
            expected_close_on=day + timedelta(days=self.chance.between(15, 60)),
        )


def deal(world: World, n: int) -> Iterator[Item]:
    """Yield the life of one opportunity."""
    chance = world.chance("deal", n)
    customer = chance.weighted(world.customers, [c.size for c in world.customers])
    product = chance.weighted(world.products, [p.weight for p in world.products])
    pieces = max(1, round(chance.around(3 * customer.size) * 500 / product.price))
    found = Deal(
        world=world,
        n=n,
        chance=chance,
        customer=customer,
        product=product,
        looked_after=_seller(world, chance, customer),
        stream=world.maker.stream("opportunity", n),
        amount=Decimal(product.price * pieces),
        owner=customer.seller,
    )
    return found.life()


def _seller(world: World, chance: Chance, customer: Customer) -> Seller:
    """Mostly the customer's own seller, now and then a colleague of the same team."""
    team = [
        seller
        for seller in world.sellers[: world.maker.size]
        if seller.team == customer.seller.team
    ]
    return customer.seller if chance.happens(0.85) else chance.pick(team)


def care(world: World, n: int, customer: Customer) -> Iterator[Item]:
    """Yield what keeps a customer without selling anything: care, campaigns, the web."""
    chance = world.chance("care", n)
    for k in range(chance.between(CARE_A_CUSTOMER - 3, CARE_A_CUSTOMER + 3)):
        day, person = world.days.begin(chance), chance.pick(customer.people)
        channel = chance.weighted(("call", "email", "event", "web", "campaign"), (3, 3, 1, 2, 3))
        ours = channel in {"call", "email"}
        campaign = chance.pick(names.CAMPAIGNS)
        yield world.maker.touch(
            ("care", n, k),
            at_work(chance, day, 10),
            person=person.stream,
            channel=channel,
            about="general" if ours else "promotion",
            direction="inbound" if channel == "web" else "outbound",
            employee=customer.seller.on(day).stream if ours else None,
            grade=customer.seller.on(day).grade_on(day) if ours else None,
            function="sales" if ours else "marketing",
            company=customer.stream,
            subject=chance.pick(names.CARE) if ours else campaign,
            campaign=None if ours else campaign,
        )
