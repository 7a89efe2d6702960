"""What `sellers up` does once the processes run: wait until all serves, load the demo, say where.

It works beside the supervisor, in a thread: while it waits or loads, a process may end and be
started again, and then it only waits a little longer.
"""

from __future__ import annotations

import threading
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

from rich.table import Table

from sellers.client import Api, ApiError
from sellers.console import progress_bar
from sellers.data_dir import Demo
from sellers.demo.load import hand_over_what_is_left, load_demo
from sellers.demo.size import SIZE
from sellers.importing.folded import Recorded
from sellers.issuing.tokens import operator_token
from sellers.report import pipeline_table, rows_of
from shared.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sellers.console import UpConsole
    from sellers.data_dir import DataDir

DEMO_SEED = 7
PATIENCE_S = 60.0
TRIES = 3
POLL_S = 0.1
SHOWN_BY = ("stage", "region", "quarter")


class CancelledError(Exception):
    """The platform is being stopped."""


class Opening(threading.Thread):
    """Runs once; `failure` says why it could not be finished."""

    def __init__(
        self,
        data_dir: DataDir,
        url: str,
        servers: Mapping[str, str],
        console: UpConsole,
        wake: Callable[[], None],
        *,
        began: float,
    ) -> None:
        super().__init__(name="opening", daemon=True)
        self.failure: str | None = None
        self._data_dir, self._url, self._servers = data_dir, url, servers
        self._console, self._wake = console, wake
        self._began = began
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Say nothing more; whatever is on its way to the platform ends with the platform."""
        self._cancelled.set()

    def run(self) -> None:
        try:
            token = operator_token(self._data_dir, self._url)
            with Api(self._url, patience_s=PATIENCE_S, actor="up", token=token) as api:
                self._open(api)
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - a thread's end must reach whoever waits for it
            if not self._cancelled.is_set():
                self.failure = str(error) or repr(error)
                self._wake()

    def _open(self, api: Api) -> None:
        self._until_ready()
        loaded = self._data_dir.remembered.wants_demo and self._load_demo(api)
        began = time.monotonic()
        self._until_folded(api)
        if loaded:
            self._end_demo(api)
        self._console.rest()
        seconds = time.monotonic() - began
        self._console.line(f"every view and figure is complete ({seconds:.1f} s)")
        self._figures(api)
        seconds = time.monotonic() - self._began
        self._console.line(f"ready after {seconds:.1f} s; Ctrl-C stops everything that was started")

    def _signing_in(self) -> dict[str, str]:
        return {"sign in": f"{self._url}/sign-in"} if self._data_dir.remembered.signs_in else {}

    def _until_ready(self) -> None:
        """Wait for `/readyz`, and say what is missing."""
        # No patience: here every answer is looked at.
        with Api(self._url, actor="up") as probe:
            while not self._cancelled.wait(POLL_S):
                try:
                    probe.get("/readyz")
                except ApiError as error:
                    self._console.waiting(f"waiting for what is not ready yet: {error}")
                else:
                    self._console.rest()
                    return
        raise CancelledError

    def _load_demo(self, api: Api) -> bool:
        """Load it, unless it is there from its first fact to its last."""
        remembered = self._data_dir.remembered
        if remembered.demo is None:
            today = SystemClock().now().date()
            size = remembered.size or SIZE
            remembered.demo = Demo(size=size, end_on=today.isoformat())
            # Before the first fact: a load that was cut off goes on with the same company.
            self._data_dir.remember()
        if remembered.demo.done:
            return False
        for tries_left in reversed(range(TRIES)):
            try:
                self._send_demo(api, remembered.demo)
                break
            except ApiError as error:
                if self._cancelled.is_set() or not tries_left:
                    raise
                self._console.line(f"the demo company is not loaded yet: {error}; going on")
                self._until_ready()
        return True

    def _end_demo(self, api: Api) -> None:
        """Do what takes the folded company: who has left hands over what is left."""
        hand_over_what_is_left(api)
        self._until_folded(api)
        demo = self._data_dir.remembered.demo
        assert demo is not None
        demo.done = True
        self._data_dir.remember()

    def _send_demo(self, api: Api, demo: Demo) -> None:
        began, end_on = time.monotonic(), date.fromisoformat(demo.end_on)
        self._console.line(
            f"A demo company of {demo.size} sellers is made up and recorded, once: a year of it, "
            f"until {end_on - timedelta(days=1)}. Then every view and figure is made of its facts."
        )
        with progress_bar(self._console.err, "recording what the demo company did") as progress:
            facts = load_demo(api, DEMO_SEED, demo.size, end_on, progress)
        seconds = time.monotonic() - began
        self._console.line(f"the demo company is recorded: {facts:,} new facts ({seconds:.1f} s)")

    def _until_folded(self, api: Api) -> None:
        """The figures are shown when they are whole."""
        recorded, most = Recorded(), 0
        while not self._cancelled.wait(POLL_S):
            behind = recorded.behind(api)
            if behind is None:
                self._until_ready()
                return
            if behind.records:
                most = max(most, behind.records)
                self._console.waiting(behind.told(most), "folding")
        raise CancelledError

    def _figures(self, api: Api) -> None:
        out = self._console.out
        where = Table.grid(padding=(0, 2))
        for name, address in {
            "API": self._url,
            "its description": f"{self._url}/docs",
            **self._signing_in(),
            **self._servers,
            "data and logs": str(self._data_dir.path),
        }.items():
            where.add_row(name, address)
        out.print(where, soft_wrap=True)
        for by in SHOWN_BY:
            rows = rows_of(api.get("/analytics/pipeline", {"by": by}))
            if rows:
                out.print(pipeline_table(rows, by))
