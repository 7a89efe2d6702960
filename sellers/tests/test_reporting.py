"""What `sellers report` can be asked is what the API can be asked."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from sellers import reporting

API = json.loads((Path(__file__).parents[2] / "docs/api/openapi.json").read_text())
# Pages and formats are of programs; what a program shows was read is a token of its own.
OF_PROGRAMS = frozenset({"format", "cursor", "limit"})
command: Any = get_command(reporting.report)
REPORTS = sorted(command.commands)


def _words(option: Any) -> list[str]:
    """Return an option with something that it takes."""
    name, told = max(option.opts, key=len), option.type_descriptor
    if told.annotation is datetime:
        instant = any("%H" in one for one in told.parameter_info.formats)
        return [name, "2026-04-01T09:00:00+0000" if instant else "2026-04-01"]
    if get_origin(told.annotation) is Literal:
        return [name, get_args(told.annotation)[0]]
    if option.is_flag:
        return [name]
    return [name, "7" if told.annotation is int else "x-1"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, set[str]]]:
    """Return what the API was asked, each path with the names of the parameters."""
    told: list[tuple[str, set[str]]] = []

    class Asked:
        def get(self, path: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
            told.append((path, {name for name, one in (query or {}).items() if one is not None}))
            return {"rows": [], "counts": {}}

    monkeypatch.setattr(reporting, "connect", lambda _: Asked())
    return told


@pytest.mark.parametrize("name", REPORTS)
def test_every_parameter_of_a_report_is_an_option_and_no_other_is(
    name: str, asked: list[tuple[str, set[str]]]
) -> None:
    options = [one for one in command.commands[name].params if one.name not in {"as_json", "help"}]
    words = [word for one in options for word in _words(one)]
    done = CliRunner().invoke(reporting.report, [name, *words, "--json"])
    assert done.exit_code == 0, done.output
    ((path, sent),) = asked
    described = API["paths"][path]["get"].get("parameters", [])
    read = {one["name"] for one in described if one["in"] == "query"}
    assert sent - read == set(), "the API does not read these"
    assert read - sent - OF_PROGRAMS == set(), "nobody can ask for these"


def test_a_program_is_told_what_is_null_and_people_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"key": "neither", "count": 3, "open": 3, "won": None, "win_rate": None}

    class Answered:
        def get(self, _path: str, _query: dict[str, Any] | None = None) -> dict[str, Any]:
            return {"rows": [row]}

    monkeypatch.setattr(reporting, "connect", lambda _: Answered())
    words = ["pipeline", "--by", "quality"]
    assert json.loads(CliRunner().invoke(reporting.report, [*words, "--json"]).stdout) == [row]
    shown = CliRunner().invoke(reporting.report, words)
    assert "open" in shown.stdout
    assert "won" not in shown.stdout
