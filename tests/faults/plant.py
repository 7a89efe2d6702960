"""Node and worker on servers of somebody else. Whoever ends is started again, as a pod is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sellers import children
from sellers.client import Api
from sellers.data_dir import Remembered
from sellers.processes import Engine, EngineError
from tests.bench.live import memory_mb
from tests.faults.platform import POLL_S, START_S, Platform

ROOT = Path(__file__).resolve().parents[2]
LOOK_S = 0.2
PAUSE_S = 1.0
LOG_BYTES = 3_000


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is reached from the platform: perhaps through a proxy."""

    address: str
    embedded: bool = False


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    remembered: Remembered = field(default_factory=Remembered)

    @property
    def logs(self) -> Path:
        return self.path / "logs"


class Plant(Platform):
    """Starts node and worker, and starts them again until it is stopped."""

    def __init__(
        self,
        work: Path,
        log: Any,
        store: Any,
        *,
        through: str | None = None,
        ready_s: float = START_S,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`through` is a module that changes something and then runs the module it is told."""
        folder = folder_of(work / "plant")
        more = {"PYTHONPATH": str(ROOT), **(settings or {})}
        self.node = with_settings(children.Node, through, more)(folder, log, store, port=None)
        self.worker = with_settings(children.Worker, through, more)(folder, log, store, port=None)
        # How often each was started again; the first start counts nothing.
        self.restarts = {"node": 0, "worker": 0}
        self._ready_s = ready_s
        self._stopping = threading.Event()
        self._keepers = [
            threading.Thread(target=self._keep, args=(child,), name=f"keep-{child.name}")
            for child in (self.node, self.worker)
        ]

    def __enter__(self) -> Self:
        try:
            self.node.start()
            self.worker.start()
            self.api = Api(self.url, actor="faults")
            for keeper in self._keepers:
                keeper.start()
            self.wait_for("/readyz", self.is_ready, self._ready_s)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopping.set()
        for keeper in self._keepers:
            if keeper.is_alive():
                keeper.join()
        if hasattr(self, "api"):
            self.api.close()
        self.worker.stop()
        self.node.stop()

    def memory_mb(self) -> Iterator[tuple[str, float]]:
        """Say how much memory each has held at most."""
        for child in (self.node, self.worker):
            if child.pid is not None:
                yield child.name, memory_mb(child.pid, "VmHWM")

    @property
    def url(self) -> str:
        return self.node.address

    @property
    def ended(self) -> str | None:
        return None  # Both are started again and again.

    def last_words(self) -> str:
        logs = (child.log_file for child in (self.node, self.worker))
        said = (log.read_text(errors="replace")[-LOG_BYTES:] for log in logs if log.exists())
        return "\n".join(said)

    def _keep(self, child: Engine) -> None:
        while not self._stopping.wait(LOOK_S):
            if child.pid is not None:
                continue
            self.restarts[child.name] += 1
            began = time.monotonic()
            try:
                child.launch()
                while child.pid is not None and not self._stopping.wait(POLL_S):
                    if time.monotonic() - began > PAUSE_S:
                        break
            except EngineError:
                self._stopping.wait(PAUSE_S)


def folder_of(path: Path) -> Any:
    """Return where a process keeps its files and its log."""
    return _Folder(path)


def with_settings(kind: Any, through: str | None, settings: Mapping[str, str]) -> Any:
    """Return this kind of process with more settings in its environment."""

    class Told(kind):  # type: ignore[misc]
        def command(self) -> Sequence[str | Path]:
            python, *module = super().command()
            return (python, *(("-m", through, self.module) if through else module))

        def environment(self) -> Mapping[str, str]:
            return {**super().environment(), **settings}

    return Told
