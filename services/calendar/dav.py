"""What CalDAV asks and is answered (RFC 4791, RFC 4918), as far as a calendar is only read. Pure.

One object is what has one UID: a series with the times of it that were changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any
from xml.etree import ElementTree as ET

from icalendar import Calendar

from services.calendar.ics_writing import PRODUCT
from shared.errors import InvalidError

DAV, CALDAV, SERVER = "DAV:", "urn:ietf:params:xml:ns:caldav", "http://calendarserver.org/ns/"
for prefix, space in (("d", DAV), ("c", CALDAV), ("cs", SERVER)):
    ET.register_namespace(prefix, space)
STAMP = "%Y%m%dT%H%M%SZ"
TAG_CHARS = 32


def d(name: str) -> str:
    return f"{{{DAV}}}{name}"


def c(name: str) -> str:
    return f"{{{CALDAV}}}{name}"


DATA = c("calendar-data")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants: these properties (none: all), of these objects (none: all)."""

    what: str = "propfind"
    names: tuple[str, ...] = ()
    hrefs: tuple[str, ...] = ()
    begin: datetime | None = None
    end: datetime | None = None


def read_asked(body: bytes) -> Asked:
    """Return what a request asks.

    Raises:
        InvalidError: it is no XML, or XML that brings its own definitions along.

    """
    if not body.strip():
        return Asked()
    try:
        text = body.decode("utf-8")
        if "<!" in text:
            raise InvalidError("XML without definitions of its own", field="#")
        root = ET.fromstring(text)  # noqa: S314 - nothing is defined, so nothing can be expanded
    except (UnicodeDecodeError, ET.ParseError) as error:
        raise InvalidError("it is no XML", field="#") from error
    span = root.find(f".//{c('time-range')}")
    told = {} if span is None else span.attrib
    return Asked(
        root.tag.rpartition("}")[2],
        tuple(one.tag for prop in root.findall(d("prop")) for one in prop),
        tuple((one.text or "").strip() for one in root.findall(d("href"))),
        _instant(told.get("start")),
        _instant(told.get("end")),
    )


def _instant(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidError("an instant as 20260105T090000Z", field="#/time-range") from error


def objects_of(written: bytes, asked: Asked | None = None) -> dict[str, bytes]:
    """Return the objects of a calendar by their names, those that may lie in the time asked for."""
    found: dict[str, list[Any]] = {}
    for event in Calendar.from_ical(written).walk("VEVENT"):
        found.setdefault(str(event["UID"]), []).append(event)
    return {
        f"{tag(uid.encode())}.ics": _object(events)
        for uid, events in sorted(found.items())
        if asked is None or any(_may_lie(event, asked) for event in events)
    }


def _may_lie(event: Any, asked: Asked) -> bool:
    """Whether a time of it can be in those asked for; what repeats is not reckoned, but told."""
    if "RRULE" in event or "RDATE" in event:
        return True
    begin, end = (_at(event[name].dt) for name in ("DTSTART", "DTEND"))
    return (asked.end is None or begin < asked.end) and (asked.begin is None or end > asked.begin)


def _at(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time(), UTC)


def _object(events: Iterable[Any]) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    for event in events:
        calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def tag(content: bytes) -> str:
    return sha256(content).hexdigest()[:TAG_CHARS]


Properties = Mapping[str, ET.Element]


def collection(href: str, name: str, objects: Mapping[str, bytes]) -> Properties:
    """Return the properties of the calendar itself; it is its own home and its own principal."""
    whole = tag(b"".join(tag(content).encode() for content in objects.values()))
    itself = ("current-user-principal", "principal-URL", "owner")
    found = [
        _with(d("resourcetype"), ET.Element(d("collection")), ET.Element(c("calendar"))),
        _text(d("displayname"), name),
        _text(d("getetag"), f'"{whole}"'),
        _text(f"{{{SERVER}}}getctag", whole),
        *(_with(d(one), _text(d("href"), href)) for one in itself),
        _with(c("calendar-home-set"), _text(d("href"), href)),
        _with(c("supported-calendar-component-set"), ET.Element(c("comp"), {"name": "VEVENT"})),
        _with(d("supported-report-set"), *map(_report, ("calendar-query", "calendar-multiget"))),
        _with(d("current-user-privilege-set"), _with(d("privilege"), ET.Element(d("read")))),
    ]
    return {one.tag: one for one in found}


def member(content: bytes) -> Properties:
    """Return the properties of one object."""
    found = [
        ET.Element(d("resourcetype")),
        _text(d("getetag"), f'"{tag(content)}"'),
        _text(d("getcontenttype"), "text/calendar; charset=utf-8; component=VEVENT"),
        _text(DATA, content.decode("utf-8").replace("\r\n", "\n")),
    ]
    return {one.tag: one for one in found}


def multistatus(found: Sequence[tuple[str, Properties | None]], asked: Asked) -> bytes:
    """Answer: what is there of what was asked for, and what is not."""
    root = ET.Element(d("multistatus"))
    for href, told in found:
        response = ET.SubElement(root, d("response"))
        response.append(_text(d("href"), href))
        if told is None:
            response.append(_text(d("status"), "HTTP/1.1 404 Not Found"))
            continue
        names = asked.names or tuple(name for name in told if name != DATA)
        known = [told[name] for name in names if name in told]
        missing = [ET.Element(name) for name in names if name not in told]
        for props, status in ((known, "200 OK"), (missing, "404 Not Found")):
            if props:
                line = _text(d("status"), f"HTTP/1.1 {status}")
                response.append(_with(d("propstat"), _with(d("prop"), *props), line))
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _with(name: str, *inside: ET.Element) -> ET.Element:
    element = ET.Element(name)
    element.extend(inside)
    return element


def _text(name: str, text: str) -> ET.Element:
    element = ET.Element(name)
    element.text = text
    return element


def _report(name: str) -> ET.Element:
    return _with(d("supported-report"), _with(d("report"), ET.Element(c(name))))
