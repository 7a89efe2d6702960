"""The fault suite in a row, each round by other seeds, until something is bad.

`python -m tests.faults --times 20` plays every fault of the suite once in each round; names after
it choose some of them. What is random in a fault comes from the seed: whom it kills and when, who
sends what, in which order records come again. When bytes are where is the machine's to decide: a
seed that was bad is not cleared by being good the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.scenarios import ALL
from tests.faults.truth import Findings

KILLS_ON = {"kills-embedded": "embedded", "kills-kafka": "kafka"}
SUITE = (*KILLS_ON, *ALL)

# Plays a fault by a seed.
Play = Callable[[str, int], Findings]
Say = Callable[[str], None]


@dataclass(slots=True)
class Tally:
    """What was played of the suite so far."""

    faults: Sequence[str]
    times: int
    found: dict[str, list[Findings]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def bad(self) -> bool:
        return any(one.wrong for played in self.found.values() for one in played)

    @property
    def rounds(self) -> int:
        """How often the whole of it was good."""
        good = (sum(not one.wrong for one in self.found.get(fault, ())) for fault in self.faults)
        return min(good, default=0)

    def lines(self) -> list[str]:
        every = [one for played in self.found.values() for one in played]
        told = f"{self.rounds} of {self.times} rounds good, {len(every)} faults played in "
        told += f"{self.seconds:,.0f} s: {sum(one.touches for one in every):,} touches and "
        told += f"{sum(one.decisions for one in every):,} decisions acknowledged, "
        told += f"lost {sum(one.lost for one in every)}, twice {sum(one.twice for one in every)}, "
        told += f"out of order {sum(one.disorder for one in every)}, "
        told += f"differences {sum(one.differences for one in every)}"
        return [told, *(self._line(fault) for fault in self.faults if fault in self.found)]

    def _line(self, fault: str) -> str:
        played = self.found[fault]
        bad = sum(bool(one.wrong) for one in played)
        return f"  {fault}: {len(played) - bad} good, {bad} bad"


def again(faults: Sequence[str], times: int, first: int, play: Play, say: Say) -> Tally:
    """Play them in rounds, the first by the seed `first`, each by the next; end at what is bad."""
    tally, began = Tally(faults, times), time.monotonic()
    for number in range(times):
        for fault in faults:
            seed = first + number
            say(f"round {number + 1} of {times}, {fault}, seed {seed} ...")
            found = play(fault, seed)
            tally.found.setdefault(fault, []).append(found)
            tally.seconds = time.monotonic() - began
            say(f"  {'BAD' if found.wrong else 'good'}, after {tally.seconds:,.0f} s in all")
            if found.wrong:
                return tally
    return tally
