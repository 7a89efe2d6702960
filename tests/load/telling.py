"""What is told while a load goes on, and at its end: percentiles and failures of each route.

On a terminal a table that is written over; elsewhere one line now and then. Imported by Locust's
process alone.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import gevent
from locust import events

SHARES = (0.5, 0.95, 0.99)
EVERY_S, LINE_EVERY_S = 1.0, 5.0
CAUSES_MAX = 20
NAME = 58


class Telling:
    """One run's figures, and whether it was a good one."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._began = time.monotonic()
        self._written = 0
        self._live = sys.stdout.isatty()
        self._broken = 0

    def start(self) -> None:
        # Locust's own tables have no p95 while it runs, and would be written across ours.
        logging.getLogger("locust.stats_logger").disabled = True
        events.test_start.add_listener(lambda **_: gevent.spawn(self._go_on))
        events.quitting.add_listener(lambda **_: self._end())
        events.user_error.add_listener(self._broke)

    def _broke(self, **_: Any) -> None:
        # What a user stumbles over that is no answer: the load is not what it says it is.
        self._broken += 1

    def _go_on(self) -> None:
        self._began = time.monotonic()
        while True:
            gevent.sleep(EVERY_S if self._live else LINE_EVERY_S)
            if self._live:
                self._over([self._line(), *self._table()])
            else:
                self._say(self._line())

    def _end(self) -> None:
        stats = self._environment.stats
        self._over([])
        self._say("")
        for line in self._table():
            self._say(line)
        causes = sorted(stats.errors.values(), key=lambda error: -error.occurrences)
        for error in causes[:CAUSES_MAX]:
            self._say(
                f"failed {error.occurrences} times: {error.method} {error.name}: {error.error}"
            )
        total = stats.total
        bad = total.num_failures or self._broken or not total.num_requests
        self._environment.process_exit_code = 1 if bad else 0
        self._say(
            f"{total.num_requests:,} requests, {total.num_failures} failed, {self._broken} users "
            f"broke; {total.total_rps:.1f}/s over {time.monotonic() - self._began:.0f} s"
        )

    def _line(self) -> str:
        total = self._environment.stats.total
        told = " ".join(
            f"p{100 * share:.0f} {total.get_response_time_percentile(share):,.0f}"
            for share in SHARES
        )
        return (
            f"{time.monotonic() - self._began:5.0f} s  {self._users():4} users  "
            f"{total.current_rps:7.1f}/s  {told} ms  {total.num_failures} failed"
        )

    def _users(self) -> int:
        runner = self._environment.runner
        return runner.user_count if runner else 0

    def _table(self) -> list[str]:
        stats = self._environment.stats
        names = ("count", "/s", "p50", "p95", "p99", "max", "failed")
        head = f"{'route, times in ms':{NAME}} {' '.join(f'{name:>7}' for name in names)}"
        rows = sorted(stats.entries.values(), key=lambda entry: (entry.name, entry.method))
        return [
            head,
            *(self._row(f"{entry.method:4} {entry.name}", entry) for entry in rows),
            self._row("all", stats.total),
        ]

    @staticmethod
    def _row(name: str, entry: Any) -> str:
        told = " ".join(f"{entry.get_response_time_percentile(share):7,.0f}" for share in SHARES)
        return (
            f"{name[:NAME]:{NAME}} {entry.num_requests:7,} {entry.total_rps:7.1f} {told} "
            f"{entry.max_response_time:7,.0f} {entry.num_failures:7,}"
        )

    def _over(self, lines: list[str]) -> None:
        """Write over what was written last."""
        if self._live and self._written:
            sys.stdout.write(f"\x1b[{self._written}F\x1b[J")
        for line in lines:
            sys.stdout.write(f"{line}\n")
        self._written = len(lines)
        sys.stdout.flush()

    def _say(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
