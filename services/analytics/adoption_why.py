"""Which weeks and months make a row of adoption, and why others are not in it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from services.analytics.adoption import Measure, Month, Week, amounts, row_of
from services.analytics.pipeline import Key, Reason
from services.analytics.report_by import AdoptionBy
from services.analytics.tree import Organization


@dataclass(slots=True)
class Opened:
    """The weeks and months of a row, and how many are not in it, by reason."""

    weeks: list[Week] = field(default_factory=list)
    months: list[Month] = field(default_factory=list)
    total: Counter[str] = field(default_factory=Counter)
    rest: dict[Reason, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def left_out(self) -> list[dict[str, Any]]:
        """Return how much is left out as it is answered."""
        return [
            {"reason": reason, "weeks": counts["weeks"], "months": counts["months"]}
            for reason, counts in sorted(self.rest.items())
        ]


def opened(
    by: AdoptionBy,
    keys: Collection[Key],
    told: Iterable[tuple[Measure, Reason | None]],
    organization: Organization,
) -> Opened:
    """Say which weeks and months make a row, and why the others are not in it.

    Where somebody was comes first: when others were away is not told with a row that is not theirs.
    """
    found = Opened()
    for one, why in told:
        if by == "week" and isinstance(one, Month):
            continue
        theirs = why == "other_unit" or row_of(by, one, organization) in keys
        reason: Reason | None = why if theirs else "other_row"
        match one:
            case Week() if reason is None:
                found.weeks.append(one)
            case Month() if reason is None:
                found.months.append(one)
            case _:
                assert reason is not None
                found.rest[reason]["months" if isinstance(one, Month) else "weeks"] += 1
                continue
        found.total.update(amounts(one))
    return found
