"""How long a touch takes from being accepted to its view and to its cell, idle and under load.

A probe is one touch; after its answer it is read with what the answer gave (`X-At-Least`), so that
the read waits until it is there. Under load a stream of touches goes on beside the probes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sellers.client import Api

AT_ONCE = 100
# Under load touches come in small batches, as systems send them.
BATCHES_PER_S = 4
SELLERS = 50
MAXIMUM_S = 10.0
FOLDED_S = 600.0
SAY_EVERY_S = 10.0


@dataclass(slots=True)
class Waits:
    """Seconds from the answer of each probe until it was read there."""

    accepted: list[float] = field(default_factory=list)
    view: list[float] = field(default_factory=list)
    cell: list[float] = field(default_factory=list)

    def lines(self, how: str) -> Iterator[str]:
        for what, took in (
            ("accepted", self.accepted),
            ("readable in its view", self.view),
            ("readable in its cell", self.cell),
        ):
            told = " / ".join(f"{1000 * quantile(took, share):.0f}" for share in (0.5, 0.95, 0.99))
            yield f"| {how}: {what}, ms p50/p95/p99 of {len(took)} | {told} | |"


def quantile(told: Sequence[float], share: float) -> float:
    ordered = sorted(told)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def touch(number: int) -> dict[str, Any]:
    return {
        "person": f"person-{number % 1_000}",
        "channel": "call",
        "employee": f"employee-{number % SELLERS}",
        "subject": "About the offer of last week",
    }


def batch(first: int, count: int = AT_ONCE) -> dict[str, Any]:
    items = [{"id": str(uuid4()), "touch": touch(first + n)} for n in range(count)]
    return {"source": "bench", "touches": items}


def until_folded(api: Api, say: Callable[[str], None]) -> None:
    """Wait until everything that was taken in is folded, and say how much is not.

    Raises:
        TimeoutError: after ten minutes.

    """
    began = said = time.monotonic()
    while lag := sum(row["lag"] for row in api.get("/lag")["projections"]):
        now = time.monotonic()
        if now > began + FOLDED_S:
            raise TimeoutError(f"not folded within {FOLDED_S} s")
        if now > said + SAY_EVERY_S:
            said = now
            say(f"{lag:,} facts are to be folded into one view or another ...")
        time.sleep(0.2)


def probe(api: Api, count: int) -> Waits:
    """Send touches one after the other, and wait for each of them to be read."""
    waits = Waits()
    for number in range(count):
        told = touch(number)
        began = time.perf_counter()
        named = {"Idempotency-Key": str(uuid4())}
        answer = api.post("/touches", told, headers=named)
        accepted = time.perf_counter()
        known = {"X-At-Least": answer["token"]}
        person = told["person"].removeprefix("person-")
        api.get(f"/contacts/people/{person}/timeline", headers=known)
        seen = time.perf_counter()
        api.get("/analytics/touches", {"seller": told["employee"]}, headers=known)
        waits.accepted.append(accepted - began)
        waits.view.append(seen - accepted)
        waits.cell.append(time.perf_counter() - accepted)
    return waits


def maximum(api: Api, say: Callable[[str], None]) -> tuple[float, float]:
    """Return how many touches a second are taken in, and how many get into every view and cell.

    They are sent in batches one after the other, and waited for. More than the second number cannot
    come in for long: what is behind only grows.
    """
    sent, began = 0, time.perf_counter()
    while time.perf_counter() - began < MAXIMUM_S:
        api.post("/touches/batch", batch(sent))
        sent += AT_ONCE
    taken = sent / (time.perf_counter() - began)
    until_folded(api, say)
    return taken, sent / (time.perf_counter() - began)


@contextmanager
def loaded(open_api: Callable[[], Api], per_second: float) -> Iterator[None]:
    """Let so many touches a second come in meanwhile."""
    stopping = threading.Event()

    def send() -> None:
        with open_api() as api:
            at_once = max(1, round(per_second / BATCHES_PER_S))
            due, number = time.perf_counter(), 0
            while not stopping.is_set():
                api.post("/touches/batch", batch(number, at_once))
                number += at_once
                due += at_once / per_second
                stopping.wait(max(0.0, due - time.perf_counter()))

    sending = threading.Thread(target=send)
    sending.start()
    try:
        yield
    finally:
        stopping.set()
        sending.join()
