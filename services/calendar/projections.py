"""What people ask about the calendar: one projection for each question."""

from __future__ import annotations

from services.calendar.agenda_views import AgendaCard, FeedAccess, agenda_card, feed_access
from services.calendar.entry_views import EntryCard, entry_card
from services.calendar.series_views import SeriesCard, series_card

PROJECTIONS = (entry_card, series_card, agenda_card, feed_access)

__all__ = [
    "PROJECTIONS",
    "AgendaCard",
    "EntryCard",
    "FeedAccess",
    "SeriesCard",
    "agenda_card",
    "entry_card",
    "feed_access",
    "series_card",
]
