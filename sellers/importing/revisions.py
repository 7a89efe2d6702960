"""Which of several calendars has the newest revision of an event, whatever their order.

Each calendar is read by itself. Where one event stands in two of them in different words, each
import would write it back and forth: so what is not the newest is taken out, and said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.calendar.ics_events import can_be_entered, name_of
from services.calendar.ics_reading import EVENTS_MAX, Apart, events_apart, in_utf8
from services.calendar.ics_revisions import Identity, Revision, identity_of, revision_of
from shared.web import BODY_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Told:
    """An event as one file has it, and on which lines."""

    file: str
    lines: range
    name: str
    revision: Revision


@dataclass(frozen=True, slots=True)
class Superseded:
    """An event of a file of which another file has the newest revision."""

    lines: range
    name: str
    reason: str

    def refused(self) -> dict[str, Any]:
        return {"component": "VEVENT", "name": self.name, "reason": self.reason}


def superseded(files: Mapping[str, bytes]) -> dict[str, list[Superseded]]:
    """Return by file what is not to be read of it."""
    events: dict[Identity, list[tuple[str, Apart]]] = defaultdict(list)
    for file in sorted(files):
        for one in _apart(files[file]):
            events[identity_of(one.event)].append((file, one))
    found: dict[str, list[Superseded]] = defaultdict(list)
    for several in events.values():
        if len({file for file, _ in several}) == 1:
            continue  # Most stand in one file: what they come to is asked where that is read.
        same = list(_told(several))
        newest = max(same, key=lambda told: told.revision, default=None)
        if newest is None:
            continue
        for told in same:
            # Of two in one file the one who reads it takes the newer.
            if told.file != newest.file and told.revision.words != newest.revision.words:
                found[told.file].append(Superseded(told.lines, told.name, _why(told, newest)))
    return found


def _told(several: Iterable[tuple[str, Apart]]) -> Iterator[Told]:
    for file, (lines, event, gone) in several:
        if not can_be_entered(event, gone=gone):
            continue  # It is newer than nothing: why nobody enters it is said of its own file.
        yield Told(file, lines, name_of(event), revision_of(event, gone=gone))


def _apart(content: bytes) -> list[Apart]:
    """Return the events of a file: none where it is refused as a whole, so that it stays so."""
    if len(content) > BODY_BYTES_MAX:
        return []
    apart = events_apart(content)
    return [] if len({identity_of(one.event) for one in apart}) > EVENTS_MAX else apart


def _why(told: Told, newest: Told) -> str:
    if told.revision[:2] == newest.revision[:2]:
        return f"{newest.file} tells it in other words at the same revision; that one is taken"
    return f"{newest.file} has a later revision of it"


def without(content: bytes, taken_out: Iterable[Superseded]) -> bytes:
    """Return a file without the lines of these events, and every other line as it was."""
    gone = {number for one in taken_out for number in one.lines}
    lines = in_utf8(content).split(b"\n")
    return b"\n".join(line for number, line in enumerate(lines) if number not in gone)
