"""Servers as child processes: start, wait, stop, kill. Rule: none outlives its starter.

A child gets a session of its own, so Ctrl-C in the terminal reaches only us and we decide the
order of stopping. On Linux the kernel ends it when we die, however we die; elsewhere a `kill -9`
of ours leaves it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HOST = "127.0.0.1"
START_TRIES = 5
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 64_000

# Runs before the server, in its process: asks the kernel for a signal at our death, then becomes
# the server. If we died before it could ask, its parent is no longer the one that it was told of.
WRAPPER = """
import ctypes, os, sys
parent, number, *command = sys.argv[1:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(number), 0, 0, 0)
    if os.getppid() != int(parent):
        os._exit(1)
os.execv(command[0], command)
"""

# The kernel's "parent" is the thread that forked, so children are started by one that lives as
# long as we do.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engines")


class EngineError(Exception):
    """A server could not be started, or does not answer."""


class EngineMissingError(EngineError):
    """A server's program is not installed on this machine."""


class PortTakenError(EngineError):
    """Somebody else took the port between our choosing it and the server's binding it."""


def free_ports(count: int) -> list[int]:
    """Ports that are free now, all different; whoever binds them later must be ready to retry."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Engine:
    """One server process on a data directory. Start it again and it goes on with the same data.

    A port that was not given is chosen at the first start and kept for every later one, because
    clients reconnect to the address that they know.
    """

    name: ClassVar[str]
    # Whether the limits of an embedded server apply, which some adapters must know.
    embedded: ClassVar[bool] = True
    # What the server gets when we die: one that can save what it has is asked, one that need not
    # is killed.
    orphaned: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        log_file: Path | None = None,
        start_seconds: float = 30.0,
        stop_seconds: float = 10.0,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.log_file = (log_file or self.data_dir.with_name(f"{data_dir.name}.log")).resolve()
        self.port = port or 0
        self._chosen_by_us = port is None
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    # What each server adds.

    def command(self) -> Sequence[str | Path]:
        """The program and its arguments."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        return {}

    def prepare(self) -> None:
        """Make the data directory what the program expects."""

    def answers(self, connection: socket.socket) -> bool:
        """Say whether the server on this connection is ready, in its own protocol."""
        raise NotImplementedError

    @property
    def address(self) -> str:
        raise NotImplementedError

    # What all of them do.

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        code = self._process.poll() if self._process else None
        if code is None:
            return "not started" if self._process is None else "running"
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def start(self) -> None:
        """Launch, and return when the server answers."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start the process without waiting: several servers can come up at the same time."""
        if self.pid is not None:
            return
        if not self.port:
            (self.port,) = free_ports(1)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.prepare()
        self._process = _starter.submit(self._spawn).result()

    def wait_ready(self, still_wanted: Callable[[], None] = lambda: None) -> None:
        """Wait until the server speaks its protocol; on another port when ours was taken.

        `still_wanted` is called again and again; what it raises ends the waiting.
        """
        for tries_left in reversed(range(START_TRIES)):
            try:
                self._wait_ready(still_wanted)
            except PortTakenError:
                if not (self._chosen_by_us and tries_left):
                    raise
                self.port = 0
                self.launch()
            except EngineError:
                self.kill()
                raise
            else:
                # From now on there are clients that know this address.
                self._chosen_by_us = False
                return

    def stop(self) -> None:
        """Ask it to save and end; kill it when it has not ended in time."""
        if self._process is None:
            return
        self.ask_to_end()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._stop_seconds)
        self.kill()  # also whatever its process group still holds

    def ask_to_end(self) -> None:
        """Tell it to save and end, without waiting for that."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a power cut of this one process would."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def last_lines(self, count: int = 20) -> list[str]:
        """The end of what the server has logged since it was started last."""
        if not self.log_file.exists():
            return []
        with self.log_file.open("rb") as log:
            log.seek(max(self._log_from, self.log_file.stat().st_size - LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-count:]

    def _spawn(self) -> subprocess.Popen[bytes]:
        wrapper = [sys.executable, "-I", "-S", "-c", WRAPPER]
        told = [str(os.getpid()), str(int(self.orphaned))]
        with self.log_file.open("ab") as log:
            self._log_from = log.tell()
            return subprocess.Popen(
                [*wrapper, *told, *self.command()],
                cwd=self.data_dir,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_ready(self, still_wanted: Callable[[], None]) -> None:
        deadline = time.monotonic() + self._start_seconds
        while not self._is_ready():
            still_wanted()
            if self.pid is None:
                self._process = None
                if any("in use" in line for line in self.last_lines(30)):
                    raise PortTakenError(self._complaint(f"port {self.port} is taken"))
                raise EngineError(self._complaint("ended while starting"))
            if time.monotonic() > deadline:
                raise EngineError(
                    self._complaint(f"did not answer within {self._start_seconds:g} s")
                )
            time.sleep(POLL_SECONDS)
        if self.pid is None:
            # Somebody answered on our port, and it was not our server.
            self._process = None
            raise PortTakenError(self._complaint(f"port {self.port} is taken"))

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1.0) as connection:
                return self.answers(connection)
        except OSError:
            return False

    def _complaint(self, what: str) -> str:
        lines = self.last_lines() or ["(nothing)"]
        return "\n  ".join([f"{self.name} {what}. The end of {self.log_file}:", *lines])

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            # When it has ended already, that is what we want.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def receive(connection: socket.socket, count: int) -> bytes:
    """Exactly that many bytes."""
    parts: list[bytes] = []
    while count:
        part = connection.recv(count)
        if not part:
            raise ConnectionError("the server closed the connection")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
