"""What every fault of servers and networks has in common: load before, amid and after; the truth.

A scenario is a function that is given a place to work and returns what it found. It says with what
engines, and what happened, in figures; `python -m tests.faults.scenarios` runs them by name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sellers.client import Api
from sellers.engines import ApacheKafka, NoidaKafka, SecantusMongo
from sellers.processes import Engine, EngineError
from tests.conftest import running as started
from tests.faults.ledger import Ledger
from tests.faults.plant import Plant
from tests.faults.platform import POLL_S, FaultError
from tests.faults.truth import Findings, compare_log, compare_touches, compare_verdict

PUBLISHERS = 3
GOES_ON_S = 60.0
WARM = 20


@dataclass(slots=True)
class Told(Findings):
    """What one scenario came to."""

    fault: str
    engines: str
    # What else is worth telling, in the order in which it happened.
    said: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def say(self, what: str) -> None:
        self.said.append(what)


@dataclass(slots=True)
class Load:
    """Several publishers at once, and how they are doing."""

    ledgers: list[Ledger]

    @property
    def acknowledged(self) -> int:
        return sum(ledger.acknowledged for ledger in self.ledgers)

    def goes_on(self, more: int = WARM, within_s: float = GOES_ON_S) -> float:
        """Wait until each publisher got so many more acknowledgements; return how long it took.

        Raises:
            FaultError: for so long not one more was acknowledged.

        """
        began = heard = time.monotonic()
        known = self.acknowledged
        goals = [ledger.acknowledged + more for ledger in self.ledgers]
        while any(one.acknowledged < goal for one, goal in zip(self.ledgers, goals, strict=True)):
            if failed := next((one.failure for one in self.ledgers if one.failure), None):
                raise FaultError(f"the stream of touches broke off: {failed!r}")
            if self.acknowledged > known:
                known, heard = self.acknowledged, time.monotonic()
            if time.monotonic() - heard > within_s:
                raise FaultError(f"nothing more was acknowledged within {within_s:g} s")
            time.sleep(POLL_S)
        return time.monotonic() - began

    def for_s(self, seconds: float) -> int:
        """Go on for so long; return how much was acknowledged meanwhile."""
        before = self.acknowledged
        threading.Event().wait(seconds)
        return self.acknowledged - before

    def longest_gap_s(self, since: float) -> float:
        now = time.monotonic()
        return max(ledger.longest_gap_s(since, now) for ledger in self.ledgers)

    def stop(self) -> None:
        for ledger in self.ledgers:
            ledger.stop()


@dataclass(frozen=True, slots=True)
class Engines:
    """The servers of one scenario; both can be stopped, killed and started again."""

    name: str
    log: Any
    store: SecantusMongo

    @property
    def options(self) -> dict[str, Any]:
        return {"embedded": self.log.embedded}


@contextmanager
def engines(work: Path, kind: str = "embedded") -> Iterator[Engines]:
    log: Engine = (ApacheKafka if kind == "kafka" else NoidaKafka)(work / "kafka")
    with started(log), started(SecantusMongo(work / "mongo")) as store:
        yield Engines(f"{log.name}; {store.name}", log, store)


@contextmanager
def load(plant: Plant, work: Path, publishers: int = PUBLISHERS, first: int = 1) -> Iterator[Load]:
    with ExitStack() as stack:
        ledgers = [
            stack.enter_context(Ledger(plant.url, work / f"ledger-{seed}.jsonl", seed))
            for seed in range(first, first + publishers)
        ]
        running = Load(ledgers)
        running.goes_on()
        yield running


def compare(
    plant: Plant,
    running: Load,
    log: str,
    told: Told,
    poison: AbstractSet[str] = frozenset(),
    dated: bool = True,
    sealed: Sequence[Ledger] = (),
    **options: Any,
) -> None:
    """Stop the load, let everything be folded, and hold it against the ledgers.

    Of people in the `sealed` ones no word can be read any more; what counts is there all the same.
    """
    running.stop()
    plant.settle()
    with Api(plant.url, patience_s=60.0, actor="faults") as api:
        for ledger in running.ledgers:
            compare_touches(api, ledger, told, dated=dated, readable=ledger not in sealed)
        compare_verdict(api, told, poison)
    compare_log(log, running.ledgers, told, **options)
    if plant.restarts != {"node": 0, "worker": 0}:
        restarts = (f"{name} {count}" for name, count in plant.restarts.items() if count)
        told.say(f"started again: {', '.join(restarts)}")


@contextmanager
def telling(told: Told) -> Iterator[Told]:
    """Whatever keeps the scenario from going on is what it found."""
    began = time.monotonic()
    try:
        yield told
    except (FaultError, EngineError) as error:
        told.wrong.append(str(error))
    finally:
        told.seconds = time.monotonic() - began


class Scenario(Protocol):
    """What plays a fault in a folder of its own; whatever is random in it is of the seed."""

    def __call__(self, work: Path, *, seed: int = 1) -> Told: ...
