"""Waits until everything that was recorded can be read. Rule: what stands still is named."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sellers.client import Api
from sellers.importing.errors import CrmImportError

POLL_S = 0.2
STILL_S = 60.0

Progress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class Behind:
    """How many records are not folded yet, and where."""

    records: int
    where: str

    @staticmethod
    def of(places: dict[str, int]) -> Behind:
        late = {place: records for place, records in places.items() if records > 0}
        return Behind(sum(late.values()), ", ".join(f"{p}: {n:,}" for p, n in late.items()))


def still_to_fold(records: int, most: int) -> str:
    """Say how far folding is; a record counts once for every view that it goes into."""
    return f"folding facts into views and figures: {records:,} of {most:,} records to go"


@dataclass(slots=True)
class Recorded:
    """What had been recorded when we began to ask: it is waited for, and nothing that came later.

    Touches may go on coming in; somewhere a record would always be on its way.
    """

    _published: set[str] = field(default_factory=set)
    _goals: dict[str, int] | None = None

    def behind(self, client: Api) -> Behind | None:
        """Return what is not folded yet, None once all of it is."""
        answer = client.get("/lag")
        if self._goals is None:
            return self._unpublished(answer)
        folded = {found["collection"]: found["folded"] for found in answer["projections"]}
        left = {name: goal - folded.get(name, goal) for name, goal in self._goals.items()}
        behind = Behind.of(left)
        return behind if behind.records else None

    def _unpublished(self, answer: dict[str, Any]) -> Behind:
        outbox: dict[str, int] = answer.get("outbox", {})
        if outbox.keys() <= self._published:
            # All of ours was in the log before this was asked: it ends here.
            self._goals = {found["collection"]: found["written"] for found in answer["projections"]}
        self._published |= {name for name, entries in outbox.items() if not entries}
        places = {found["collection"]: found["lag"] for found in answer["projections"]}
        return Behind.of(places | {f"{name}'s outbox": n for name, n in outbox.items()})


def wait_until_folded(
    client: Api,
    progress: Progress = silent,
    *,
    still_s: float = STILL_S,
) -> None:
    """Return once all projections and figures know every fact recorded before.

    Raises:
        CrmImportError: nothing moved for a while; it says what is behind.
        ApiError: the platform went away.

    """
    recorded, most, least, moved_at = Recorded(), 0, None, time.monotonic()
    while (behind := recorded.behind(client)) is not None:
        most = max(most, behind.records)
        progress(most - behind.records, most)
        if least is None or behind.records != least:
            least, moved_at = behind.records, time.monotonic()
        elif behind.records and time.monotonic() > moved_at + still_s:
            raise CrmImportError(
                f"nothing was folded for {still_s:.0f} s; still behind: {behind.where}; "
                "`sellers parked` and the logs say why"
            )
        time.sleep(POLL_S)
    progress(most, most)
