"""The mark of every figure that tells of what is open: how much of it nobody tells of (N-08).

A report of stale data without a mark would be believed. What was won, lost or left is not open any
more: reports of that alone (yield, growth, stages, losses, touches) bear none, and say so.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import lru_cache

from services.analytics.cells import Axis
from services.analytics.figures import Figures
from services.analytics.kpi_measures import KPI_MEASURES
from services.analytics.measures import bought_by
from services.analytics.names import StandsFor
from services.analytics.pipeline import stale
from services.analytics.tables import Apart, Grain

# What a report has to read so that it can be marked.
NEWS: Axis = "news"
# Measures of opportunities that are open, or may still be.
_OF_OPEN = frozenset(
    name
    for name, told in KPI_MEASURES.items()
    if told.kind == "opportunity" and (told.stock or told.measure in ("pushes", "pushed_days"))
)


@lru_cache(maxsize=16)  # What it has said is remembered as long as it is there.
def _about(product: str | None) -> StandsFor:
    """Leave out what is of other products, if one is told, and tell nothing else apart."""
    return lambda value: "" if product in (None, bought_by(value)[0]) else None


def mark(
    figures: Figures,
    day: date,
    owner: str | None = None,
    unit: str | None = None,
    product: str | None = None,
) -> int:
    """Return of how much that is open on a day nobody has told anything for a month.

    Of what the report is about: everybody's, an owner's, or theirs who are in a unit on that day;
    of all products, or of one.
    """
    grain = Grain(Apart(), last=day, owners=unit is not None, alike={NEWS: _about(product)})
    cells = figures.tables.cells((NEWS,), grain, owner)
    if unit is not None:
        places = figures.organization
        cells = {c: n for c, n in cells.items() if places.belongs(c.owner, unit, day)}
    return stale(cells, day)


def tells_of_open(measures: Collection[str]) -> bool:
    """Say whether a figure of these measures is about what is open."""
    return not _OF_OPEN.isdisjoint(measures)
