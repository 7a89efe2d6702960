"""What one data directory remembers between starts. Rule: one `sellers up` at a time holds it."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ValidationError

from shared.errors import causes

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = Path(".data")
LOCK = "up.lock"
STATE = "up.json"
LEFT_OVER_SECONDS = 15.0
POLL_SECONDS = 0.05
LOG_BYTES_MAX = 20_000_000

EngineChoice = Literal["embedded", "kafka"]


class DataDirError(Exception):
    """The directory cannot be used as asked, in one sentence."""


class Process(BaseModel):
    """A process, told apart from a later one that was given the same number."""

    pid: int
    started: str

    @staticmethod
    def of(pid: int) -> Process | None:
        """Return the process with this number, None when it has ended or nobody can tell."""
        try:
            # The name, in brackets, may hold anything; the state is the first field behind it.
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if state == "Z" else Process(pid=pid, started=fields[18])

    def runs(self) -> bool:
        return Process.of(self.pid) == self


class Demo(BaseModel):
    """The demo company of this directory: the same after an interrupted load."""

    size: int
    end_on: str
    done: bool = False


class Remembered(BaseModel):
    """Where everything was served the last time, so that a second start serves there too."""

    engine: EngineChoice | None = None
    url: str | None = None
    port: int | None = None
    log_port: int | None = None
    store_port: int | None = None
    wants_demo: bool = True
    signs_in: bool = False
    size: int | None = None
    demo: Demo | None = None
    children: dict[str, Process] = {}


class DataDir:
    """One directory: engines' data, logs, and what is remembered."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.remembered = Remembered()

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the directory for this process alone.

        Raises:
            DataDirError: another `sellers up` has it, or it cannot be written.

        """
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK).open("a+")
        except OSError as error:
            raise DataDirError(f"{self.path} cannot be written: {error.strerror}") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                owner = lock.read().strip() or "unknown"
                raise DataDirError(
                    f"{self.path} is in use by another `sellers up`, process {owner}"
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            self.remembered = read_remembered(self.path)
            yield

    def remember(self) -> None:
        """Write what is remembered, whole or not at all."""
        partial = self.path / f"{STATE}.partial"
        partial.write_text(self.remembered.model_dump_json(indent=2) + "\n")
        partial.replace(self.path / STATE)

    def end_left_over(self) -> None:
        """Wait for what a killed `up` left behind; the kernel has told it to save and end."""
        left = [child for child in self.remembered.children.values() if child.runs()]
        deadline = time.monotonic() + LEFT_OVER_SECONDS
        while left and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            left = [child for child in left if child.runs()]
        for child in left:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)

    def shorten_logs(self) -> None:
        """Keep one older part of each log, so that a directory does not grow for ever."""
        for log in self.logs.glob("*.log"):
            if log.stat().st_size > LOG_BYTES_MAX:
                log.replace(log.with_suffix(".log.1"))


def read_remembered(path: Path) -> Remembered:
    """Return what the directory remembers; nothing when it is new.

    Raises:
        DataDirError: the file was written by something else.

    """
    try:
        return Remembered.model_validate_json((path / STATE).read_bytes())
    except FileNotFoundError:
        return Remembered()
    except OSError as error:
        raise DataDirError(f"{path / STATE} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        found = [": ".join((*place, why)) for place, why in causes(error)]
        raise DataDirError(f"{path / STATE} cannot be read: {'; '.join(found)}") from None
