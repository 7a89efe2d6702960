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
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PLAIN_STEPS = 10
PLAIN_COLUMNS = 160
SIZES = ("COLUMNS", "LINES")
# Nobody sits longer before something that says nothing.
SAY_AGAIN_S, LEAST_S = 2.0, 0.05
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


# What the processes are that `up` starts, for whoever meets them for the first time.
EXPLAINED = {
    "noida-db": "the log of facts",
    "Apache Kafka": "the log of facts",
    "SecantusDB": "the store of views",
    "node": "the API and every service",
    "worker": "the live figures",
}


class Waiting:
    """Says what is waited for, and for how long already.

    On a terminal something moves meanwhile; elsewhere a line is said when it is new, and again as
    long as it lasts, also while whoever waits is busy.
    """

    def __init__(self, on: Console) -> None:
        self._on = on
        self._moving: Progress | None = None
        self._what, self._of = "", ""
        self._since = self._said_at = 0.0
        self._over: threading.Event | None = None
        # Several threads speak: who waits, and what says it again.
        self._speaking = threading.RLock()

    def say(self, what: str, of: str | None = None) -> None:
        """Say it; with the same `of` it is still the same that is waited for."""
        with self._speaking:
            new = (of or what) != self._of
            self._what, self._of = what, of or what
            if new:
                self._since = time.monotonic()
            if self._on.is_terminal:
                self._show(new=new)
            elif new:
                self._line()
            if self._over is None and not self._on.is_terminal:
                self._over = threading.Event()
                threading.Thread(target=self._again, args=(self._over,), daemon=True).start()

    def rest(self) -> None:
        """Nothing is waited for any more."""
        with self._speaking:
            self._of = ""
            if self._over is not None:
                self._over.set()
                self._over = None
            if self._moving is not None:
                self._moving.stop()
                self._moving = None

    def _show(self, *, new: bool) -> None:
        if self._moving is None:
            shown = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
            self._moving = Progress(*shown, TimeElapsedColumn(), console=self._on, transient=True)
            self._moving.add_task(self._what, total=None)
            self._moving.start()
            return
        task = self._moving.task_ids[0]
        if new:
            self._moving.reset(task, total=None)
        self._moving.update(task, description=self._what)

    def _again(self, over: threading.Event) -> None:
        while not over.wait(max(self._said_at + SAY_AGAIN_S - time.monotonic(), LEAST_S)):
            with self._speaking:
                if not over.is_set() and time.monotonic() >= self._said_at + SAY_AGAIN_S:
                    self._line()

    def _line(self) -> None:
        now = time.monotonic()
        so_far = f" ({now - self._since:.0f} s so far)" if now - self._since >= MOMENT_S else ""
        self._said_at = now
        self._on.print(f"{self._what}{so_far}", markup=False, soft_wrap=True)


class UpConsole:
    """Says what the supervisor does."""

    def __init__(self) -> None:
        self.out, self.err = console(), console(stderr=True)
        self._waiting = Waiting(self.err)
        self.waiting, self.rest = self._waiting.say, self._waiting.rest

    def line(self, text: str, style: str = "") -> None:
        """One line, never wrapped, never taken for markup: it may hold anything."""
        self.err.print(text, style=style, markup=False, soft_wrap=True)

    def starting(self, name: str) -> None:
        self.waiting(f"starting {_explained(name)}")

    def started(self, name: str, address: str, seconds: float) -> None:
        self.rest()
        where = f" at {address}" if address else ""
        self.line(f"{_explained(name)} runs{where} ({seconds:.1f} s)")

    def crashed(self, what: str, log_file: str, lines: Sequence[str], then: str) -> None:
        self.rest()
        self.line(f"sellers up: {what}. The end of {log_file}:", "bold red")
        for line in lines or ["(nothing)"]:
            self.line(f"  | {line}", "dim")
        self.line(f"sellers up: {then}", "bold red")

    def stopping(self, name: str) -> None:
        self.waiting(f"stopping {name}")


def _explained(name: str) -> str:
    return f"{name}, {EXPLAINED[name]}," if name in EXPLAINED else name


@contextmanager
def moving(on: Console) -> Iterator[Callable[[str], None]]:
    """Give a function that says how far one thing is that is waited for."""
    wait = Waiting(on)
    try:
        yield lambda what: wait.say(what, "it")
    finally:
        wait.rest()


@contextmanager
def waiting(on: Console, what: str) -> Iterator[Callable[[str], None]]:
    """Say what is waited for once it takes more than a moment, and as long as it lasts.

    It gives a function that says, at once, how far it is.
    """
    wait = Waiting(on)
    late = threading.Timer(MOMENT_S, wait.say, (what,))
    late.start()

    def tell(told: str) -> None:
        late.cancel()
        wait.say(told, what)

    try:
        yield tell
    finally:
        late.cancel()
        late.join()
        wait.rest()


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
    """Say how far it is at each tenth, and between them as long as it goes on."""
    told, began = -1, time.monotonic()
    said_at = began

    def tell(done: int, total: int) -> None:
        nonlocal told, said_at
        step, now = done * PLAIN_STEPS // total if total else 0, time.monotonic()
        if step > told or now >= said_at + SAY_AGAIN_S:
            told, said_at = step, now
            share = f" ({100 * done // total if total else 0} %, {now - began:.0f} s)"
            on.print(f"{what}: {done:,} of {total:,}{share}", markup=False, soft_wrap=True)

    return tell
