"""The demo company, made up from a seed. Pure. Rule: the same arguments give the same items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sellers.demo.campaigning import campaigns, known_by_forms
from sellers.demo.company import YEAR, World, customers, organisation, products
from sellers.demo.days import Days
from sellers.demo.deals import DEALS_A_SELLER, care, deal
from sellers.demo.diary import activities, diary, rhythms
from sellers.demo.goals import assessments, forecasts, kpis, targets
from sellers.demo.items import Item, Maker
from sellers.demo.office import agreements, complaints, promises
from sellers.demo.quiet import bought_once
from sellers.demo.relations import relations, segments, visits
from sellers.demo.size import SIZE_MAX
from sellers.demo.staff import away, roles, work_times


def demo_company(seed: int, size: int, end_on: date) -> Iterator[Item]:
    """Yield a year of a company with `size` sellers; the last facts are of the day before `end_on`.

    What is said about one stream comes in the order in which it has to be decided; the
    organisation, the products and the customers come first.
    """
    if not 1 <= size <= SIZE_MAX:
        raise ValueError(f"a demo company has 1 to {SIZE_MAX} sellers, not {size}")
    world = World(Maker(seed, size, end_on), Days(end_on - YEAR, end_on))
    yield from organisation(world)
    yield from products(world)
    yield from customers(world)
    yield from work_times(world)
    yield from roles(world)
    for n, seller in enumerate(world.sellers):
        yield from away(world, n, seller)
    yield from segments(world)
    for n, customer in enumerate(world.customers):
        yield from relations(world, n, customer)
        yield from visits(world, n, customer)
        yield from known_by_forms(world, n)
    for n in range(size * DEALS_A_SELLER):
        yield from deal(world, n)
    yield from bought_once(world)
    yield from campaigns(world)
    for n, customer in enumerate(world.customers):
        yield from care(world, n, customer)
        yield from agreements(world, n, customer)
        yield from complaints(world, n, customer)
        yield from promises(world, n, customer)
        yield from rhythms(world, n, customer)
        yield from activities(world, n, customer)
    yield from targets(world)
    yield from kpis(world)
    yield from assessments(world)
    yield from forecasts(world)
    for n, seller in enumerate(world.sellers):
        yield from diary(world, n, seller)
