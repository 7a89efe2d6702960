"""What orders, contracts, deliveries and invoices of an opportunity add to figures (O-12). Pure.

Of each, known by its number, the newest report holds; what it leaves out of the amount stays as it
was said before. It counts on the day on which it was told of first: what becomes of an order later
changes how much it is, and no day's revenue but that one's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from services.analytics.cells import Cell, Sums
from services.analytics.entities import Opportunity
from services.analytics.periods import Period, at
from services.analytics.told import HandOff, overridden
from shared.hand_offs import HandOffStep


class Reported(Struct, frozen=True, gc=False):
    """From `start` until before `stop` it was as `told`; `on` is the day that it counts on."""

    told: HandOff
    on: date
    start: date
    stop: date | None


def reported(told: Sequence[HandOff]) -> Iterator[Reported]:
    """Yield what was told of each order, contract, delivery and invoice, as long as it held."""
    lines: dict[tuple[HandOffStep, str], list[HandOff]] = defaultdict(list)
    for one in told:
        line = lines[one.step, one.reference]
        if one.amount is None and line:
            one = replace(one, amount=line[-1].amount, currency=line[-1].currency)  # noqa: PLW2901
        line.append(one)
    for line in lines.values():
        stands = overridden(line)
        stops = [*(one.day for one in stands[1:]), None]
        for one, stop in zip(stands, stops, strict=True):
            yield Reported(one, stands[0].day, one.day, stop)


def hand_over(sums: Sums, known: Opportunity, stood: Sequence[Period]) -> None:
    """Add what was reported, credited to whoever had the opportunity on the day it counts on."""
    for one in reported(known.hand_offs) if stood else ():
        # Ordered before we wrote the opportunity down: it was its first owner's.
        period = at(stood, one.on) or stood[0]
        value = handed_over(known.product, known.company, one.told.status)
        counted = Cell(one.told.step, period.owner, "hand_off", value, one.start, one.on)
        sums.hold(counted, 1, one.stop)
        if one.told.amount:
            measure = f"{one.told.step}_{one.told.currency}"
            worth = Cell(measure, period.owner, "hand_off", value, one.start, one.on)
            sums.hold(worth, one.told.amount, one.stop)


def handed_over(product: str, company: str, status: str) -> str:
    """Write down of which product something is, who buys it, and how far it has got.

    With the status it is decided when somebody asks, and not before, what is called off.
    """
    return f"{product}/{company}/{status}"


def told_of(value: str) -> tuple[str, str, str]:
    """Read what `handed_over` has written."""
    product, _, rest = value.partition("/")
    company, _, status = rest.partition("/")
    return product, company, status
