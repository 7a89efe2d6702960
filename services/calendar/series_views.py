"""What repeats in a seller's calendar. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from services.calendar.entry_views import EntryCard, linked
from services.calendar.series import Repeats, entry_of, occurrences, told_of
from shared.events import Envelope
from shared.events.calendar import (
    Activity,
    Category,
    SeriesEnded,
    SeriesOccurrenceSkipped,
    SeriesPlanned,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class SeriesCard:
    """Answers: what did this seller plan that repeats, how, and until when? (K-01, K-13)."""

    series: str
    seller: str | None = None
    category: Category | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    zone: str | None = None
    rule: str | None = None
    dates: tuple[datetime, ...] = ()
    except_dates: tuple[datetime, ...] = ()
    skipped: tuple[datetime, ...] = ()
    last_day: date | None = None
    ended_because: str | None = None
    all_day: bool = False
    busy: bool = True
    title: str | None = None
    person: str | None = None
    people: tuple[str, ...] = ()
    company: str | None = None
    opportunity: str | None = None
    issue: str | None = None
    place: str | None = None
    note: str | None = None
    attendees: tuple[str, ...] = ()
    activity: Activity | None = None
    sealed: str | None = None
    sealed_to: str | None = None
    uid: str | None = None
    sequence: int = 0

    def entry(self, begin: datetime, end: datetime) -> EntryCard:
        """Return one of its times as the entry that it is."""
        return EntryCard(
            entry=entry_of(self.series, begin),
            starts_at=begin,
            ends_at=end,
            day=begin.date(),
            first_starts_at=begin,
            series=self.series,
            occurrence=begin.astimezone(UTC),
            people=self.people,
            **{name: said for name, said in told_of(self).items() if name != "people"},
        )

    def times(self, first: date, last: date) -> list[tuple[datetime, datetime]]:
        """Return begin and end of each time that begins on these days of its zone."""
        if self.starts_at is None or self.ends_at is None or self.zone is None:
            return []
        gone = (*self.except_dates, *self.skipped)
        what = Repeats(
            self.starts_at, self.ends_at, self.zone, self.rule, self.dates, gone, self.last_day
        )
        return list(occurrences(what, first, last))


series_card = Projection(
    "series_card",
    version=1,
    view=SeriesCard,
    indexes=("seller", "people", "company", "activity"),
    streams=("series",),
)


@series_card.on(SeriesPlanned)
def series_planned(card: SeriesCard, event: SeriesPlanned, at: Envelope) -> SeriesCard:
    said: dict[str, Any] = event.model_dump(exclude={"people", "modified"})
    people = linked(event.person, event.people)
    return SeriesCard(**said, series=card.series, skipped=card.skipped, people=people)


@series_card.on(SeriesOccurrenceSkipped)
def occurrence_skipped(
    card: SeriesCard, event: SeriesOccurrenceSkipped, at: Envelope
) -> SeriesCard:
    return replace(card, skipped=tuple(sorted({*card.skipped, event.occurrence})))


@series_card.on(SeriesEnded)
def series_ended(card: SeriesCard, event: SeriesEnded, at: Envelope) -> SeriesCard:
    return replace(card, last_day=event.last_day, ended_because=event.reason)
