"""One `sellers up` as a child, and its children as victims. Rule: it kills only what it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from sellers.client import Api, ApiError
from sellers.data_dir import Process, Remembered, read_remembered

START_S = 120.0
STOP_S = 60.0
POLL_S = 0.05
ANSWER_S = 30.0

# What the project calls them -> what `up` calls them, in each engine.
VICTIMS = {
    "embedded": {"broker": "noida-db", "store": "SecantusDB", "node": "node", "worker": "worker"},
    "kafka": {"broker": "Apache Kafka", "store": "SecantusDB", "node": "node", "worker": "worker"},
}


class FaultError(Exception):
    """The platform did not do what the test needs to go on, in one sentence."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What was on its way at one moment, in records and outbox entries."""

    unfolded: dict[str, int]
    outbox: dict[str, int]

    @property
    def records(self) -> int:
        return sum(self.unfolded.values()) + sum(self.outbox.values())

    def __str__(self) -> str:
        places = {**self.unfolded, **{f"outbox of {name}": n for name, n in self.outbox.items()}}
        return ", ".join(f"{place} {n}" for place, n in places.items() if n) or "nothing"


class Machine:
    """Starts `up` on a directory of its own; ends it, and with it everything it started."""

    def __init__(self, data_dir: Path, engine: str) -> None:
        self.data_dir = data_dir
        self.engine = engine
        self.said = data_dir.parent / "up.txt"
        words = ["up", "--no-demo", "--data-dir", str(data_dir), "--port", "0", "--engine", engine]
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sellers", *words],
                stdout=said,
                stderr=said,
                env=self.environment(),
            )
        try:
            self.wait_for("an address", lambda: self.remembered.url)
            self.api = Api(self.url, actor="faults")
            self.wait_for("/readyz", self.is_ready)
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @staticmethod
    def environment() -> dict[str, str]:
        # Nothing of who runs the tests may lead it elsewhere.
        ours = ("SELLERS_ENGINES", "SELLERS_KAFKA_JARS", "SELLERS_MAVEN")
        return {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SELLERS_") or name in ours
        }

    @property
    def remembered(self) -> Remembered:
        return read_remembered(self.data_dir)

    @property
    def url(self) -> str:
        assert self.remembered.url is not None
        return self.remembered.url

    def is_ready(self) -> bool:
        try:
            return bool(self.api.get("/readyz")["status"] == "ok")
        except ApiError:
            return False

    def wait_for(self, what: str, found: Callable[[], Any], within_s: float = START_S) -> Any:
        deadline = time.monotonic() + within_s
        while not (answer := found()):
            if self.process.poll() is not None:
                raise FaultError(f"`up` ended while we waited for {what}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise FaultError(f"{what} did not come in {within_s:g} s: {self.last_words()}")
            time.sleep(POLL_S)
        return answer

    def kill(self, victim: str) -> Process:
        """Kill -9 one child; return which process it was."""
        process = self.remembered.children[VICTIMS[self.engine][victim]]
        os.kill(process.pid, signal.SIGKILL)
        return process

    def wait_replaced(self, victim: str, killed: Process) -> None:
        name = VICTIMS[self.engine][victim]
        self.wait_for(
            f"another {victim}", lambda: self.remembered.children.get(name) not in (None, killed)
        )

    def backlog(self, within_s: float = ANSWER_S) -> Backlog | None:
        """Return what is on its way; None while nobody can say."""
        try:
            answer = httpx2.get(f"{self.url}/lag", timeout=within_s, trust_env=False)
            lag = answer.raise_for_status().json()
        except httpx2.HTTPError:
            return None
        return Backlog({p["collection"]: p["lag"] for p in lag["projections"]}, lag["outbox"])

    def stop(self) -> None:
        if hasattr(self, "api"):
            self.api.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()  # The kernel tells its children.
                self.process.wait()

    def last_words(self) -> str:
        return self.said.read_text(errors="replace")[-3_000:]
