"""A calendar in another encoding is read where it says which, and told of where it does not."""

from __future__ import annotations

import pytest

from services.calendar.ics_events import ANYBODY
from services.calendar.ics_reading import Found, read_calendar
from shared.errors import InvalidError

TITLE = "Grüße 한국"


def calendar(*titles: str) -> str:
    events = "\r\n".join(
        f"BEGIN:VEVENT\r\nUID:{n}@there\r\nSUMMARY:{title}\r\n"
        "DTSTART:20260105T000000Z\r\nDTEND:20260105T010000Z\r\nEND:VEVENT"
        for n, title in enumerate(titles)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}\r\nEND:VCALENDAR\r\n"


def read(content: bytes) -> Found:
    return read_calendar(content, ANYBODY)


def titles(found: Found) -> list[str | None]:
    return [one.command.title for one in found.mirrored]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_k_11_a_file_that_says_how_it_is_written_is_read(encoding: str) -> None:
    found = read(calendar(TITLE, "Plain").encode(encoding))
    assert (titles(found), found.refused) == ([TITLE, "Plain"], [])


@pytest.mark.parametrize("fold", [b"\r\n ", b"\n\t"])
def test_k_11_a_line_may_be_folded_within_a_letter(fold: bytes) -> None:
    """So the older programs do that count bytes."""
    letters = TITLE.encode()
    for at in range(1, len(letters)):
        content = calendar(TITLE).encode().replace(letters, letters[:at] + fold + letters[at:])
        assert titles(read(content)) == [TITLE]


def test_k_11_words_that_cannot_be_read_are_not_recorded_as_others() -> None:
    found = read(calendar("Plain", "Grüße", "Café").encode("cp1252"))
    assert titles(found) == ["Plain"]
    assert [one.reason for one in found.refused] == [
        "its words are not in UTF-8: save the file in that, and import it again"
    ] * 2


def test_k_11_a_page_instead_of_a_calendar_is_called_one() -> None:
    with pytest.raises(InvalidError, match="but a page, as where one is to sign in first"):
        read(b"\r\n<!DOCTYPE html><html></html>")


def test_k_11_an_event_without_a_title_is_found_in_its_file() -> None:
    bad = calendar("Plain").replace("SUMMARY:Plain\r\nDTSTART:20260105T000000Z", "")
    (refused,) = read(bad.encode()).refused
    assert refused.name == "an event without a title (UID 0@there)"
