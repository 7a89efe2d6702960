"""Rows of reports about the course of deals: by what they were like, whose, or when. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache

from services.analytics.cells import Cell
from services.analytics.forecast import key_of
from services.analytics.pipeline import NOBODY, Key
from services.analytics.report_by import DealsBy
from services.analytics.tables import Apart
from services.analytics.traits import Traits, traits
from services.analytics.tree import Organization

TRAITS = frozenset(Traits._fields)
PLACED = frozenset({"team", "manager", "region"})


def key_by(
    by: DealsBy, organization: Organization, segments: Mapping[str, str] = NOBODY
) -> Callable[[Cell, date], Key]:
    """Say to which row a cell of what happened on a day belongs; `segments` as in the pipeline."""

    def key(cell: Cell, day: date) -> Key:
        if by == "segment":
            return segments.get(traits(cell.value).company)
        if by in TRAITS:
            told: str = getattr(traits(cell.value), by)
            return told or None
        return key_of(by, cell.owner, organization, day, day)

    return key


def alike_by(by: DealsBy, *also: str) -> Callable[[str], str]:
    """Say what stands for all that rows by this do not tell apart; `also` names more traits."""
    return _keeping(TRAITS & {"company" if by == "segment" else by, *also})


@lru_cache(maxsize=16)  # What it has said of each value is remembered as long as it is there.
def _keeping(kept: frozenset[str]) -> Callable[[str], str]:
    def standing_for(value: str) -> str:
        told = traits(value)._asdict()
        return Traits(**{name: told[name] for name in kept}).written()

    return standing_for


def days_by(by: DealsBy, turns: frozenset[date]) -> Apart:
    """Return which days rows by this tell apart, and before and from each turn."""
    return Apart(turns, by if by in ("day", "week", "month", "quarter") else None)
