"""Reads a calendar file: what each event comes to, and what is none of ours, with the reason.

Whatever is wrong with one component, the others are read. No file costs more than it may.
"""

from __future__ import annotations

import re
import warnings
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from icalendar import Component
from icalendar.error import BrokenCalendarProperty

from services.calendar.ics_events import Mirrored, mirrored, name_of, words_of
from services.calendar.ics_revisions import Identity, identity_of, revision_of
from services.calendar.ics_times import Event, NotAnEntryError, Owner
from shared.errors import InvalidError

EVENTS_MAX = 5_000
# Parts of what is read, and zones, which are looked up where they are named.
PARTS = ("VCALENDAR", "VEVENT", "VTIMEZONE", "STANDARD", "DAYLIGHT", "VALARM")
NOT_OURS = {
    "VTODO": "a to-do is no entry of a calendar",
    "VJOURNAL": "a journal is no entry of a calendar",
    "VFREEBUSY": "when somebody is busy is read, not entered",
    "VAVAILABILITY": "when somebody is available is no entry of a calendar",
}
BEGIN, END = "BEGIN:VEVENT", "END:VEVENT"
# A line may be folded within a letter (RFC 5545, 3.1).
_FOLDED = re.compile(rb"([\xc2-\xf4][\x80-\xbf]{0,2})(\r?\n[ \t])([\x80-\xbf]{1,3})")
UNREAD = "\ufffd"
NOT_UTF8 = "its words are not in UTF-8: save the file in that, and import it again"


@dataclass(frozen=True, slots=True)
class Refused:
    """A component of the file that comes to nothing, and why."""

    component: str
    name: str
    reason: str


@dataclass(slots=True)
class Found:
    """What a file comes to."""

    mirrored: list[Mirrored] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def read_calendar(content: bytes, owner: Owner) -> Found:
    """Return what every component of a file comes to.

    Raises:
        InvalidError: it is no iCalendar file, or has more events than anybody has.

    """
    found, content = Found(), in_utf8(content)
    broken = _is_broken(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Guesses at zones: what comes of them is looked at here.
        calendars = _calendars(_text(content), found)
    unread = len(found.refused)
    events: dict[Identity, list[tuple[Event, bool]]] = defaultdict(list)
    walked = 0
    for calendar in calendars:
        found.refused += _not_ours(calendar)
        for event, gone in _events(calendar):
            walked += 1
            try:
                if broken and any(UNREAD in words for words in words_of(event)):
                    found.refused.append(Refused("VEVENT", name_of(event), NOT_UTF8))
                    continue
                events[identity_of(event)].append((event, gone))
            except BrokenCalendarProperty as why:
                found.refused.append(_broken(event, why))
        if len(events) > EVENTS_MAX:
            raise InvalidError(f"more than {EVENTS_MAX} events")
    for same in events.values():
        _take_newest(same, owner, found)
    found.refused += _swallowed(content, walked + unread)
    return found


class Apart(NamedTuple):
    """An event of a file, the lines it is on, and whether the file cancels what it names."""

    lines: range
    event: Event
    gone: bool


def events_apart(content: bytes) -> list[Apart]:
    """Return each event of a file as `read_calendar` reads it."""
    text = _text(in_utf8(content))
    lines = text.split("\n")
    blocks = list(_blocks(lines))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Zones of its own making and METHOD are said beside the events.
        whole = [one for calendar in _whole(text) for one in _events(calendar)]
        if len(whole) == len(blocks):
            return [Apart(block, *one) for block, one in zip(blocks, whole, strict=True)]
        return list(_each(lines, blocks))


def _each(lines: Sequence[str], blocks: Iterable[range]) -> Iterator[Apart]:
    for block in blocks:
        try:
            yield Apart(block, Component.from_ical(_joined(lines, block)), gone=False)
        except Exception:  # noqa: BLE001, S112 - whoever reads the file into a calendar says why
            continue


def _events(calendar: Any) -> Iterator[tuple[Event, bool]]:
    gone = str(calendar.get("METHOD", "")).upper() == "CANCEL"
    for event in calendar.walk("VEVENT"):
        yield event, gone


def in_utf8(content: bytes) -> bytes:
    """Return a file as it is read, line by line: in UTF-8, and no letter on two lines."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        content = content.decode("utf-16", "replace").encode()
    return _FOLDED.sub(rb"\2\1\3", content)


def _is_broken(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")


def _broken(event: Event, why: BrokenCalendarProperty) -> Refused:
    named = re.search(r"property '([A-Z-]{1,50})'", str(why))
    what = "a property" if named is None else f"its {named[1]}"
    return Refused("VEVENT", name_of(event), f"{what} cannot be read")


def _swallowed(content: bytes, told: int) -> Iterator[Refused]:
    """Yield what begins or ends in the file and was not found: an end too many hides the rest."""
    lines = Counter(line.strip().upper() for line in content.split(b"\n"))
    missing = max(lines[BEGIN.encode()], lines[END.encode()]) - told
    if missing > 0:
        why = "it begins or ends where it cannot be read"
        yield Refused("VEVENT", "1 event" if missing == 1 else f"{missing} events", why)


def _take_newest(same: list[tuple[Event, bool]], owner: Owner, found: Found) -> None:
    """Of events that are the same one, the newest counts that comes to something."""
    if len(same) > 1:
        same.sort(key=lambda one: revision_of(one[0], gone=one[1]), reverse=True)
    for at, (event, gone) in enumerate(same, start=1):
        try:
            found.mirrored.append(mirrored(event, owner, gone=gone))
        except NotAnEntryError as why:
            found.refused.append(Refused("VEVENT", name_of(event), str(why)))
        except BrokenCalendarProperty as why:
            found.refused.append(_broken(event, why))
        else:
            found.refused += (_older(other) for other, _ in same[at:])
            return


def _older(event: Event) -> Refused:
    return Refused("VEVENT", name_of(event), "another one in the file has its UID")


def _calendars(text: str, found: Found) -> list[Any]:
    """Read the file as a whole, or else each event of it by itself."""
    read = _whole(text)
    if read:
        return read
    lines = text.split("\n")
    blocks = [_joined(lines, block) for block in _blocks(lines)]
    if not blocks and text.lstrip().startswith("<"):
        raise InvalidError("not an iCalendar file but a page, as where one is to sign in first")
    if not blocks:
        raise InvalidError("not an iCalendar file: there is nothing in it that can be read")
    return list(_one_by_one(blocks, found))


def _whole(text: str) -> list[Any]:
    try:
        return list(Component.from_ical(text, multiple=True))
    except Exception:  # noqa: BLE001 - whatever its parser trips over is in the file
        return []


def _blocks(lines: Sequence[str]) -> Iterator[range]:
    """Yield the lines of each event, from where it begins to where the next one ends."""
    begin = None
    for number, line in enumerate(lines):
        word = line.removesuffix("\r").upper()
        if begin is None and word == BEGIN:
            begin = number
        elif begin is not None and word == END:
            yield range(begin, number + 1)
            begin = None


def _joined(lines: Sequence[str], block: range) -> str:
    return "\n".join(lines[block.start : block.stop])


def _one_by_one(blocks: list[str], found: Found) -> Iterator[Any]:
    for number, block in enumerate(blocks[: EVENTS_MAX + 1], start=1):
        try:
            yield Component.from_ical(block)
        except Exception as error:  # noqa: BLE001 - as above; the others are read
            why = f"it cannot be read: {type(error).__name__}"
            found.refused.append(Refused("VEVENT", f"event {number}", why))


def _not_ours(calendar: Any) -> Iterator[Refused]:
    for component in calendar.walk():
        if component.name not in PARTS:
            why = NOT_OURS.get(component.name, "it is no event")
            # What it is called stays in the file: it may be private.
            yield Refused(str(component.name), str(component.name).lower(), why)
