"""What another system tells of order, contract, fulfilment and finance (O-12): how it is read.

Domains that reconcile it and domains that sum it up read it alike. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from pydantic import Field

from shared.defaults import Section

HandOffStep = Literal["order", "contract", "fulfilment", "finance"]
STEPS: Sequence[HandOffStep] = get_args(HandOffStep)


def plain(status: str) -> str:
    """Return a status as it is compared: in whatever case it was told."""
    return status.strip().casefold()


class HandOffRules(Section):
    """By which words of other systems something is off."""

    hand_off_called_off: tuple[str, ...] = Field(
        ("cancelled", "canceled", "rejected", "returned"),
        max_length=100,
        description="Which statuses of an order, contract, delivery or invoice say that it is off, "
        "in whatever case; the same in `opportunities` and `analytics`.",
    )

    @property
    def called_off(self) -> frozenset[str]:
        """Return these statuses as they are compared."""
        return frozenset(map(plain, self.hand_off_called_off)) - {""}
