"""The platform as `sellers up` starts it, in a folder of its own, for tests on whole exports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sellers.client import Api, ApiError
from sellers.data_dir import read_remembered

START_S, PATIENCE_S = 240.0, 240.0


@contextmanager
def started(
    path: Path, within_s: float = START_S, how: tuple[str, ...] = ("--no-demo",)
) -> Iterator[Api]:
    """Start it with its data under this path; end it in good order."""
    words = ("up", *how, "--data-dir", str(path), "--port", "0")
    said = path.with_name("said.txt")
    with said.open("wb") as out:
        up = subprocess.Popen([sys.executable, "-m", "sellers", *words], stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + within_s
        while "\nready after" not in said.read_text():
            assert up.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        url = read_remembered(path).url
        assert url is not None
        with Api(url, patience_s=PATIENCE_S) as api:
            yield api
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(PATIENCE_S) == 0, said.read_text()


def kill_node(path: Path) -> None:
    os.kill(read_remembered(path).children["node"].pid, signal.SIGKILL)


@dataclass(slots=True)
class KillAtAThird:
    """Hears how far an import is, and kills the API once, when a third has been sent."""

    path: Path
    done: bool = False

    def __call__(self, done: int, total: int) -> None:
        if not self.done and 3 * done > total:
            kill_node(self.path)
            self.done = True


def until_ready(api: Api) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            api.get("/readyz")
        except ApiError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return
