"""Play one seed loudly, or many quietly: `python -m tests.simulation 7`, `... --seeds 1000`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from functools import partial
from multiprocessing import Pool

from tests.simulation.ablations import ABLATIONS
from tests.simulation.world import Outcome, counterexample, play

say = print  # Its only screen; the rest of the code logs.


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", help="play this seed and print its history")
    parser.add_argument("--seeds", type=int, help="play this many seeds")
    parser.add_argument("--first", type=int, help="from this one on")
    parser.add_argument("--without", choices=sorted(ABLATIONS), help="take this rule away")
    parser.add_argument("--ablations", action="store_true", help="take each rule away alone")
    parser.add_argument("--event", help="let this great event happen in all of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at work")
    parser.add_argument("--digest", action="store_true", help="print only what tells it apart")
    chosen = parser.parse_args()
    if chosen.ablations:
        return _ablate(chosen.first, chosen.jobs)
    ablation = ABLATIONS[chosen.without] if chosen.without else None
    event = chosen.event or (ablation.event if ablation else None)
    if chosen.digest:
        say(play(chosen.seed, event, without=ablation).digest)
        return 0
    if chosen.seed is not None:
        return _tell(play(chosen.seed, event, loud=True, without=ablation))
    seeds = range(chosen.first or 0, (chosen.first or 0) + (chosen.seeds or 100))
    return _campaign(seeds, event, chosen.without, chosen.jobs)


def _ablate(first: int | None, jobs: int) -> int:
    """Say for every rule which seed fails without it; a rule that no seed misses is untested."""
    untested = 0
    with Pool(jobs) as pool:
        for name, took_s, found in pool.imap(partial(_without, first=first), ABLATIONS):
            untested += found is None
            say(f"{name:32s} {took_s:5.1f} s  {found or 'NO SEED FAILS'}", flush=True)
    return 1 if untested else 0


def _without(name: str, first: int | None) -> tuple[str, float, str | None]:
    began = time.perf_counter()
    found = counterexample(ABLATIONS[name], first)
    told = f"seed {found.seed}: {found.wrong[0][:110]}" if found else None
    return name, time.perf_counter() - began, told


def _tell(outcome: Outcome) -> int:
    say(*outcome.story, sep="\n")
    say(f"\nseed {outcome.seed} ({outcome.event}): {_figures([outcome])}")
    say(*(f"WRONG  {line}" for line in outcome.wrong), sep="\n")
    return 1 if outcome.wrong else 0


def _campaign(seeds: range, event: str | None, without: str | None, jobs: int) -> int:
    began = time.perf_counter()
    outcomes = []
    with Pool(jobs) as pool:
        one = partial(_one, event=event, without=without)
        for outcome in pool.imap_unordered(one, seeds, chunksize=5):
            outcomes.append(outcome)
            if outcome.wrong:
                say(f"seed {outcome.seed} ({outcome.event}): {outcome.wrong[0][:300]}", flush=True)
    bad = [outcome for outcome in outcomes if outcome.wrong]
    say(f"{len(bad)} of {len(outcomes)} seeds bad: {_figures(outcomes)}")
    say("events:", dict(Counter(outcome.event for outcome in outcomes)))
    say(f"{time.perf_counter() - began:.1f} s")
    return 1 if bad else 0


def _one(seed: int, event: str | None, without: str | None) -> Outcome:
    return play(seed, event, without=ABLATIONS[without] if without else None)


def _figures(outcomes: list[Outcome]) -> str:
    names = ("operations", "records", "duplicates", "own_reads", "looks", "crashes", "virtual_s")
    sums = {name: sum(getattr(outcome, name) for outcome in outcomes) for name in names}
    return ", ".join(f"{name} {value:,.0f}" for name, value in sums.items())


if __name__ == "__main__":
    sys.exit(main())
