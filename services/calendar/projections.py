"""What people ask about the calendar: one projection for each question."""

from __future__ import annotations

from services.calendar.agenda_views import AgendaCard, FeedAccess, agenda_card, feed_access
from services.calendar.around_deals import opportunity_around, product_around
from services.calendar.around_views import (
    commitment_around,
    company_around,
    issue_around,
    person_around,
    visit_around,
)
from services.calendar.entry_views import EntryCard, entry_card
from services.calendar.overwork_views import overwork_told
from services.calendar.result_views import opportunity_result
from services.calendar.series_views import SeriesCard, series_card
from services.calendar.workplace_views import PLACES

PROJECTIONS = (
    entry_card,
    series_card,
    agenda_card,
    feed_access,
    overwork_told,
    person_around,
    company_around,
    issue_around,
    commitment_around,
    visit_around,
    opportunity_around,
    product_around,
    opportunity_result,
    *PLACES,
)

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
