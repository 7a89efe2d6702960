"""Keeps the processes of one machine running. Rule: it ends what it started and nothing else.

The servers (log and store) start first and together, then our own processes in order. One of ours
that ends is started again alone. When a server ends, ours are ended at once and started after it:
they rely on what it acknowledged, and at their start they repair what it forgot.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Protocol

from sellers.data_dir import Process
from sellers.processes import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sellers.processes import Engine
    from sellers.signals import Signals

RESTARTS_MAX = 5
RESTARTS_WINDOW_S = 60.0
PAUSE_S = 1.0
LOOK_S = 1.0
STOP_POLL_S = 0.1
STOP_S_MAX = 15.0
LOG_LINES = 15


class CrashedTooOftenError(Exception):
    """A process ends again and again; somebody has to look at it."""


class ServerLostError(EngineError):
    """A server ended while one of ours was starting on it."""


class StartFailedError(EngineError):
    """One process did not come up."""

    def __init__(self, child: Engine, why: str) -> None:
        super().__init__(why)
        self.child = child


class Console(Protocol):
    """Where the supervisor says what it does."""

    def starting(self, name: str) -> None: ...

    def started(self, name: str, address: str, seconds: float) -> None: ...

    def crashed(self, what: str, log_file: str, lines: Sequence[str], then: str) -> None: ...

    def stopping(self, name: str) -> None: ...


class Supervisor:
    """Starts, watches and stops `servers` and, on them, `ours`."""

    def __init__(
        self,
        servers: Sequence[Engine],
        ours: Sequence[Engine],
        signals: Signals,
        console: Console,
        remember: Callable[[dict[str, Process]], None],
    ) -> None:
        self.servers, self.ours = tuple(servers), tuple(ours)
        self._signals = signals
        self._console = console
        self._remember = remember
        self._ends: dict[str, deque[float]] = defaultdict(deque)
        # Those that came up and whose end has not been told yet: each end is told once.
        self._running: set[Engine] = set()
        self._began: dict[Engine, float] = {}

    def start(self) -> None:
        """Start what does not run, in order.

        Raises:
            EngineError: one does not come up; the message ends with its last log lines.
            StopAskedError: somebody wants us to stop instead.

        """
        for server in self.servers:
            self._launch(server)
        for server in self.servers:
            self._await(server, self._signals.check)
        for child in self.ours:
            self._launch(child)
            self._await(child, self._still_wanted)

    def watch(self, until: Callable[[], bool]) -> None:
        """Start again what ends, until told otherwise.

        Raises:
            CrashedTooOftenError: one ended more than 5 times in a minute.
            StopAskedError: somebody wants us to stop.

        """
        while not until():
            self._signals.check()
            ended = [child for child in (*self.servers, *self.ours) if child.pid is None]
            if not ended:
                self._signals.wait(LOOK_S)
                continue
            for child in ended:
                if child in self._running:
                    self._running.discard(child)
                    self._count(child, f"{child.name} ended ({child.ending})")
            if any(child in self.servers for child in ended):
                for child in self.ours:
                    self._end_at_once(child)
            self._start_again()

    def stop(self) -> None:
        """End everything, ours first; whoever asks once more does not have to wait."""
        for child in (*self.ours, *reversed(self.servers)):
            if child.pid is None:
                continue
            self._console.stopping(child.name)
            child.ask_to_end()
            deadline = time.monotonic() + STOP_S_MAX
            patience = self._signals.asked
            while _runs(child) and time.monotonic() < deadline:
                if self._signals.asked > max(patience, 1):
                    break
                self._signals.wait(STOP_POLL_S)
            self._end_at_once(child)
        self._remember({})

    def _launch(self, child: Engine) -> None:
        if child.pid is not None:
            return
        self._console.starting(child.name)
        self._began[child] = time.monotonic()
        try:
            child.launch()
        except EngineError as error:
            raise StartFailedError(child, str(error)) from error
        self._remember_pids()

    def _await(self, child: Engine, still_wanted: Callable[[], None]) -> None:
        if child in self._running:
            return
        try:
            child.wait_ready(still_wanted)
        except ServerLostError:
            raise
        except EngineError as error:
            raise StartFailedError(child, str(error)) from error
        self._running.add(child)
        self._remember_pids()  # it may have taken another port, as another process
        seconds = time.monotonic() - self._began[child]
        self._console.started(child.name, child.address, seconds)

    def _still_wanted(self) -> None:
        self._signals.check()
        for server in self.servers:
            if server.pid is None:
                raise ServerLostError(f"{server.name} ended")

    def _start_again(self) -> None:
        try:
            self.start()
        except ServerLostError:
            return  # The next look finds the server, reports it and starts both.
        except StartFailedError as error:
            self._count(error.child, str(error).partition(" The end of ")[0].rstrip("."))

    def _count(self, child: Engine, what: str) -> None:
        """Report an end with the last log lines, and pause before the next start."""
        now, ends = time.monotonic(), self._ends[child.name]
        ends.append(now)
        while ends[0] < now - RESTARTS_WINDOW_S:
            ends.popleft()
        if len(ends) > RESTARTS_MAX:
            then = f"that was {len(ends)} times within a minute: stopping everything"
        else:
            then = f"starting it again ({len(ends)} of {RESTARTS_MAX} within a minute)"
        self._console.crashed(what, str(child.log_file), child.last_lines(LOG_LINES), then)
        if len(ends) > RESTARTS_MAX:
            raise CrashedTooOftenError(f"{child.name} ends again and again")
        if len(ends) > 1:
            while time.monotonic() < now + PAUSE_S and not self._signals.asked:
                self._signals.wait(PAUSE_S)

    def _end_at_once(self, child: Engine) -> None:
        self._running.discard(child)
        child.kill()

    def _remember_pids(self) -> None:
        found = {
            child.name: Process.of(child.pid)
            for child in (*self.servers, *self.ours)
            if child.pid is not None
        }
        self._remember({name: process for name, process in found.items() if process is not None})


def _runs(child: Engine) -> bool:
    return child.pid is not None
