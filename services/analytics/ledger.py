"""What forecasts came to (O-06): frozen roll-ups against the facts since, line by line. Pure.

A roll-up is judged when its period is over. Of one that was frozen several times for a period one
freezing is judged, the first or the last of it: none counts twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, NamedTuple

from services.analytics.entities import Opportunity
from services.analytics.periods import periods
from services.analytics.pipeline import TOTAL, Key, money, period_of, ratio
from services.analytics.projections import Frozen, FrozenForecast
from services.analytics.promised import Kept, kept
from services.analytics.report_by import LedgerBy
from services.analytics.told import MONEY_SCALE

Which = Literal["first", "last"]


class Judged(NamedTuple):
    """One line of a frozen roll-up, what came of it, and how its opportunity stood at the time."""

    roll_up: str
    frozen: Frozen
    outcome: Kept
    stage: str
    product: str
    # From which facts it is known what became of it.
    facts: tuple[str, ...] = ()

    def key(self, by: LedgerBy) -> Key:
        match by:
            case "seller":
                return self.outcome.line.seller
            case "stage":
                return self.stage or None
            case "product":
                return self.product or None
            case "roll_up":
                return self.roll_up
            case "quarter":
                return period_of(self.frozen.period_to, "quarter")
            case "total":
                return TOTAL


def judged(
    rolled_up: Iterable[FrozenForecast],
    opportunities: Mapping[str, Opportunity],
    day: date,
    which: Which,
) -> Iterator[Judged]:
    """Yield the lines whose period is over at the end of a day."""
    for one in rolled_up:
        for frozen in _chosen(one, which):
            if frozen.period_to > day:
                continue
            for outcome in kept(frozen, opportunities, day):
                known = opportunities.get(outcome.line.opportunity)
                stage = _stage(known, frozen.on) if known is not None else ""
                product = known.product if known is not None else ""
                facts = known.facts if known is not None else ()
                yield Judged(one.frozen_forecast, frozen, outcome, stage, product, facts)


def not_judged(
    rolled_up: Iterable[FrozenForecast], day: date, which: Which
) -> defaultdict[str, list[str]]:
    """Return the opportunities of lines that are not judged, by reason.

    `frozen_again`: another freezing of the same period is judged. `not_over`: the period is not.
    """
    rest: defaultdict[str, list[str]] = defaultdict(list)
    for one in rolled_up:
        chosen = _chosen(one, which)
        for frozen in one.frozen:
            reason = "not_over" if frozen in chosen else "frozen_again"
            if frozen not in chosen or frozen.period_to > day:
                rest[reason] += [line.opportunity for line in frozen.lines]
    return rest


def _chosen(one: FrozenForecast, which: Which) -> list[Frozen]:
    found: dict[tuple[date, date], Frozen] = {}
    for frozen in one.frozen:
        period = frozen.period_from, frozen.period_to
        if which == "last" or period not in found:
            found[period] = frozen
    return list(found.values())


def _stage(known: Opportunity, on: date | None) -> str:
    stood = [period for period in periods(known) if on is None or period.start <= on]
    return stood[-1].step.stage if stood else ""


@dataclass(slots=True)
class Balance:
    """What was stood by and what came of it: lines, and money in ten-thousandths."""

    lines: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    committed: int = 0
    came: int = 0
    missed: int = 0

    def add(self, line: Judged) -> None:
        outcome = line.outcome
        amount = int(outcome.line.amount * MONEY_SCALE)
        same = outcome.outcome == "won" and outcome.currency == outcome.line.currency
        value = int((outcome.value or 0) * MONEY_SCALE) if same else 0
        self.lines += 1
        self.outcomes[outcome.outcome] += 1
        self.committed += amount
        self.came += value
        self.missed += abs(value - amount)

    def document(self, floor: int) -> dict[str, Any]:
        """Return it as it is answered; of fewer lines than the floor no share is told."""
        enough = self.lines >= floor
        row: dict[str, Any] = {
            "lines": self.lines,
            **{name: self.outcomes[name] for name in ("won", "lost", "slipped")},
            "committed": money(self.committed),
            "came": money(self.came),
            "bias": ratio(100 * (self.came - self.committed), self.committed),
            "error": ratio(100 * self.missed, self.committed),
            "slipped_share": ratio(100 * self.outcomes["slipped"], self.lines),
        }
        if enough:
            return row
        untold = dict.fromkeys(("bias", "error", "slipped_share"))
        return row | untold | {"insufficient_history": True}


def ledger(
    by: LedgerBy, lines: Iterable[Judged], currency: str, confidence: str
) -> dict[Key, Balance]:
    """Sum lines of one currency and confidence into rows; currencies are never added up."""
    rows: dict[Key, Balance] = {}
    for line in lines:
        told = line.outcome.line
        if (told.currency, told.confidence) == (currency, confidence):
            rows.setdefault(line.key(by), Balance()).add(line)
    return rows
