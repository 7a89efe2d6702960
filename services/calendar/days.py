"""What stands in a calendar on some days, and how much of it others see. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.calendar.entry_views import EntryCard
from services.calendar.series_views import SeriesCard
from shared.errors import InvalidError
from shared.workplaces import midnight

# Nothing lasts longer, so what began earlier is over.
BEFORE = timedelta(days=32)
DAYS_MAX = 400
# What began at no time of a day is on that day, wherever it is read.
OVER = ("cancelled", "displaced", "missed")
UNTOLD = "private"


@dataclass(frozen=True, slots=True)
class Span:
    """Some days of a zone, both included."""

    first: date
    last: date
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InvalidError("the last day is before the first", field="query/last")
        if (self.last - self.first).days >= DAYS_MAX:
            raise InvalidError(f"at most {DAYS_MAX} days", field="query/last")

    @property
    def begin(self) -> datetime:
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        return midnight(self.last + timedelta(days=1), self.zone)

    def meets(self, card: EntryCard) -> bool:
        begin, end = times(card)
        return begin is not None and end is not None and begin < self.end and end > self.begin

    def days(self) -> Iterator[date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


@dataclass(frozen=True, slots=True)
class Held:
    """What a calendar is made of: entries, series, and times of these that are entries by now."""

    entries: Sequence[EntryCard]
    series: Sequence[SeriesCard]
    taken_out: Sequence[EntryCard]


def times(card: EntryCard) -> tuple[datetime | None, datetime | None]:
    """Return from when to when it was, or else is planned."""
    if card.started_at is not None and card.ended_at is not None:
        return card.started_at, card.ended_at
    return card.starts_at, card.ends_at


def together(
    entries: Iterable[EntryCard],
    series: Iterable[SeriesCard],
    taken_out: Iterable[EntryCard],
    span: Span,
) -> list[EntryCard]:
    """Return what stands on these days, in order: entries, and times of series not taken out."""
    gone = {(card.series, card.occurrence) for card in taken_out}
    found = [card for card in entries if span.meets(card)]
    for one in series:
        for begin, end in one.times(span.first - BEFORE, span.last + timedelta(days=1)):
            time = one.entry(begin, end)
            if (one.series, time.occurrence) not in gone and span.meets(time):
                found.append(time)
    return sorted(found, key=lambda card: (times(card)[0] or span.begin, card.entry))


def seen_by(card: EntryCard, viewer: str) -> EntryCard:
    """Return the entry as a colleague may see it: of a private one only when they are busy."""
    if card.category != "private" or card.seller == viewer:
        return card
    begin, end = times(card)
    return EntryCard(
        UNTOLD,
        seller=card.seller,
        category="private",
        day=card.day,
        starts_at=begin,
        ends_at=end,
        all_day=card.all_day,
        zone=card.zone,
    )


def shown(cards: Sequence[EntryCard], viewer: str) -> list[EntryCard]:
    """Leave out private ones that keep nobody busy, and what they are of the others."""
    return [
        seen_by(card, viewer)
        for card in cards
        if card.category != "private" or card.seller == viewer or keeps_busy(card)
    ]


def keeps_busy(card: EntryCard) -> bool:
    return card.busy and card.status not in OVER


def busy_times(cards: Iterable[EntryCard], span: Span) -> list[tuple[datetime, datetime]]:
    """Return when somebody is busy, merged: nothing tells what with, how often, or with whom."""
    found: list[tuple[datetime, datetime]] = []
    spans = sorted(
        (max(begin, span.begin), min(end, span.end))
        for begin, end in (times(card) for card in cards if keeps_busy(card))
        if begin is not None and end is not None
    )
    for begin, end in spans:
        if begin >= end:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found
