"""Play one seed loudly, or many quietly: `python -m tests.simulation 7`, `... --seeds 1000`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.ablations import ABLATIONS, Ablation
from tests.simulation.world import Outcome, counterexample, play

say = print  # Its only screen; the rest of the code logs.


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="play this seed and print its history")
    parser.add_argument("--seeds", type=int, help="play this many seeds")
    parser.add_argument("--first", type=int, default=0, help="from this one on")
    parser.add_argument("--without", choices=sorted(ABLATIONS), help="take this rule away")
    parser.add_argument("--ablations", action="store_true", help="take each rule away alone")
    parser.add_argument("--event", help="let this great event happen in all of them")
    parser.add_argument("--digest", action="store_true", help="print only what tells it apart")
    chosen = parser.parse_args()
    if chosen.ablations:
        return _ablate(chosen.first)
    ablation = ABLATIONS[chosen.without] if chosen.without else None
    event = chosen.event or (ablation.event if ablation else None)
    if chosen.digest:
        say(play(chosen.seed, event, without=ablation).digest)
        return 0
    if chosen.seed is not None:
        return _tell(play(chosen.seed, event, loud=True, without=ablation))
    return _campaign(range(chosen.first, chosen.first + (chosen.seeds or 100)), event, ablation)


def _ablate(first: int) -> int:
    """Say for every rule which seed fails without it; a rule that no seed misses is untested."""
    untested = 0
    for name, ablation in ABLATIONS.items():
        began = time.perf_counter()
        found = counterexample(ablation, first)
        what = f"seed {found.seed}: {found.wrong[0][:110]}" if found else "NO SEED FAILS"
        untested += found is None
        say(f"{name:32s} {time.perf_counter() - began:5.1f} s  {what}", flush=True)
    return 1 if untested else 0


def _tell(outcome: Outcome) -> int:
    say(*outcome.story, sep="\n")
    say(f"\nseed {outcome.seed} ({outcome.event}): {_figures([outcome])}")
    say(*(f"WRONG  {line}" for line in outcome.wrong), sep="\n")
    return 1 if outcome.wrong else 0


def _campaign(seeds: range, event: str | None, ablation: Ablation | None) -> int:
    began = time.perf_counter()
    outcomes = [play(seed, event, without=ablation) for seed in seeds]
    bad = [outcome for outcome in outcomes if outcome.wrong]
    for outcome in bad[:20]:
        say(f"seed {outcome.seed} ({outcome.event}): {outcome.wrong[0][:300]}")
    say(f"{len(bad)} of {len(outcomes)} seeds bad: {_figures(outcomes)}")
    say("events:", dict(Counter(outcome.event for outcome in bad)))
    say(f"{time.perf_counter() - began:.1f} s")
    return 1 if bad else 0


def _figures(outcomes: list[Outcome]) -> str:
    names = ("operations", "records", "duplicates", "own_reads", "crashes", "virtual_s")
    sums = {name: sum(getattr(outcome, name) for outcome in outcomes) for name in names}
    return ", ".join(f"{name} {value:,.0f}" for name, value in sums.items())


if __name__ == "__main__":
    sys.exit(main())
