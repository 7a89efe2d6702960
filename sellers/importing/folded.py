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
Say = Callable[[str], None]


def silent(done: int, total: int) -> None:
    """Show nothing."""


def unsaid(words: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What is not folded yet: how many records of all places together, of which, out of how many.

    A fact counts once for every view that it goes into.
    """

    places: dict[str, int]
    late: dict[str, int]

    @staticmethod
    def of(places: dict[str, int]) -> Behind:
        late = {place: records for place, records in places.items() if records > 0}
        return Behind(places, late)

    @property
    def records(self) -> int:
        return sum(self.late.values())

    @property
    def where(self) -> str:
        return ", ".join(f"{place}: {records:,}" for place, records in self.late.items())

    def told(self, most: int) -> str:
        """Say how far it is, of so many records, in words for whoever waits."""
        share = 100 * (most - self.records) // most if most else 100
        whole, facts = len(self.places) - len(self.late), max(self.late.values(), default=0)
        return (
            f"views and figures catch up: {share} %, {whole} of {len(self.places)} are complete, "
            f"the others behind by {facts:,} facts at most"
        )


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
        folded = {_place(found): found["folded"] for found in answer["projections"]}
        left = {name: goal - folded.get(name, goal) for name, goal in self._goals.items()}
        behind = Behind.of(left)
        return behind if behind.records else None

    def _unpublished(self, answer: dict[str, Any]) -> Behind:
        outbox: dict[str, int] = answer.get("outbox", {})
        if outbox.keys() <= self._published:
            # All of ours was in the log before this was asked: it ends here.
            self._goals = {_place(found): found["written"] for found in answer["projections"]}
        self._published |= {name for name, entries in outbox.items() if not entries}
        places = {_place(found): found["lag"] for found in answer["projections"]}
        return Behind.of(places | {f"{name}'s outbox": n for name, n in outbox.items()})


def _place(found: dict[str, Any]) -> str:
    """Name a projection; several domains have one that is called the same."""
    return f"{found['domain']}.{found['collection']}"


def wait_until_folded(
    client: Api,
    say: Say = unsaid,
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
        if behind.records:
            say(behind.told(most))
        if least is None or behind.records != least:
            least, moved_at = behind.records, time.monotonic()
        elif behind.records and time.monotonic() > moved_at + still_s:
            raise CrmImportError(
                f"nothing was folded for {still_s:.0f} s; still behind: {behind.where}; "
                "`sellers parked` and the logs say why"
            )
        time.sleep(POLL_S)
