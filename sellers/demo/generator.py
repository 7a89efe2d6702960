"""The demo company, made up from a seed. Pure. Rule: the same arguments give the same items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sellers.demo.company import YEAR, World, customers, organisation, products
from sellers.demo.days import Days
from sellers.demo.deals import DEALS_A_SELLER, care, deal
from sellers.demo.items import Item, Maker
from sellers.demo.office import complaints, routine

SIZE = 40
SIZE_MAX = 5_000


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
    for n in range(size * DEALS_A_SELLER):
        yield from deal(world, n)
    for n, customer in enumerate(world.customers):
        yield from care(world, n, customer)
        yield from complaints(world, n, customer)
    for n, seller in enumerate(world.sellers):
        yield from routine(world, n, seller)
