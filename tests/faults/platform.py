"""What every platform under fault is asked, whoever runs its processes: only over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from sellers.client import Api, ApiError

START_S = 120.0
POLL_S = 0.05
ANSWER_S = 30.0
FOLDED_S = 180.0
# So many places are told by name where something is on its way; the most of it first.
SHOWN = 4


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
        behind = sorted(((n, place) for place, n in places.items() if n), reverse=True)
        told = [f"{place} {n}" for n, place in behind[:SHOWN]]
        if more := behind[SHOWN:]:
            told.append(f"{len(more)} others {sum(n for n, _ in more)}")
        return ", ".join(told) or "nothing"


class Platform:
    """One platform, from outside. Whoever runs it says at what address, and when it has ended."""

    api: Api

    @property
    def url(self) -> str:
        raise NotImplementedError

    @property
    def ended(self) -> str | None:
        """Return why nothing is to be waited for any more."""
        raise NotImplementedError

    def last_words(self) -> str:
        raise NotImplementedError

    def is_ready(self) -> bool:
        try:
            return bool(self.api.get("/readyz")["status"] == "ok")
        except ApiError:
            return False

    def wait_for(self, what: str, found: Callable[[], Any], within_s: float = START_S) -> Any:
        deadline = time.monotonic() + within_s
        while not (answer := found()):
            if (why := self.ended) is not None:
                raise FaultError(f"{why} while we waited for {what}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise FaultError(f"{what} did not come in {within_s:g} s: {self.last_words()}")
            time.sleep(POLL_S)
        return answer

    def backlog(self, within_s: float = ANSWER_S) -> Backlog | None:
        """Return what is on its way; None while nobody can say."""
        try:
            answer = httpx2.get(f"{self.url}/lag", timeout=within_s, trust_env=False)
            lag = answer.raise_for_status().json()
        except httpx2.HTTPError:
            return None
        return Backlog({p["collection"]: p["lag"] for p in lag["projections"]}, lag["outbox"])

    def settle(self, within_s: float = FOLDED_S) -> None:
        """Wait until everything recorded is folded: nothing three times, for a fact may be amid."""
        empty = 0
        deadline = time.monotonic() + within_s
        while empty < 3:
            backlog = self.backlog()
            empty = empty + 1 if backlog and not backlog.records else 0
            if time.monotonic() > deadline:
                raise FaultError(f"not folded within {within_s:g} s: {backlog}")
            time.sleep(POLL_S)
        self.wait_for("/readyz", self.is_ready)
