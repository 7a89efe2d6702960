"""How wide it is printed where no terminal says so."""

from __future__ import annotations

import io
import os
import re
import threading

import pytest
from rich.console import Console

from sellers.console import PLAIN_COLUMNS, UpConsole, Waiting, console, progress_bar, waiting


def test_no_test_is_as_wide_as_the_terminal_it_is_run_from() -> None:
    assert "COLUMNS" not in os.environ


@pytest.mark.parametrize(
    ("told", "width"),
    [
        ("72", 72),
        ("", PLAIN_COLUMNS),
        ("0", PLAIN_COLUMNS),
        ("-1", PLAIN_COLUMNS),
        ("wide", PLAIN_COLUMNS),
        ("\N{SUPERSCRIPT TWO}", PLAIN_COLUMNS),
    ],
)
def test_elsewhere_than_on_a_terminal_columns_says_how_wide_it_is(
    monkeypatch: pytest.MonkeyPatch, told: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", told)
    assert console().width == width
    assert console(stderr=True).width == width


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
def test_on_a_terminal_a_size_that_is_no_number_is_as_none(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv(name, "\N{SUPERSCRIPT TWO}")
    told = console()
    assert told.is_terminal
    assert told.width > 0


class Screen(io.StringIO):
    """Remembers what was printed; `until` waits for so many lines."""

    def __init__(self) -> None:
        super().__init__()
        self._more = threading.Condition()

    def write(self, text: str) -> int:
        with self._more:
            written = super().write(text)
            self._more.notify_all()
            return written

    def until(self, lines: int) -> list[str]:
        with self._more:
            assert self._more.wait_for(lambda: self.getvalue().count("\n") >= lines, timeout=20)
            return self.getvalue().splitlines()


def test_what_takes_long_is_said_again_though_nobody_comes_to_say_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sellers.console.SAY_AGAIN_S", 0.05)
    monkeypatch.setattr("sellers.console.MOMENT_S", 0.0)
    screen = Screen()
    wait = Waiting(Console(file=screen, width=120))
    wait.say("starting the [node]")
    said = screen.until(3)
    wait.rest()
    assert all(re.fullmatch(r"starting the \[node\] \(\d+ s so far\)", line) for line in said)
    after = screen.getvalue()
    assert "\x1b" not in after
    # What is new is said at once, and nothing of what was before.
    wait.say("then this", "the same")
    wait.say("then that", "the same")
    told = screen.until(len(after.splitlines()) + 2)
    wait.rest()
    assert told[len(after.splitlines())].startswith("then this")
    assert told[-1].startswith("then that")


def test_who_waits_longer_than_a_moment_is_told_for_how_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sellers.console.SAY_AGAIN_S", 0.05)
    monkeypatch.setattr("sellers.console.MOMENT_S", 0.0)
    screen = Screen()
    with waiting(Console(file=screen, width=120), "folding [again]"):
        said = screen.until(2)
    assert all(re.fullmatch(r"folding \[again\] \(\d+ s so far\)", line) for line in said)


def test_on_a_terminal_one_line_moves_and_goes_away() -> None:
    screen = Screen()
    wait = Waiting(Console(file=screen, width=80, force_terminal=True, force_interactive=True))
    wait.say("folding 10 % [x]", "folding")
    wait.say("folding 20 % [x]", "folding")
    wait.rest()
    assert "folding 20 % [x]" in screen.getvalue()
    assert "0:00:00" in screen.getvalue()


def test_elsewhere_a_bar_is_lines_that_say_how_much_of_it_since_when(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Screen()
    with progress_bar(Console(file=screen, width=120), "importing [x]") as progress:
        for done in (1, 2, 100, 101, 1_000):
            progress(done, 1_000)
        assert screen.getvalue().splitlines() == [
            "importing [x]: 1 of 1,000 (0 %, 0 s)",
            "importing [x]: 100 of 1,000 (10 %, 0 s)",
            "importing [x]: 1,000 of 1,000 (100 %, 0 s)",
        ]
        # Slow is no reason to be silent.
        monkeypatch.setattr("sellers.console.SAY_AGAIN_S", 0.0)
        progress(1_000, 1_000)
    assert len(screen.getvalue().splitlines()) == 4


def test_who_meets_a_process_for_the_first_time_is_told_what_it_is() -> None:
    told = UpConsole()
    told.err = Console(file=Screen(), width=120)
    told.started("noida-db", "127.0.0.1:9", 0.24)
    assert told.err.file.getvalue() == (  # type: ignore[attr-defined]
        "noida-db, the log of facts, runs at 127.0.0.1:9 (0.2 s)\n"
    )
