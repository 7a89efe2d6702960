"""How regularly we meet a customer, as it was agreed (K-13). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.calendar.days import OVER
from services.calendar.entry_views import EntryCard
from services.calendar.series_views import SeriesCard


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Answers: when do we meet this customer next, when did we last, what fell out?

    `fell_out` counts times that have passed and did not take place, in half a year.
    """

    series: str
    seller: str | None
    company: str | None
    people: tuple[str, ...]
    title: str | None
    rule: str | None
    next_at: datetime | None
    last_held_at: datetime | None
    held: int
    fell_out: int


def rhythm_of(card: SeriesCard, standing: Iterable[EntryCard], now: datetime) -> Rhythm:
    """Tell the rhythm of a series from what stands in the calendar around now."""
    own = [one for one in standing if one.series == card.series and one.starts_at is not None]
    held = [one for one in own if one.status == "done"]
    coming = [
        one.starts_at
        for one in own
        if one.starts_at is not None and one.starts_at > now and one.status not in OVER
    ]
    passed = [one for one in own if one.ends_at is not None and one.ends_at < now]
    return Rhythm(
        card.series,
        card.seller,
        card.company,
        card.people,
        card.title,
        card.rule,
        min(coming, default=None),
        max((one.starts_at for one in held if one.starts_at is not None), default=None),
        len(held),
        sum(one.status != "done" for one in passed),
    )
