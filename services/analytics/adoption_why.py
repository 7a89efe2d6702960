"""Which weeks and months make a row of adoption, and why others are not in it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from services.analytics.adoption import Measure, Month, NoWeek, Week, amounts, row_of
from services.analytics.pipeline import Key, Reason
from services.analytics.report_by import AdoptionBy
from services.analytics.tree import Organization
from services.analytics.why import Page


@dataclass(slots=True)
class Opened:
    """The weeks and months of a row, and how many are not in it, by reason."""

    page: Page[Week | Month] = field(default_factory=Page)
    total: Counter[str] = field(default_factory=Counter)
    rest: dict[Reason, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(
        self,
        by: AdoptionBy,
        keys: Collection[Key],
        told: Iterable[tuple[Measure, Reason | None]],
        organization: Organization,
    ) -> None:
        """Add which weeks and months make a row, and why the others are not in it.

        Where somebody was comes first: when others were away is not told with a row that is not
        theirs.
        """
        for one, why in told:
            if by == "week" and isinstance(one, Month):
                continue
            theirs = why == "other_unit" or row_of(by, one, organization) in keys
            reason: Reason | None = why if theirs else "other_row"
            if reason is not None:
                self.rest[reason]["months" if isinstance(one, Month) else "weeks"] += 1
            elif not isinstance(one, NoWeek):
                self.total.update(amounts(one))
                self.page.take(_place(one), one)

    def left_out(self) -> list[dict[str, Any]]:
        """Return how much is left out as it is answered."""
        return [
            {"reason": reason, "weeks": counts["weeks"], "months": counts["months"]}
            for reason, counts in sorted(self.rest.items())
        ]


def _place(one: Week | Month) -> str:
    """Say where it comes: weeks before months, each by seller, as they are told."""
    return f"{int(isinstance(one, Month))} {one.seller} {one.first}"
