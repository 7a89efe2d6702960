"""What may happen to a product that we sell. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from services.opportunities.fields import Currency, Money, Text
from shared.command import Command, DatedCommand
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.opportunities import ProductEvent, ProductListed, ProductRepriced


class ProductUnknownError(NotFoundError):
    """We do not list a product of that id."""


class ProductAlreadyListedError(DomainError):
    """A product is listed once."""


@dataclass(frozen=True, slots=True)
class Product:
    """Only what a rule needs to know."""

    name: str | None = None
    price: Decimal | None = None
    currency: str | None = None


class ListProduct(DatedCommand):
    name: Text
    series: Text | None = None
    price: Money | None = None
    currency: Currency | None = None


class Reprice(DatedCommand):
    price: Money
    currency: Currency


class MirrorProduct(Command):
    """Another system says: this product exists at this list price."""

    name: Text
    series: Text | None = None
    price: Money | None = None
    currency: Currency | None = None


ProductCommand = ListProduct | Reprice | MirrorProduct


def decide_product(product: Product, command: ProductCommand) -> list[ProductEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case ListProduct():
            if product.name is not None:
                raise ProductAlreadyListedError(f"we list {product.name!r} already")
            _together(command.price, command.currency)
            return [ProductListed(**command.model_dump(exclude={"date_unknown"}))]
        case Reprice(price=price, currency=currency, on=on):
            if product.name is None:
                raise ProductUnknownError
            return _reprice(product, ProductRepriced(price=price, currency=currency, on=on))
        case MirrorProduct(price=price, currency=currency):
            _together(price, currency)
            if product.name is None:
                return [ProductListed(**command.model_dump())]
            if price is None or currency is None:
                return []  # The source does not tell the price: it stays as it is.
            return _reprice(product, ProductRepriced(price=price, currency=currency))
        case _:
            assert_never(command)


def _reprice(product: Product, repriced: ProductRepriced) -> list[ProductEvent]:
    return [] if evolve_product(product, repriced) == product else [repriced]


def _together(price: Decimal | None, currency: str | None) -> None:
    if (price is None) != (currency is None):
        raise InvalidError("price and currency come together", field="#/currency")


def evolve_product(product: Product, event: ProductEvent) -> Product:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case ProductListed(name=name, price=price, currency=currency):
            return replace(product, name=name, price=price, currency=currency)
        case ProductRepriced(price=price, currency=currency):
            return replace(product, price=price, currency=currency)
        case _:
            assert_never(event)
