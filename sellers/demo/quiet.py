"""A customer who bought once, whom nobody has called since: what an alert about it is for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sellers.demo.company import CURRENCY, Named, World, person_at
from sellers.demo.days import at_work
from sellers.demo.items import Item

NAME = Named("Quillon Instruments", "quillon.example", korean=False)
KEY = "quiet"
# Days before the end, by which the deal entered a stage or was won.
STAGES = ((108, "Prospecting"), (90, "Engaging"), (70, "Proposal"), (56, "Negotiation"))
WON = 48


def bought_once(world: World) -> Iterator[Item]:
    """Yield the customer and its only deal; the last touch is of the day on which it was won."""
    chance, make, end = world.chance(KEY), world.maker, world.days.end
    company, deal = make.stream("company", KEY), make.stream("opportunity", KEY)
    seller, product = world.sellers[0], world.products[-1]
    since = world.days.first
    yield make.item("contacts", company, "register", name=NAME.name, on=since)
    buyer, known = person_at(world, (len(world.customers), 0), company, NAME, since)
    yield from known
    for before, stage in (*STAGES, (WON, None)):
        day = world.days.on_or_after(end - timedelta(days=before))
        looks_after = seller.on(day)
        yield make.touch(
            (KEY, before),
            at_work(chance, day, 15),
            person=buyer.stream,
            channel="call",
            about="opportunity" if before < STAGES[0][0] else "general",
            direction="outbound",
            employee=looks_after.stream,
            grade=looks_after.grade_on(day),
            function="sales",
            company=company,
            opportunity=deal if before < STAGES[0][0] else None,
            subject=f"{product.name}: {stage or 'the order'}",
        )
        if stage == STAGES[0][1]:
            yield make.item(
                "opportunities",
                deal,
                "discover",
                on=day,
                title=f"{product.name} · {NAME.name}",
                stage=stage,
                owner=looks_after.stream,
                company=company,
                product=product.stream,
                amount=f"{product.price}.00",
                currency=CURRENCY,
                expected_close_on=end - timedelta(days=40),
            )
        elif stage:
            evidence = "They asked for it, in writing."
            yield make.item(
                "opportunities", deal, "advance", on=day, stage=stage, evidence=evidence
            )
        else:
            value = f"{product.price}.00"
            yield make.item("opportunities", deal, "win", on=day, value=value, currency=CURRENCY)
