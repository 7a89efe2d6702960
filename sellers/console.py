"""What `sellers up` says: progress and crashes on standard error, results on standard output.

Rule: on a terminal something moves while we wait; elsewhere every line is plain and whole.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.status import Status

PLAIN_STEPS = 10
PLAIN_COLUMNS = 160
SIZES = ("COLUMNS", "LINES")
SAY_AGAIN_S = 15.0
MOMENT_S = 1.0


def console(*, stderr: bool = False) -> Console:
    """Return where to print; wide where no terminal and no COLUMNS set the width."""
    environ = _environ()
    made = Console(stderr=stderr, highlight=False, soft_wrap=True, _environ=environ)
    if not made.is_terminal:
        made.width = int(environ.get("COLUMNS", 0)) or PLAIN_COLUMNS
    return made


def _environ() -> dict[str, str]:
    """Return the environment without sizes that are no numbers.

    A raised two is a digit and no number: who asks only for digits, as rich does, fails at it.
    """
    told = os.environ.items()
    return {name: value for name, value in told if name not in SIZES or value.isdecimal()}


class UpConsole:
    """Says what the supervisor does."""

    def __init__(self) -> None:
        self.out, self.err = console(), console(stderr=True)
        self._status: Status | None = None
        self._waits_for: str | None = None
        self._said_at = 0.0
        # The supervisor and the opening both speak.
        self._speaking = threading.RLock()

    def line(self, text: str, style: str = "") -> None:
        """One line, never wrapped, never taken for markup: it may hold anything."""
        self.err.print(text, style=style, markup=False, soft_wrap=True)

    def starting(self, name: str) -> None:
        self.waiting(f"starting {name}")

    def started(self, name: str, address: str, seconds: float) -> None:
        self.rest()
        where = f" at {address}" if address else ""
        self.line(f"{name} runs{where} ({seconds:.1f} s)")

    def crashed(self, what: str, log_file: str, lines: Sequence[str], then: str) -> None:
        self.rest()
        self.line(f"sellers up: {what}. The end of {log_file}:", "bold red")
        for line in lines or ["(nothing)"]:
            self.line(f"  | {line}", "dim")
        self.line(f"sellers up: {then}", "bold red")

    def stopping(self, name: str) -> None:
        self.waiting(f"stopping {name}")

    def waiting(self, what: str, of: str | None = None) -> None:
        """Say what takes a moment; on a terminal something moves meanwhile.

        Elsewhere what is waited for (`of`) is said when it is new, and again after a while.
        """
        with self._speaking:
            if not self.err.is_terminal:
                new, now = of or what, time.monotonic()
                if new != self._waits_for or now > self._said_at + SAY_AGAIN_S:
                    self._waits_for, self._said_at = new, now
                    self.line(what)
            elif self._status is None:
                self._status = self.err.status(what)
                self._status.start()
            else:
                self._status.update(what)

    def rest(self) -> None:
        """Nothing is waited for any more."""
        with self._speaking:
            self._waits_for = None
            if self._status is not None:
                self._status.stop()
                self._status = None


@contextmanager
def waiting(on: Console, what: str) -> Iterator[None]:
    """Say what is waited for once it takes more than a moment; on a terminal something moves."""
    status = on.status(Text(what))
    saying = status.start if on.is_terminal else lambda: on.print(Text(what))
    late = threading.Timer(MOMENT_S, saying)
    late.start()
    try:
        yield
    finally:
        late.cancel()
        late.join()
        status.stop()


@contextmanager
def progress_bar(on: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that takes (done, total): a bar on a terminal, some lines elsewhere."""
    if not on.is_terminal:
        yield _plain(on, what)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=on, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _plain(on: Console, what: str) -> Callable[[int, int], None]:
    told = -1

    def tell(done: int, total: int) -> None:
        nonlocal told
        step = done * PLAIN_STEPS // total if total else 0
        if step > told:
            told = step
            text = f"{what}: {done:,} of {total:,}"
            on.print(text, markup=False, soft_wrap=True)

    return tell
