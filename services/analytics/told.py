"""What was told of an opportunity with a day: steps, handovers, commitments, in their order. Pure.

What has a date holds from its day on, whenever it is entered; of those of one day the one recorded
last. What has none stands where it was recorded, and yields to what is recorded after it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shared.hand_offs import HandOffStep

MONEY_SCALE = 10_000
NO_CURRENCY = "XXX"  # ISO 4217: no currency is involved.
_CURRENCY = re.compile(r"[A-Z]{3}")
# Sums are kept in 64 bits: nine hundred values of this size fit into one day of one cell.
_MONEY_MAX = 10**16

StepKind = Literal["discovered", "advanced", "reopened", "won", "lost"]


class Folded(Struct, frozen=True, gc=False, kw_only=True):
    """What is known of one stream, and from what."""

    # The ids of the facts that it is folded from, in their order: a figure opens into them.
    facts: tuple[str, ...] = ()


class Told(Struct, frozen=True, gc=False):
    """What was said with a date, or without: `recorded` stands in for one that is unknown."""

    on: date | None
    recorded: date
    version: int

    @property
    def day(self) -> date:
        return self.on or self.recorded


class Step(Told, frozen=True, gc=False):
    """The opportunity entered a stage, or was decided."""

    kind: StepKind
    stage: str
    value: int = 0
    currency: str = ""
    # What is left of the value for us; None: nobody says.
    profit: int | None = None
    # Seen, but not real yet (O-02): until it advances or is decided.
    latent: bool = False

    @property
    def decides(self) -> bool:
        return self.kind in {"won", "lost"}


class Handover(Told, frozen=True, gc=False):
    """The opportunity came into other hands."""

    owner: str


class Commitment(Told, frozen=True, gc=False):
    """Its seller says what it will bring by when, or no more (O-06); amounts as `whole` says."""

    seller: str
    confidence: Literal["commit", "upside"]
    amount: int = 0
    currency: str = ""
    close_on: date | None = None
    withdrawn: bool = False


class Expected(Told, frozen=True, gc=False):
    """What it is said to be worth and when it is said to close; None: nothing said of that."""

    amount: int | None = None
    currency: str = ""
    close_on: date | None = None


class Shown(Told, frozen=True, gc=False):
    """Something shows that it is in the stage that we say it is in (O-01)."""

    stage: str


class NextStep(Told, frozen=True, gc=False):
    """From now on we know what happens next, or no more: it has happened (O-01)."""

    agreed: bool


class Coached(Struct, frozen=True, gc=False):
    """A coach and a seller talked about it (O-03); `seller` "": whose it was that day."""

    coach: str
    seller: str
    day: date


class HandOff(Told, frozen=True, gc=False):
    """How far an order, contract, delivery or invoice has got, as its system says (O-12).

    `reference` "": it bears no number; `amount` None: nothing was said of that.
    """

    step: HandOffStep
    status: str
    reference: str = ""
    amount: int | None = None
    currency: str = ""


T = TypeVar("T", bound=Told)


def with_late(told: tuple[T, ...], new: T) -> tuple[T, ...]:
    """Add what was told where its date puts it: before what happened later, after discovery."""
    at = len(told)
    while at > 0 and new.on is not None and _happened_after(told[at - 1], new.on):
        at -= 1
    return (*told[:at], new, *told[at:])


def _happened_after(known: Told, day: date) -> bool:
    if isinstance(known, Step) and known.kind == "discovered":
        return False
    return known.on is not None and known.on > day


def overridden(told: Sequence[T]) -> list[T]:
    """Lay what was told over one another in its order, each from its day on."""
    stands: list[T] = []
    for what in told:
        while stands and stands[-1].day >= what.day:
            stands.pop()
        stands.append(what)
    return stands


def carried(told: Sequence[Expected]) -> list[Expected]:
    """Lay expectations over one another; what one leaves out stays as it was said before."""
    whole: list[Expected] = []
    for one in told:
        before = whole[-1] if whole else one
        worth = before if one.amount is None else one
        whole.append(
            replace(
                one,
                amount=worth.amount,
                currency=one.currency or before.currency,
                close_on=one.close_on or before.close_on,
            )
        )
    return overridden(whole)


def whole(money: Decimal) -> int:
    """Return the amount in ten-thousandths of its currency."""
    if not money.is_finite() or abs(money) > _MONEY_MAX // MONEY_SCALE:
        raise ValueError(f"{money}: sums of such amounts would not be exact")
    return int((money * MONEY_SCALE).to_integral_value(ROUND_HALF_UP))


def currency_code(currency: str) -> str:
    return currency if _CURRENCY.fullmatch(currency) else NO_CURRENCY
