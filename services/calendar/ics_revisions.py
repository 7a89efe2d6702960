"""Which of several events under one UID is the newest revision (RFC 5545, RFC 5546). Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from services.calendar.ics_times import Event, readable
from services.calendar.mirroring import NEVER, Version, version
from shared.events.base import in_range

UID_MAX, SEQUENCE_MAX = 1_000, 10**6


class Identity(NamedTuple):
    """What two events have in common that are one: a UID and, in a series, which time of it."""

    uid: str
    recurrence: str


class Revision(NamedTuple):
    """What makes one of them the newer: first the version, as for who is told of them in turn.

    Otherwise what is left out as older would be what the other one is no news beside. Of one
    version it is the one written out last; at a tie their words decide, so that no order does.
    """

    version: Version
    stamped: datetime
    words: bytes


def uid_of(event: Event) -> str:
    """Return what makes an event the same when it comes again; without a UID, its content does."""
    told = str(event.get("UID", "")).strip()
    if told:
        return told[:UID_MAX]
    content = "|".join(str(readable(event.get(part))) for part in ("DTSTART", "DTEND"))
    return sha256(f"{content}|{event.get('SUMMARY', '')}".encode()).hexdigest()


def identity_of(event: Event) -> Identity:
    # One instant in whatever zone; a day, or a time of no zone, is that of whose calendar it is.
    at = _instant_in(event, "RECURRENCE-ID") or readable(event.get("RECURRENCE-ID"))
    return Identity(uid_of(event), str(at))


def revision_of(event: Event, *, gone: bool) -> Revision:
    """Return its revision; `gone`: the file cancels what it names."""
    told = version(sequence_of(event), modified_of(event))
    return Revision(told, _instant_in(event, "DTSTAMP") or NEVER, _words(event, gone=gone))


def sequence_of(event: Event) -> int:
    told = event.get("SEQUENCE", 0)
    return min(max(told, 0), SEQUENCE_MAX) if isinstance(told, int) else 0


def modified_of(event: Event) -> datetime | None:
    return _instant_in(event, "LAST-MODIFIED")


def _instant_in(event: Event, name: str) -> datetime | None:
    at = readable(event.get(name))
    if not isinstance(at, datetime) or at.tzinfo is None:
        return None
    try:
        return in_range(at.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _words(event: Event, *, gone: bool) -> bytes:
    """Return what it says itself, and whether the file cancels it.

    Neither what is nested in it nor when it was written out is part of that. As for who is told of
    both in turn (RFC 5546), what is cancelled is so for good: at a tie METHOD comes after whatever
    the first line of an event is, which in order is BEGIN or an earlier one.
    """
    try:
        told = event.property_items(recursive=False)
        lines = [event.content_line(name, said).to_ical() for name, said in told]
    except Exception:  # noqa: BLE001 - whatever its writer trips over, it is no newer for that
        return b""
    said = sorted(line for line in lines if not line.startswith(b"DTSTAMP"))
    return b"\n".join([*([b"METHOD:CANCEL"] if gone else []), *said])
