"""Facts about how sellers planned and spent their time (K-01). Stream: `entry-<id>`."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Dated, Event

Category = Literal["customer", "internal", "reporting", "travel", "administration", "private"]


class EntryPlanned(Event, wire="calendar.entry_planned.v1"):
    """A seller put something into the calendar (K-01)."""

    seller: str
    category: Category
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    title: str | None = None
    person: str | None = None
    company: str | None = None
    opportunity: str | None = None


class EntryDone(Event, wire="calendar.entry_done.v1"):
    """It took place, from then to then (K-03)."""

    started_at: AwareDatetime
    ended_at: AwareDatetime


class EntryCancelled(Event, wire="calendar.entry_cancelled.v1"):
    """It does not take place."""

    reason: str | None = None


class EntryReassigned(Dated, wire="calendar.entry_reassigned.v1"):
    """It is another seller's from this day on, for a stated reason (C-09)."""

    seller: str
    reason: Literal["handover", "leave", "territory", "unstated"] = "unstated"


CalendarEvent = EntryPlanned | EntryDone | EntryCancelled | EntryReassigned
