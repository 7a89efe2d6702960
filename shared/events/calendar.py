"""Facts about how sellers planned and spent their time (K-01).

Streams: `entry-<id>`, one for each thing that stands in a calendar once; `series-<id>`, one for
each that repeats; `agenda-<id>`, one for each seller: zone, keys, and who may read along;
`overwork-<id>`, one for each seller: of which weeks they were told that it was too much.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Dated, Event
from shared.personal import Personal

Category = Literal["customer", "internal", "reporting", "travel", "administration", "private"]
# What a customer gets out of it, where it is more than a visit (K-13, K-14).
Activity = Literal[
    "rhythm",
    "workshop",
    "seminar",
    "survey",
    "thought_leadership",
    "benchmarking",
    "industry_report",
    "technology_briefing",
]
FeedScope = Literal["details", "busy"]


class EntryPlanned(Event, wire="calendar.entry_planned.v1", whose=("person", "people")):
    """A seller put something into the calendar (K-01).

    Of a private one `sealed` says what it is, to nobody but its owner (K-02). `series` and
    `occurrence` say of which planned repetition it takes the place.
    """

    seller: str
    category: Category
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    title: Personal | None = None
    person: str | None = None
    company: str | None = None
    opportunity: str | None = None
    people: tuple[str, ...] = ()
    issue: str | None = None
    place: Personal | None = None
    note: Personal | None = None
    attendees: tuple[Personal, ...] = ()
    activity: Activity | None = None
    all_day: bool = False
    zone: str | None = None
    busy: bool = True
    unplanned: bool = False
    series: str | None = None
    occurrence: AwareDatetime | None = None
    sealed: str | None = None
    sealed_to: str | None = None
    uid: str | None = None
    sequence: int = 0
    modified: AwareDatetime | None = None


class EntryDescribed(Event, wire="calendar.entry_described.v1", whose=("person", "people")):
    """What it is about was told anew, in place of what had been told before (K-01)."""

    category: Category
    title: Personal | None = None
    person: str | None = None
    company: str | None = None
    opportunity: str | None = None
    people: tuple[str, ...] = ()
    issue: str | None = None
    place: Personal | None = None
    note: Personal | None = None
    attendees: tuple[Personal, ...] = ()
    activity: Activity | None = None
    busy: bool = True
    sealed: str | None = None
    sealed_to: str | None = None
    sequence: int = 0
    modified: AwareDatetime | None = None


class EntryMoved(Event, wire="calendar.entry_moved.v1"):
    """It takes place at another time than planned (K-03)."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    all_day: bool = False
    zone: str | None = None
    reason: str | None = None
    sequence: int = 0
    modified: AwareDatetime | None = None


class EntryStarted(Event, wire="calendar.entry_started.v1"):
    """It has begun (K-03)."""

    started_at: AwareDatetime


class EntryDone(Event, wire="calendar.entry_done.v1"):
    """It took place, from then to then (K-03)."""

    started_at: AwareDatetime
    ended_at: AwareDatetime


class EntryMissed(Event, wire="calendar.entry_missed.v1"):
    """It was planned and did not take place, though nobody had cancelled it (K-03)."""

    reason: str | None = None


class EntryDisplaced(Event, wire="calendar.entry_displaced.v1"):
    """Something urgent came in its place (K-08)."""

    by: str
    reason: str | None = None


class EntryCancelled(Event, wire="calendar.entry_cancelled.v1"):
    """It does not take place."""

    reason: str | None = None


class EntryReassigned(Dated, wire="calendar.entry_reassigned.v1"):
    """It is another seller's from this day on, for a stated reason (C-09)."""

    seller: str
    reason: Literal["handover", "leave", "territory", "unstated"] = "unstated"


class SeriesPlanned(Event, wire="calendar.series_planned.v1", whose=("person", "people")):
    """A seller planned something that repeats; told again, in place of what was planned before.

    `starts_at` and `ends_at` are the first time; `rule` is the RRULE of RFC 5545, `dates` are
    further times and `except_dates` those on which it does not take place, all reckoned in `zone`.
    """

    seller: str
    category: Category
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    zone: str
    rule: str | None = None
    dates: tuple[AwareDatetime, ...] = ()
    except_dates: tuple[AwareDatetime, ...] = ()
    all_day: bool = False
    title: Personal | None = None
    person: str | None = None
    company: str | None = None
    opportunity: str | None = None
    people: tuple[str, ...] = ()
    issue: str | None = None
    place: Personal | None = None
    note: Personal | None = None
    attendees: tuple[Personal, ...] = ()
    activity: Activity | None = None
    busy: bool = True
    sealed: str | None = None
    sealed_to: str | None = None
    uid: str | None = None
    sequence: int = 0
    modified: AwareDatetime | None = None


class SeriesOccurrenceSkipped(Event, wire="calendar.series_occurrence_skipped.v1"):
    """One of its times does not take place."""

    occurrence: AwareDatetime


class SeriesOccurrenceTakenOut(Event, wire="calendar.series_occurrence_taken_out.v1"):
    """One of its times is an entry by now, which tells what becomes of it."""

    occurrence: AwareDatetime


class SeriesEnded(Event, wire="calendar.series_ended.v1"):
    """It takes place no more after that day."""

    last_day: date
    reason: str | None = None


class SeriesReassigned(Dated, wire="calendar.series_reassigned.v1"):
    """Its times from this day on are another seller's, for a stated reason (C-09)."""

    seller: str
    reason: Literal["handover", "leave", "territory", "unstated"] = "unstated"


class AgendaZoneSet(Event, wire="calendar.agenda_zone_set.v1"):
    """The zone in which a seller's days and evenings are reckoned (K-07)."""

    zone: str


class AgendaKeyRegistered(Event, wire="calendar.agenda_key_registered.v1"):
    """From now on a seller's private entries are sealed to this public key (K-02).

    The other half of it never leaves the seller.
    """

    key: str
    public_key: str


class AgendaFeedOpened(Event, wire="calendar.agenda_feed_opened.v1"):
    """Whoever holds the token can read along in another calendar program (K-11).

    `token_hash` is all that we keep of the token.
    """

    feed: str
    seller: str
    token_hash: str
    scope: FeedScope
    name: str | None = None


class AgendaFeedRevoked(Event, wire="calendar.agenda_feed_revoked.v1"):
    """Who holds the token of this feed reads along no more (K-11)."""

    feed: str
    token_hash: str


class AgendaUrlFetched(Event, wire="calendar.agenda_url_fetched.v1"):
    """A calendar elsewhere was read in, in this version of it (K-11).

    Of its address only a hash is kept: such addresses are secrets, often.
    """

    url_hash: str
    etag: str


class AgendaOverworkSeen(Event, wire="calendar.agenda_overwork_seen.v1"):
    """A colleague saw how much somebody worked outside working hours in a week (K-07).

    `week` is its Monday, `minutes` how many they were by then.
    """

    week: date
    minutes: int
    by: str


class OverworkFound(Event, wire="calendar.overwork_found.v1"):
    """A week that is over had too much work outside working hours (K-07). Said once of a week.

    `week` is its Monday, `minutes` how many they were when it was found, `most` how many the
    company wants at most. Up to the day `own_until` it is told to the seller alone (K-09).
    """

    seller: str
    week: date
    minutes: int
    most: int
    own_until: date


EntryEvent = (
    EntryPlanned
    | EntryDescribed
    | EntryMoved
    | EntryStarted
    | EntryDone
    | EntryMissed
    | EntryDisplaced
    | EntryCancelled
    | EntryReassigned
)
SeriesEvent = (
    SeriesPlanned
    | SeriesOccurrenceSkipped
    | SeriesOccurrenceTakenOut
    | SeriesEnded
    | SeriesReassigned
)
AgendaEvent = (
    AgendaZoneSet
    | AgendaKeyRegistered
    | AgendaFeedOpened
    | AgendaFeedRevoked
    | AgendaUrlFetched
    | AgendaOverworkSeen
)
CalendarEvent = EntryEvent | SeriesEvent | AgendaEvent | OverworkFound
