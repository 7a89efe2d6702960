"""How accounts grow (N-10): what customers buy, leave us of it and say, now and before. Pure.

A decision belongs to the day of winning or losing. A customer is existing once they have bought:
the first deal they buy, and what they decline before it, is new business.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

from services.analytics.cells import Axis, Cell
from services.analytics.forecast import Span, key_of
from services.analytics.pipeline import (
    Amounts,
    Key,
    Part,
    PartOf,
    Reason,
    money,
    ratio,
    within,
)
from services.analytics.report_by import GrowthBy
from services.analytics.tree import Organization

AXES: tuple[Axis, ...] = ("company", "satisfaction")
When = Literal["now", "before"]

# What the sources state as results of research; shown beside, computed with by nobody (H18).
REFERENCE = {
    "win_rate_existing": "60-70 %: new business in key accounts",
    "win_rate_new": "5-20 %: new clients",
    "retention": "5 % more of it: up to 95 % more profit",
}


def before(span: Span) -> Span:
    """Return the time just before, as long as this one."""
    assert span.first is not None
    assert span.last is not None
    days = (span.last - span.first).days + 1
    return Span(span.first - timedelta(days=days), span.first - timedelta(days=1))


def first_bought(cells: Amounts, day: date) -> dict[str, date]:
    """Return on which day each company bought from us first, as it stands on a day."""
    won: Counter[tuple[str, date]] = Counter()
    for cell, amount in cells.items():
        if cell.axis == "company" and cell.measure == "won" and cell.credited and cell.day <= day:
            won[cell.value, cell.credited] += amount
    found: dict[str, date] = {}
    for (company, on), count in won.items():
        # What nobody knows the company of makes nobody a customer.
        if count > 0 and company:
            found[company] = min(on, found.get(company, on))
    return found


class Accounts:
    """Says to which row which cell adds what, in this time and in the one before."""

    def __init__(
        self,
        by: GrowthBy,
        organization: Organization,
        span: Span,
        day: date,
        segments: Mapping[str, str],
        bought: Mapping[str, date],
    ) -> None:
        self._by, self._organization, self._day = by, organization, day
        self._spans: dict[When, Span] = {"now": span, "before": before(span)}
        self._segments, self._bought = segments, bought

    def part_of(self) -> PartOf:
        """Return what a row is made of: `now won new`, `before value_USD`, `now scores_after`."""

        def part_of(cell: Cell, amount: int) -> Part | Reason | None:
            on = cell.credited if cell.axis == "company" else cell.day
            if cell.axis not in AXES or on is None:
                return None
            if cell.day > self._day:
                return "later"
            when = next((name for name, span in self._spans.items() if within(on, *span)), None)
            if when is None:
                return "outside_period"
            return Part(self._key(cell, on), f"{when} {self._measure(cell, on)}", amount)

        return part_of

    def _measure(self, cell: Cell, on: date) -> str:
        if cell.axis != "company" or cell.measure not in {"won", "lost"}:
            return cell.measure
        first = self._bought.get(cell.value)
        if not cell.value:
            return f"{cell.measure} unknown"
        return f"{cell.measure} {'existing' if first is not None and first < on else 'new'}"

    def _key(self, cell: Cell, on: date) -> Key:
        if self._by == "company":
            return cell.value or None
        if self._by == "segment":
            return self._segments.get(cell.value)
        return key_of(self._by, cell.owner, self._organization, on, on)

    def customers(self, cells: Amounts) -> dict[Key, dict[When, set[str]]]:
        """Return which companies bought, by row, in this time and in the one before."""
        counts: Counter[tuple[Key, When, str]] = Counter()
        for cell, amount in cells.items():
            if cell.axis != "company" or cell.measure != "won" or not cell.value:
                continue
            if cell.credited is None or cell.day > self._day:
                continue
            for when, span in self._spans.items():
                if within(cell.credited, *span):
                    counts[self._key(cell, cell.credited), when, cell.value] += amount
        found: dict[Key, dict[When, set[str]]] = defaultdict(
            lambda: {"now": set(), "before": set()}
        )
        for (key, when, company), count in counts.items():
            if count > 0:
                found[key][when].add(company)
        return found


NOBODY: Mapping[When, set[str]] = {"now": set(), "before": set()}


def document(
    amounts: Counter[str], customers: Mapping[When, set[str]], currency: str
) -> dict[str, Any]:
    """Return a row as it is answered: money and percent as text, null where nobody says."""
    row: dict[str, Any] = {}
    for name in ("value", "profit"):
        now, was = (amounts[f"{when} {name}_{currency}"] for when in ("now", "before"))
        told = name == "value" or now or was
        row[name] = money(now) if told else None
        row[f"{name}_before"] = money(was) if told else None
        row[f"{name}_growth"] = ratio(100 * (now - was), was) if was > 0 else None
    for kind in ("existing", "new", "unknown"):
        won, lost = amounts[f"now won {kind}"], amounts[f"now lost {kind}"]
        row[f"won_{kind}"], row[f"lost_{kind}"] = won, lost
        row[f"win_rate_{kind}"] = ratio(100 * won, won + lost)
    row |= _satisfaction(amounts)
    kept = customers["now"] & customers["before"]
    row |= {
        "customers": len(customers["now"]),
        "customers_before": len(customers["before"]),
        "retained": len(kept),
        "retention": ratio(100 * len(kept), len(customers["before"])),
    }
    return row


def _satisfaction(amounts: Counter[str]) -> dict[str, Any]:
    now, was = (
        ratio(amounts[f"{when} scores_after"], amounts[f"{when} answers_after"])
        for when in ("now", "before")
    )
    growth = None if now is None or was is None else str(Decimal(now) - Decimal(was))
    return {
        "satisfaction": now,
        "satisfaction_before": was,
        "satisfaction_growth": growth,
        "answers": amounts["now answers_after"],
    }
