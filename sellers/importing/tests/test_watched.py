"""Once all is recorded whoever imported sees what is not complete yet, and may leave."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sellers import cli
from sellers.client import Api
from sellers.importing import Summary, folded, watched


class Answering:
    """A platform that is behind by so many facts, less each time it is asked."""

    def __init__(self, *left: int) -> None:
        self._left = list(left)

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/lag"
        left = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        row = {"domain": "contacts", "collection": "person_card_v1", "written": 9_000}
        return {"projections": [row | {"folded": 9_000 - left, "lag": left}], "outbox": {}}


def summary() -> Summary:
    return Summary("otherco", Path("report.csv"), facts=8_800, seconds=88.0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run the command against a platform that takes everything, and is behind afterwards."""
    monkeypatch.setattr(watched, "crm", lambda *_: summary())
    monkeypatch.setattr(folded, "POLL_S", 0.0)

    def of(platform: Any, *words: str) -> Any:
        monkeypatch.setattr(cli, "connect", lambda *_, **__: platform)
        return CliRunner().invoke(cli.app, ["import", "crm", str(tmp_path), *words])

    return of


def test_what_is_recorded_is_not_complete_before_views_are(run: Any) -> None:
    done = run(Answering(9_000, 9_000, 3_000, 0))
    assert done.exit_code == 0
    first, *rest = done.stderr.splitlines()
    assert first.startswith("all is recorded: 8,800 new facts in 88.0 s. Views and figures take")
    assert "0 of 1 are complete, the others behind by 9,000 facts at most" in rest[0]
    assert "8,800 facts recorded in 88.0 s, folded into every view and figure" in done.stdout


def test_nobody_has_to_wait_and_is_told_what_that_means(run: Any) -> None:
    done = run(Answering(9_000), "--no-wait")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "until then reports and lists lack some of it (`sellers lag`" in done.stdout
    told = json.loads(run(Answering(9_000), "--no-wait", "--json").stdout)
    assert (told["facts"], told["seconds_folding"]) == (8_800, None)


def test_who_leaves_while_views_catch_up_is_told_what_became_of_the_import(run: Any) -> None:
    class Left(Answering):
        def get(self, path: str) -> dict[str, Any]:
            raise KeyboardInterrupt

    done = run(Left(1))
    assert done.exit_code == 130
    assert "8,800 facts recorded in 88.0 s; views and figures still take them in" in done.stdout


def test_an_import_that_is_complete_says_how_long_that_took() -> None:
    told, screen = summary(), io.StringIO()
    assert watched.catch_up(cast("Api", Answering(0)), told, Console(file=screen))
    assert told.seconds_folding is not None
