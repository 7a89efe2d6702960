"""Our own processes on one machine: the node with every API and projector, the Faust worker.

Rule: they are told addresses and settings by their environment, as they are everywhere else.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from sellers.processes import HOST, Engine, EngineError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sellers.data_dir import DataDir
    from sellers.engines import KafkaEngine, SecantusMongo

START_SECONDS = 180.0  # it may have a long log to compare with its journal
STOP_SECONDS = 15.0  # its requests, then what it drains
ANSWER_BYTES_MAX = 100_000
OK, UNAVAILABLE = 200, 503
FAILED = "failed to start"


class OwnProcess(Engine):
    """A module of ours, run by this very Python."""

    module: ClassVar[str]
    # The servers end with us too: there is nothing left to save anything to.
    orphaned = signal.SIGKILL

    def __init__(
        self, data_dir: DataDir, log: KafkaEngine, store: SecantusMongo, *, port: int | None
    ) -> None:
        super().__init__(
            data_dir.path / self.name,
            port=port,
            log_file=data_dir.logs / f"{self.name}.log",
            start_seconds=START_SECONDS,
            stop_seconds=STOP_SECONDS,
        )
        self._root = data_dir.path
        self._access = "required" if data_dir.remembered.signs_in else "open"
        self._log, self._store = log, store

    def command(self) -> Sequence[str | Path]:
        return (sys.executable, "-m", self.module)

    def environment(self) -> Mapping[str, str]:
        return {
            "PYTHONUNBUFFERED": "1",
            "SELLERS_KAFKA": self._log.address,
            "SELLERS_MONGO": self._store.address,
            "SELLERS_ENGINE": "embedded" if self._log.embedded else "kafka",
            "SELLERS_DATA_DIR": str(self._root),
            "SELLERS_ACCESS": self._access,
        }


class Node(OwnProcess):
    """All APIs and projectors, on one port."""

    name = "node"
    module = "sellers.node"

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def environment(self) -> Mapping[str, str]:
        where = {"SELLERS_HOST": HOST, "SELLERS_PORT": str(self.port)}
        return {**super().environment(), **where}

    def answers(self, connection: socket.socket) -> bool:
        """Say whether it is open: what it still catches up with, or misses, it says itself."""
        status, body = get(connection, "/readyz")
        why = body.get("missing", {}).get("node")
        if why is not None and why.startswith(FAILED):
            raise EngineError(self._complaint(why))
        return status in (OK, UNAVAILABLE) and why is None and bool(body)


class Worker(OwnProcess):
    """The Faust worker of analytics. The node's `/readyz` says how far it is."""

    name = "worker"
    module = "services.analytics.stream"

    address = ""  # it serves nothing that could be asked, but its metrics

    def environment(self) -> Mapping[str, str]:
        where = {"SELLERS_HOST": HOST, "SELLERS_METRICS_PORT": str(self.port)}
        return {**super().environment(), **where}

    def wait_ready(self, still_wanted: Callable[[], None] = lambda: None) -> None:
        """Nobody can ask it; if it ends, that is seen."""


def get(connection: socket.socket, path: str) -> tuple[int, dict[str, Any]]:
    """One GET on a fresh connection: status and JSON body, nothing where it is none."""
    asked = f"GET {path} HTTP/1.0\r\nHost: {HOST}\r\n\r\n"
    connection.sendall(asked.encode())
    answer = b""
    while len(answer) < ANSWER_BYTES_MAX and (part := connection.recv(65_536)):
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 3 or not words[0].startswith(b"HTTP/"):  # noqa: PLR2004
        return 0, {}
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    return int(words[1]), document if isinstance(document, dict) else {}
