"""`sellers import ics` (K-11): a file, a directory, an address; again, and nothing is twice."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sellers.cli import app
from sellers.client import Api
from sellers.importing import revisions, wait_until_folded
from sellers.importing.revisions import superseded, without
from sellers.importing.tests.served import Served, serving

VISIT = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1@there
SUMMARY:Visit
DTSTART:20260105T000000Z
DTEND:20260105T010000Z
END:VEVENT
BEGIN:VTODO
UID:2@there
END:VTODO
END:VCALENDAR
"""
TO = ("--employee", "employee-1")


def run(url: str, *words: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["--url", url, "import", "ics", *words])
    return ran.exit_code, ran.output


def test_k_11_a_directory_of_calendars_comes_in_with_a_reason_for_what_does_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.ics").write_text(VISIT.replace("\n", "\r\n"))
    (tmp_path / "b.ics").write_text("no calendar")
    with serving(Served()) as api:
        code, told = run(api.url, str(tmp_path), *TO)
        assert code == 0
        assert "a to-do is no entry of a calendar" in told
        assert "not an iCalendar file" in told
        assert "1 events from 2 calendars: 1 recorded, 0 known already; 2 refused" in told
        code, told = run(api.url, str(tmp_path / "a.ics"), "--json", *TO)
        # How far it is is said beside, on standard error.
        assert (code, json.loads(told[told.index("[\n") :])[0]["unchanged"]) == (0, 1)


EVENT = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1@there
SUMMARY:{title}
DTSTART:20260105T000000Z
DTEND:20260105T010000Z
{lines}
END:VEVENT
BEGIN:VEVENT
UID:{title}@there
SUMMARY:Alone
DTSTART:20260106T000000Z
DTEND:20260106T010000Z
END:VEVENT
END:VCALENDAR
"""


def twice(url: str, directory: Path) -> tuple[str, list[str], str]:
    """Return what the first import told, how the event is called then, and what the second told."""
    first, again = (run(url, str(directory), *TO)[1] for _ in range(2))
    with Api(url) as api:
        wait_until_folded(api)
        days = {"first": "2026-01-05", "last": "2026-01-05"}
        items = api.get("/calendar/agendas/1", days)["items"]
    return first, [item["title"] for item in items], again


@pytest.mark.parametrize(
    ("older", "newer", "why"),
    [
        ("SEQUENCE:1\nDTSTAMP:20260109T000000Z", "SEQUENCE:2", "has a later revision of it"),
        ("DTSTAMP:20260101T000000Z", "DTSTAMP:20260102T000000Z", "has a later revision of it"),
        (
            "LAST-MODIFIED:20260101T000000Z\nDTSTAMP:20260109T000000Z",
            "LAST-MODIFIED:20260102T000000Z\nDTSTAMP:20260109T000000Z",
            "has a later revision of it",
        ),
        (
            "DTSTAMP:20260201T000000Z",
            "LAST-MODIFIED:20260101T000000Z\nDTSTAMP:20260101T000000Z",
            "has a later revision of it",
        ),
        ("SEQUENCE:1", "SEQUENCE:1", "tells it in other words at the same revision"),
    ],
    ids=["SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "no LAST-MODIFIED", "tie"],
)
def test_k_11_of_several_calendars_the_newest_revision_counts_whatever_their_order(
    tmp_path: Path, older: str, newer: str, why: str
) -> None:
    texts = (EVENT.format(title="First", lines=older), EVENT.format(title="Last", lines=newer))
    for names in permutations(("a.ics", "b.ics")):
        for name, text in zip(names, texts, strict=True):
            (tmp_path / name).write_text(text)
        with serving(Served()) as api:
            first, titles, again = twice(api.url, tmp_path)
        assert titles == ["Last"]
        assert f"refused  {names[0]}: VEVENT First: {names[1]} {why}" in first
        assert "3 recorded" in first
        assert "0 recorded, 3 known already; 1 refused" in again


@pytest.mark.parametrize(
    ("said", "instead", "why"),
    [
        ("SEQUENCE:2", "SEQUENCE:2\nRRULE:FREQ=HOURLY", "it repeats hourly"),
        ("DTSTART:20260105T000000Z", "DTSTART;TZID=Nowhere:20260105T000000", "its time zone"),
        ("DTEND:20260105", "DTEND:20270105", "lasts 744 hours at most"),
    ],
)
def test_k_11_what_cannot_be_entered_is_newer_than_nothing(
    tmp_path: Path, said: str, instead: str, why: str
) -> None:
    daily = EVENT.format(title="Daily", lines="SEQUENCE:1\nRRULE:FREQ=DAILY;COUNT=3")
    other = EVENT.format(title="Other", lines="SEQUENCE:2").replace(said, instead)
    (tmp_path / "a.ics").write_text(daily)
    (tmp_path / "b.ics").write_text(other)
    with serving(Served()) as api:
        first, titles, again = twice(api.url, tmp_path)
    assert titles == ["Daily"]
    (refused,) = (line for line in first.splitlines() if line.startswith("refused"))
    assert refused.startswith("refused  b.ics: VEVENT Other: ")
    assert why in refused
    assert "0 recorded" in again


def test_k_11_what_is_in_a_zone_of_its_own_making_can_be_entered() -> None:
    zone = "BEGIN:VTIMEZONE\nTZID:Here\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
    offsets = "TZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE"
    later = EVENT.format(title="Later", lines="SEQUENCE:2")
    here = later.replace("DTSTART:20260105T000000Z", "DTSTART;TZID=Here:20260105T010000")
    files = {
        "a.ics": EVENT.format(title="Visit", lines="SEQUENCE:1").encode(),
        "b.ics": here.replace("VERSION:2.0", f"VERSION:2.0\n{zone}{offsets}").encode(),
    }
    assert list(superseded(files)) == ["a.ics"]


@pytest.mark.parametrize("limit", ["EVENTS_MAX", "BODY_BYTES_MAX"])
def test_k_11_a_file_that_is_refused_as_a_whole_is_newer_than_nothing(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "a.ics": EVENT.format(title="Visit", lines="SEQUENCE:1").encode(),
        "b.ics": EVENT.format(title="Later", lines="SEQUENCE:2\nCOMMENT:longer").encode(),
    }
    assert list(superseded(files)) == ["a.ics"]
    most = 1 if limit == "EVENTS_MAX" else len(files["a.ics"])
    monkeypatch.setattr(revisions, limit, most)
    assert not superseded(files)


def test_k_11_what_another_calendar_has_newer_is_taken_out_of_utf_16_too() -> None:
    files = {
        "a.ics": EVENT.format(title="한국", lines="SEQUENCE:1").encode("utf-16"),
        "b.ics": EVENT.format(title="Later", lines="SEQUENCE:2").encode(),
    }
    found = superseded(files)
    left = without(files["a.ics"], found["a.ics"]).decode()
    assert ([one.name for one in found["a.ics"]], "SEQUENCE:1" in left) == (["한국"], False)
    assert ("SUMMARY:Alone" in left, "END:VCALENDAR" in left) == (True, True)


def test_k_11_who_has_a_calendar_that_is_too_large_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.ics").write_text(EVENT.format(title="Visit", lines=f"X-A:{'x' * 5_000_000}"))
    with serving(Served()) as api:
        code, told = run(api.url, str(tmp_path), *TO)
    assert code == 1
    assert "at most (413); export it in parts, as year by year: what is in two of them" in told


def test_k_11_how_long_one_file_takes_is_said_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sellers.console.SAY_AGAIN_S", 0.05)
    monkeypatch.setattr("sellers.console.MOMENT_S", 0.05)
    events = EVENT.partition("BEGIN:VEVENT")[2].partition("END:VCALENDAR")[0]
    many = "".join(f"BEGIN:VEVENT{events}".format(title=n, lines="") for n in range(300))
    (tmp_path / "a.ics").write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\n{many}END:VCALENDAR\n")
    with serving(Served()) as api:
        code, told = run(api.url, str(tmp_path), *TO)
    lines = told.splitlines()
    assert code == 0
    assert [line[:17] for line in lines[:2]] == ["reading calendars"] * 2
    assert "300 recorded" in lines[-1]


def test_k_11_what_one_calendar_cancels_no_other_enters_whatever_their_order(
    tmp_path: Path,
) -> None:
    text = EVENT.format(title="Visit", lines="SEQUENCE:1")
    cancelled = text.replace("VERSION:2.0", "VERSION:2.0\nMETHOD:CANCEL")
    for names in permutations(("a.ics", "b.ics")):
        for name, told in zip(names, (text, cancelled), strict=True):
            (tmp_path / name).write_text(told)
        with serving(Served()) as api:
            first, again = (run(api.url, str(tmp_path), *TO)[1] for _ in range(2))
            wait_until_folded(api)
            days = {"first": "2026-01-05", "last": "2026-01-06"}
            items = api.get("/calendar/agendas/1", days)["items"]
        assert [item["status"] for item in items] == ["cancelled", "cancelled"]
        assert f"{names[1]} tells it in other words at the same revision" in first
        assert "0 recorded" in again


def test_k_11_an_event_in_the_same_words_stands_in_several_calendars_without_a_word(
    tmp_path: Path,
) -> None:
    for name, stamp in (("a.ics", "20260101"), ("b.ics", "20260102")):
        text = EVENT.format(title="Visit", lines=f"DTSTAMP:{stamp}T000000Z")
        (tmp_path / name).write_text(text)
    (tmp_path / "c.ics").write_text("BEGIN:VEVENT\nUID:1@there\nSEQUENCE:9\nEND:VEVENT\n")
    with serving(Served()) as api:
        first, titles, _ = twice(api.url, tmp_path)
    assert titles == ["Visit"]
    assert "2 recorded, 2 known already; 1 refused" in first
    assert "revision" not in first


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("nothing.ics", *TO), "is no file"),
        (("http://127.0.0.1:1/a.ics", *TO), "from which nothing is fetched"),
        ((".", "--employee", "Ada"), "no colleague"),
    ],
)
def test_k_11_what_cannot_be_is_said_in_one_line(words: tuple[str, ...], reason: str) -> None:
    with serving(Served()) as api:
        code, told = run(api.url, *words)
    assert code == 1
    assert reason in told
    assert len(told.strip().splitlines()) == 1
