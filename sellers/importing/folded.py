"""Waits until everything that was recorded can be read. Rule: what stands still is named."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sellers.client import Api
from sellers.importing.errors import CrmImportError

POLL_S = 0.2
STILL_S = 60.0
# A fact may leave the outbox and reach the log between the two halves of one answer.
EMPTY_ANSWERS = 2

Progress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class Behind:
    """How many records are not folded yet, and where."""

    records: int
    where: str

    @staticmethod
    def ask(client: Api) -> Behind:
        answer = client.get("/lag")
        places = {found["collection"]: found["lag"] for found in answer["projections"]}
        places |= {f"{name}'s outbox": n for name, n in answer.get("outbox", {}).items()}
        late = {place: records for place, records in places.items() if records}
        return Behind(sum(late.values()), ", ".join(f"{p}: {n:,}" for p, n in late.items()))


def wait_until_folded(
    client: Api,
    progress: Progress = silent,
    *,
    still_s: float = STILL_S,
) -> None:
    """Return once all projections and figures know every fact.

    Raises:
        CrmImportError: nothing moved for a while; it says what is behind.
        ApiError: the platform went away.

    """
    empty, most, least, moved_at = 0, 0, None, time.monotonic()
    while True:
        behind = Behind.ask(client)
        empty = 0 if behind.records else empty + 1
        if empty == EMPTY_ANSWERS:
            progress(most, most)
            return
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
