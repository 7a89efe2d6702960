"""What its seller says an opportunity will bring, and by when (O-06). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal, assert_never

from services.opportunities.record.dated import Told, held_on
from shared.dated import placed
from shared.events.opportunities import CommitmentEvent, CommitmentMade, CommitmentWithdrawn


@dataclass(frozen=True, slots=True)
class Commitment(Told):
    """A seller's own word, from a day on; `withdrawn`: they do not stand by it any more."""

    seller: str
    confidence: Literal["commit", "upside"] = "commit"
    amount: Decimal = Decimal(0)
    currency: str = ""
    close_on: date | None = None
    withdrawn: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Commitments:
    """Every word given, in the order in which they hold: the last one counts."""

    told: tuple[Commitment, ...] = ()

    def held(self, on: date | None) -> Commitment | None:
        """Return the commitment as of a day."""
        held = held_on(self.told, on, lambda _: True)
        return None if held is None or held.withdrawn else held

    @property
    def now(self) -> Commitment | None:
        return self.held(None)


def evolve_commitments(commitments: Commitments, event: CommitmentEvent) -> Commitments:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    match event:
        case CommitmentMade(seller=seller, confidence=confidence, on=on):
            said = (event.amount, event.currency, event.close_on)
            told = Commitment(on, seller, confidence, *said)
        case CommitmentWithdrawn(seller=seller, reason=reason, on=on):
            told = Commitment(on, seller, withdrawn=True, reason=reason)
        case _:
            assert_never(event)
    return replace(commitments, told=placed(commitments.told, told))
