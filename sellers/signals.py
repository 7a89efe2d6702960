"""Ctrl-C and its kin as a count and a wake-up. Rule: a signal never interrupts what we are doing.

So a child is never lost between its start and our knowing of it.
"""

from __future__ import annotations

import select
import signal
import socket
from contextlib import suppress
from typing import Any, Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAskedError(Exception):
    """Somebody wants us to stop instead of waiting on."""


class Signals:
    """Takes the signals of a process while it is entered; only in the main thread."""

    def __init__(self) -> None:
        self.asked = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)
        self._fd_before = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in STOPPING:
            self._before[number] = signal.signal(number, self._take)
        # A handler, though it does nothing, is what makes a child's end wake us.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        self._woken.close()
        self._waker.close()

    def wait(self, seconds: float) -> None:
        """Return when a signal came (also of a child's end), when woken, or when time is up."""
        ready, _, _ = select.select([self._woken], [], [], seconds)
        if ready:
            self._woken.recv(4096)

    def wake(self) -> None:
        """End `wait`, from another thread."""
        # Full or closed: then it is awake, or gone.
        with suppress(OSError):
            self._waker.send(b"\0")

    def check(self) -> None:
        """Raise StopAskedError when somebody has asked."""
        if self.asked:
            raise StopAskedError

    def _take(self, *_: object) -> None:
        self.asked += 1
