"""Calendars, tables and archives from anywhere: read or refused by name, in time, nothing lost."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sellers.importing.errors import CrmImportError
from sellers.importing.reading import CsvFile, Damaged, Format, Row, packed_in
from services.calendar.agenda_views import AgendaCard
from services.calendar.dav import read_asked
from services.calendar.ics_reading import Found, read_calendar
from services.calendar.ics_times import Owner
from services.contacts.vcard import NotAVCardError, parse
from shared.errors import InvalidError
from tests.hostile.mutations import mutated

OWNER = Owner("employee-1", ZoneInfo("Asia/Seoul"), "internal", AgendaCard("agenda-1"))
PROCESSOR_S = 15.0  # of the processor's own time, for what takes a second or two
LINES = ("BEGIN:VEVENT", "UID:{uid}", "SUMMARY:방문", "DTSTART:20260105T000000Z", "END:VEVENT")
CARD = (
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:김민준\r\nEMAIL:kim@there.example\r\nEND:VCARD\r\n".encode()
)
ASKED = (
    b'<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/>'
    b'</d:prop><c:filter><c:time-range start="20260105T000000Z"/></c:filter></c:calendar-query>'
)


def event(uid: str, *more: str) -> bytes:
    lines = [*LINES[:-1], *more, LINES[-1]]
    return "\r\n".join(lines).format(uid=uid).encode() + b"\r\n"


def calendar(*events: bytes) -> bytes:
    return b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + b"".join(events) + b"END:VCALENDAR\r\n"


REPEATING = event("r", "RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE:20260112T000000Z")


def read(content: bytes) -> Found | None:
    try:
        return read_calendar(content, OWNER)
    except InvalidError:
        return None


@given(st.binary(max_size=300) | mutated(calendar(event("1"), REPEATING, event("2"))))
def test_a_calendar_is_read_or_refused(content: bytes) -> None:
    found = read(content)
    assert all(one.reason and one.component for one in found.refused) if found else True


@given(mutated(event("broken"), REPEATING))
def test_what_is_missing_of_a_calendar_is_named(broken: bytes) -> None:
    found = read(calendar(event("1"), event("2"), broken, event("3")))
    assert found is None or len(found.mirrored) >= 3 or found.refused


def test_an_end_too_many_hides_nothing() -> None:
    """It closes the calendar for the parser, and all that follows would be gone without a word."""
    found = read(calendar(event("1"), b"END:VEVENT\r\n", event("2"), event("3")))
    assert found is not None
    assert len(found.mirrored) + len(found.refused) >= 2
    assert found.refused


def test_a_property_that_cannot_be_read_costs_its_event() -> None:
    found = read(calendar(event("1"), event("2", "RRULE:FREQ=DAILY", "EXDATE:\x0020260112")))
    assert found is not None
    assert [one.reason for one in found.refused] == ["its EXDATE cannot be read"]
    assert len(found.mirrored) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"BEGIN:VEVENT\r\n" * 200_000,
        calendar(b"BEGIN:VEVENT\r\n" * 3_000 + b"END:VEVENT\r\n" * 3_000),
        calendar(event("1", "RRULE:FREQ=YEARLY;BYDAY=" + ",".join(["MO"] * 100_000))),
        calendar(event("1", "RRULE:FREQ=DAILY", "EXDATE:" + ",".join(["20260105"] * 20_000))),
        calendar(event("1", "DESCRIPTION:" + "a\r\n " * 200_000)),
        calendar(event("1", "DESCRIPTION" + ";A=b" * 100_000 + ":x")),
        calendar(event("1", "DURATION:P" + "9" * 5_000 + "D", "SEQUENCE:" + "9" * 5_000)),
        calendar(event("1", "DTEND;TZID=../../../../etc/passwd:20260105T000000")),
        calendar(event("1", "DTEND;TZID=" + "a" * 100_000 + ":20260105T000000")),
    ],
    ids=["begins", "nested", "rule", "dates", "folds", "parameters", "digits", "path", "zone"],
)
def test_no_calendar_takes_long(content: bytes) -> None:
    began = time.process_time()
    read(content)
    assert time.process_time() - began < PROCESSOR_S


@given(st.binary(max_size=200) | mutated(CARD, CARD * 2))
def test_a_vcard_is_read_or_refused(content: bytes) -> None:
    with suppress(NotAVCardError):
        parse(content.decode("utf-8", "replace"))


@given(st.binary(max_size=200) | mutated(ASKED))
def test_a_question_of_a_calendar_program_is_read_or_refused(content: bytes) -> None:
    with suppress(InvalidError):
        read_asked(content)


@pytest.mark.parametrize(
    "definitions",
    [
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY % a SYSTEM "http://127.0.0.1/"> %a;]><a/>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-7"])
def test_xml_brings_no_definitions_along(definitions: str, encoding: str) -> None:
    with pytest.raises(InvalidError):
        read_asked(definitions.encode(encoding))


def rows(folder: Path, content: bytes, encoding: str = "utf-8") -> list[Row | Damaged]:
    path = folder / "deals.csv"
    path.write_bytes(content)
    return list(CsvFile.open(path, Format(encoding, ","), {"id": "id"}).rows())


@given(st.binary(max_size=80).filter(lambda line: not {10, 13} & set(line)))
def test_a_damaged_row_costs_no_other(damaged: bytes) -> None:
    others = [b"%d,Deal %d" % (number, number) for number in range(6)]
    table = b"\n".join([b"id,name", *others[:3], damaged, *others[3:], b""])
    with TemporaryDirectory() as folder:
        read = [row.cells["id"] for row in rows(Path(folder), table) if isinstance(row, Row)]
    assert [one for one in read if one in set("012345")][:3] == ["0", "1", "2"]
    assert {"3", "4", "5"} <= set(read)


@given(st.binary(max_size=300) | mutated(b'id,name\n1,"a, b"\n2,"c\nd"\n3,e\n'))
def test_a_table_is_read_or_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder, suppress(CrmImportError):
        found = rows(Path(folder), content)
        assert all(row.line > 1 for row in found)
        assert all(row.reason for row in found if isinstance(row, Damaged))


def archive(folder: Path, *files: tuple[str, bytes]) -> Path:
    path = folder / "deals.csv.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        for name, content in files:
            packed.writestr(name, content)
    return path


@given(st.binary(max_size=300))
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "deals.csv.zip"
        path.write_bytes(content)
        with pytest.raises(CrmImportError):
            CsvFile.open(path, Format("utf-8", ","), {"id": "id"})


@pytest.mark.parametrize("name", ["../../outside.csv", "/outside.csv", "C:\\outside.csv"])
def test_nothing_of_an_archive_is_written_anywhere(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    archive(inside, (name, b"id,name\n1,a\n"))
    before = sorted(tmp_path.rglob("*"))
    path = packed_in(inside / "deals.csv")
    found = list(CsvFile.open(path, Format("utf-8", ","), {"id": "id"}).rows())
    assert [row.cells for row in found if isinstance(row, Row)] == [{"id": "1", "name": "a"}]
    assert sorted(tmp_path.rglob("*")) == before


def test_an_archive_that_swells_is_read_in_pieces_and_its_line_refused(tmp_path: Path) -> None:
    """Fifty megabytes of one line are fifty kilobytes here, and never in memory at once."""
    path = archive(tmp_path, ("deals.csv", b"id,name\n1,a\n" + b"x" * 50_000_000 + b"\n2,b\n"))
    assert path.stat().st_size < 100_000
    found = list(CsvFile.open(path, Format("utf-8", ","), {"id": "id"}).rows())
    assert [row.cells["id"] for row in found if isinstance(row, Row)] == ["1", "2"]
    assert [row.reason for row in found if isinstance(row, Damaged)] == [
        "a line of more than 1,000,000 characters"
    ]
