"""What forecasts came to (O-06): frozen roll-ups against the facts since, line by line. Pure.

A roll-up is judged when its period is over. Of one that was frozen several times for a period one
freezing is judged, the first or the last of it: none counts twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, NamedTuple

from services.analytics.entities import Opportunity
from services.analytics.periods import periods
from services.analytics.pipeline import TOTAL, Key, Reason, money, period_of, ratio
from services.analytics.projections import Frozen, FrozenForecast
from services.analytics.promised import Kept, kept
from services.analytics.report_by import LedgerBy
from services.analytics.told import MONEY_SCALE
from services.analytics.why import LeftOut, Page

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


def not_judged(one: FrozenForecast, day: date, which: Which) -> Iterator[tuple[Reason, str]]:
    """Yield the opportunities of lines that are not judged, each with the reason.

    `frozen_again`: another freezing of the same period is judged. `not_over`: the period is not.
    """
    # Frozen twice with the same lines, they are two all the same.
    chosen = {id(frozen) for frozen in _chosen(one, which)}
    for frozen in one.frozen:
        judged_by = id(frozen) in chosen
        if not judged_by or frozen.period_to > day:
            reason: Reason = "not_over" if judged_by else "frozen_again"
            for line in frozen.lines:
                yield reason, line.opportunity


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


class Asked(NamedTuple):
    """Which lines a ledger sums: of one currency and confidence; currencies are never added up."""

    by: LedgerBy
    currency: str
    confidence: str

    def left_out(self, line: Judged) -> Reason | None:
        told = line.outcome.line
        if told.currency != self.currency:
            return "other_currency"
        return "other_confidence" if told.confidence != self.confidence else None

    def add(self, lines: Iterable[Judged], rows: dict[Key, Balance]) -> None:
        """Sum lines into rows."""
        for line in lines:
            if self.left_out(line) is None:
                rows.setdefault(line.key(self.by), Balance()).add(line)


@dataclass(slots=True)
class Opened:
    """The lines of a row, and how many are not in it, by reason."""

    page: Page[Judged] = field(default_factory=Page)
    total: Balance = field(default_factory=Balance)
    left_out: LeftOut = field(default_factory=LeftOut)

    def add(
        self,
        asked: Asked,
        keys: Collection[Key],
        lines: Iterable[Judged],
        rest: Iterable[tuple[Reason, str]],
    ) -> None:
        """Add the lines of one roll-up; roll-ups come in order."""
        for number, line in enumerate(lines):
            reason = asked.left_out(line) if line.key(asked.by) in keys else "other_row"
            if reason is None:
                self.total.add(line)
                self.page.take(f"{line.roll_up} {number:09}", line)
            else:
                self.left_out.add(reason, line.outcome.line.opportunity)
        for why, stream in rest:
            self.left_out.add(why, stream)
