"""What became of a frozen forecast, line by line, as the facts say (O-06). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from services.analytics.entities import Opportunity
from services.analytics.periods import periods, promises
from services.analytics.projections import Frozen, Line
from services.analytics.told import MONEY_SCALE

Outcome = Literal["won", "lost", "slipped", "open"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A line as it was frozen, and what became of it.

    `won`: inside the period, `value` and `currency` are what it was won with. `slipped`: it was won
    later, or is open and its seller says a later day or none. `open`: it may still come in time.
    """

    line: Line
    outcome: Outcome
    on: date | None = None
    value: Decimal | None = None
    currency: str | None = None


def kept(frozen: Frozen, opportunities: Mapping[str, Opportunity], day: date) -> list[Kept]:
    """Say of each line what is known of it at the end of a day."""
    return [_kept(frozen, line, opportunities.get(line.opportunity), day) for line in frozen.lines]


def _kept(frozen: Frozen, line: Line, known: Opportunity | None, day: date) -> Kept:
    whole = periods(known) if known else []
    stood = [period for period in whole if period.start <= day]
    if known is None or not stood:
        return Kept(line, "slipped" if day > frozen.period_to else "open")
    step, on = stood[-1].step, stood[-1].start
    if step.kind == "lost":
        return Kept(line, "lost", on)
    if step.kind == "won":
        value = Decimal(step.value) / MONEY_SCALE
        outcome: Outcome = "won" if on <= frozen.period_to else "slipped"
        return Kept(line, outcome, on, value, step.currency)
    told = promises(known, whole)
    held = [one for one in told if one.start <= day and (one.stop or date.max) > day]
    closing = held[-1].told.close_on if held else None
    in_time = day <= frozen.period_to and closing is not None and closing <= frozen.period_to
    return Kept(line, "open" if in_time else "slipped", closing)


def by_outcome(lines: Iterable[Kept]) -> dict[str, dict[str, str]]:
    """Return how much of what was frozen came to what, by confidence, outcome and currency."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in lines:
        name = f"{one.line.confidence} {one.outcome}"
        sums[name, one.line.currency] += int(one.line.amount * MONEY_SCALE)
    found: dict[str, dict[str, str]] = {}
    for (name, currency), amount in sorted(sums.items()):
        found.setdefault(name, {})[currency] = str(Decimal(amount) / MONEY_SCALE)
    return found
