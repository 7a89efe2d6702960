"""An entry as another calendar has it: what is new there is taken over, ours stays ours. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from pydantic import Field

from services.calendar.about import ABOUT, LONGEST_DAYS, Timed, Zone, check_private, check_times
from services.calendar.entry_state import Entry, described, is_private
from shared.command import Instant
from shared.events.calendar import (
    EntryCancelled,
    EntryDescribed,
    EntryEvent,
    EntryMoved,
    EntryPlanned,
)
from shared.references import SeriesStream

# What another calendar may say anew of an entry; who we linked it with stays ours.
MIRRORED = ("title", "place", "note", "attendees", "busy", "sealed", "sealed_to")
NEVER = datetime.min.replace(tzinfo=UTC)
Uid = Annotated[str, Field(min_length=1, max_length=1_000)]


class Version(NamedTuple):
    """How new an entry of another calendar is (RFC 5545: SEQUENCE, LAST-MODIFIED)."""

    sequence: int
    modified: datetime


def version(sequence: int, modified: datetime | None) -> Version:
    """Return the version of what was told; who tells of no change is older than who does."""
    return Version(sequence, modified or NEVER)


class Mirror(Timed):
    """An entry as another calendar has it; told again, what is new there is taken over."""

    zone: Zone | None = None
    series: SeriesStream | None = None
    occurrence: Instant | None = None
    cancelled: bool = False
    uid: Uid | None = None
    sequence: int = Field(0, ge=0, le=10**6)
    modified: Instant | None = None


def decide_mirror(entry: Entry, command: Mirror) -> list[EntryEvent]:
    """Take over what is new in the other calendar; what it said before this, it says no more."""
    check_times(command.starts_at, command.ends_at, "#/ends_at", longest=LONGEST_DAYS)
    check_private(command, command.category)
    plan = entry.plan
    gone: list[EntryEvent] = [EntryCancelled()] if command.cancelled else []
    if plan is None or (entry.status == "cancelled" and not command.cancelled):
        anew = command.told()
        anew.pop("cancelled")
        if plan is not None:
            if not _newer(plan, command) or is_private(plan) != is_private(command):
                return []
            anew |= plan.model_dump(include={*ABOUT, "category"} - set(MIRRORED))
        return [EntryPlanned(**anew), *gone]
    # Who tells no version is compared by content: of a private one nobody can do that.
    unversioned = plan.category != "private" and command.modified is None
    if not _newer(plan, command, or_same=unversioned):
        return []
    if command.cancelled:
        return gone if entry.status not in ("cancelled", "done") else []
    return [*_moved_there(entry, plan, command), *_described_there(plan, command)]


def _newer(plan: EntryPlanned, command: Mirror, *, or_same: bool = False) -> bool:
    """Whether this is a later version of the entry."""
    known = version(plan.sequence, plan.modified)
    told = version(command.sequence, command.modified)
    return told > known or (or_same and told == known)


def _moved_there(entry: Entry, plan: EntryPlanned, command: Mirror) -> list[EntryEvent]:
    fields = ("starts_at", "ends_at", "all_day", "zone")
    same = all(getattr(plan, name) == getattr(command, name) for name in fields)
    if same or entry.status not in ("planned", "displaced"):
        return []
    return [EntryMoved(**command.model_dump(include={*fields, "sequence", "modified"}))]


def _described_there(plan: EntryPlanned, command: Mirror) -> list[EntryEvent]:
    if is_private(plan) != is_private(command):
        return []  # It stays as it was told first: nothing becomes private afterwards.
    told = command.told()
    kept = plan.model_dump(include=set(EntryDescribed.model_fields))
    new = {name: told[name] for name in (*MIRRORED, "sequence", "modified")}
    return described(plan, {**kept, **new})
