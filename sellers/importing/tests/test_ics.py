"""`sellers import ics` (K-11): a file, a directory, an address; again, and nothing is twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sellers.cli import app
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
