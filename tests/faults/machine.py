"""One `sellers up` as a child, and its children as victims. Rule: it kills only what it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from sellers.client import Api
from sellers.data_dir import Process, Remembered, read_remembered
from tests.faults.platform import Platform

STOP_S = 60.0

# What the project calls them -> what `up` calls them, in each engine.
VICTIMS = {
    "embedded": {"broker": "noida-db", "store": "SecantusDB", "node": "node", "worker": "worker"},
    "kafka": {"broker": "Apache Kafka", "store": "SecantusDB", "node": "node", "worker": "worker"},
}


class Machine(Platform):
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

    @property
    def ended(self) -> str | None:
        return None if self.process.poll() is None else "`up` ended"

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
