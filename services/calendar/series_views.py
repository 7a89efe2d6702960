"""What repeats in a seller's calendar. Pure folds, never refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from services.calendar.entry_views import EntryCard, linked
from services.calendar.series import entry_of, told_of
from shared.events import Envelope
from shared.events.calendar import (
    Activity,
    Category,
    SeriesEnded,
    SeriesOccurrenceSkipped,
    SeriesPlanned,
    SeriesReassigned,
)
from shared.occurrences import Repeats, occurrences
from shared.projection import Projection
from shared.through import Through, all_along, from_then_on, until


@dataclass(frozen=True, slots=True)
class SeriesCard:
    """Answers: what did this seller plan that repeats, how, and until when? (K-01, K-13).

    `seller` is whose it is now; `held` says whose it was from which day on (C-09).
    """

    series: str
    seller: str | None = None
    held: Through = ()
    owners: tuple[str, ...] = ()
    category: Category | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    zone: str | None = None
    rule: str | None = None
    dates: tuple[datetime, ...] = ()
    except_dates: tuple[datetime, ...] = ()
    skipped: tuple[datetime, ...] = ()
    first_day: date | None = None
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
            untouched=True,
            people=self.people,
            **{name: said for name, said in told_of(self).items() if name != "people"},
        )

    def times(self, first: date, last: date) -> list[tuple[datetime, datetime]]:
        """Return begin and end of each time that begins on these days of its zone."""
        if self.starts_at is None or self.ends_at is None or self.zone is None:
            return []
        gone = (*self.except_dates, *self.skipped)
        what = Repeats(
            self.starts_at,
            self.ends_at,
            self.zone,
            self.rule,
            self.dates,
            gone,
            self.first_day,
            self.last_day,
        )
        return list(occurrences(what, first, last))

    def part_at(self, day: date) -> SeriesCard:
        """Return it as it is whoever's it is on that day."""
        for part in self.parts():
            if part.last_day is None or day <= part.last_day:
                return part
        return self

    def parts(self, seller: str | None = None) -> Iterator[SeriesCard]:
        """Yield it as each one has it, or as this seller has it: between their days, in order."""
        for one, last in until(self.held, self.last_day):
            if seller in (None, one.what):
                yield replace(self, seller=one.what, first_day=one.since, last_day=last)


series_card = Projection(
    "series_card",
    version=3,
    view=SeriesCard,
    indexes=("seller", "owners", "people", "company", "activity"),
    streams=("series",),
)


@series_card.on(SeriesPlanned)
def series_planned(card: SeriesCard, event: SeriesPlanned, at: Envelope) -> SeriesCard:
    said: dict[str, Any] = event.model_dump(exclude={"people", "modified"})
    people = linked(event.person, event.people)
    # Planned for somebody else than who has it: then it was theirs from the beginning.
    held = all_along(card.held, event.seller)
    owners = tuple(sorted({one.what for one in held}))
    return SeriesCard(
        **said, series=card.series, skipped=card.skipped, people=people, held=held, owners=owners
    )


@series_card.on(SeriesOccurrenceSkipped)
def occurrence_skipped(
    card: SeriesCard, event: SeriesOccurrenceSkipped, at: Envelope
) -> SeriesCard:
    return replace(card, skipped=tuple(sorted({*card.skipped, event.occurrence})))


@series_card.on(SeriesEnded)
def series_ended(card: SeriesCard, event: SeriesEnded, at: Envelope) -> SeriesCard:
    return replace(card, last_day=event.last_day, ended_because=event.reason)


@series_card.on_zoned(SeriesReassigned)
def series_reassigned(
    card: SeriesCard, event: SeriesReassigned, at: Envelope, zone: tzinfo
) -> SeriesCard:
    held = from_then_on(card.held, event.seller, at.day(zone))
    owners = tuple(sorted({one.what for one in held}))
    return replace(card, seller=event.seller, held=held, owners=owners)
