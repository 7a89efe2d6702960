"""Play faults and say what each came to: `python -m tests.faults kills --engine kafka --seeds 10`.

`kills` is the campaign over both engines' processes; the others are single faults of servers,
networks and data. `all` plays every one of those others; `--times 20` plays all of it so often.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.faults import report
from tests.faults.again import KILLS_ON, SUITE, again
from tests.faults.backlog import FACTS, catch_up
from tests.faults.campaign import BATCH, ROWS, Outcome, play
from tests.faults.scenario import Told
from tests.faults.scenarios import ALL
from tests.faults.truth import Findings

KILLS, BACKLOG = "kills", "backlog"
PUBLISHERS_APART = 100


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    names = ", ".join((KILLS, *KILLS_ON, "all", *ALL))
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=names)
    parser.add_argument("--times", type=int, help="play the suite in a row, until one is bad")
    parser.add_argument("--engine", choices=("embedded", "kafka"), default="embedded")
    parser.add_argument("--seeds", type=int, default=1, help="kills: play this many")
    parser.add_argument("--first", type=int, default=1, help="from this seed on")
    parser.add_argument("--export", type=Path, help="kills: an export to import, not our own")
    parser.add_argument("--keep", action="store_true", help="keep data and logs of good ones too")
    parser.add_argument("--at-once", type=int, default=1, help="kills: so many beside each other")
    parser.add_argument("--batch", type=int, default=BATCH, help="kills: rows in one request")
    parser.add_argument("--rows", type=int, default=ROWS, help="kills: of our own export")
    parser.add_argument("--rounds", type=int, default=1, help="kills: of every part, in one seed")
    parser.add_argument("--sum", type=Path, help="kills: a file of seeds that are told with these")
    parser.add_argument("--facts", type=int, default=FACTS, help="backlog: of so many facts")
    parser.add_argument("--report", type=Path, help="a page whose tables get what was measured")
    chosen = parser.parse_args()
    faults = list(ALL) if chosen.faults == ["all"] else chosen.faults
    if unknown := set(faults) - {KILLS, *KILLS_ON, *ALL}:
        parser.error(f"no fault is called {', '.join(sorted(unknown))}; there are {names}")
    if chosen.times is not None:
        if chosen.times < 1 or KILLS in faults:
            parser.error(f"--times is 1 at least; its kills are {' and '.join(KILLS_ON)}")
        tally = again(faults or SUITE, chosen.times, chosen.first, partial(played, chosen), say)
        say(*tally.lines())
        return 1 if tally.bad else 0
    if engines := set(faults) & KILLS_ON.keys():
        parser.error(f"{', '.join(sorted(engines))} goes with --times; or: {KILLS} --engine")
    faults = faults or [KILLS]
    bad = sum(kills(chosen) if fault == KILLS else scenario(fault, chosen) for fault in faults)
    return 1 if bad else 0


def kills(chosen: argparse.Namespace) -> int:
    """Play the seeds; return how many were bad."""
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    works = [Path(tempfile.mkdtemp(prefix=f"faults-{chosen.engine}-{seed}-")) for seed in seeds]
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(chosen.at_once) as pool:
        one = partial(
            play,
            chosen.engine,
            source=chosen.export,
            batch=chosen.batch,
            rounds=chosen.rounds,
            rows=chosen.rows,
        )
        for outcome, work in zip(pool.map(one, seeds, works), works, strict=True):
            say(
                f"seed {outcome.seed} on {outcome.engine}: {outcome.touches:,} touches "
                f"acknowledged, {outcome.facts:,} records in the log, {outcome.seconds:.0f} s"
            )
            say(*(f"  {kill}" for kill in outcome.kills))
            leave(work, outcome, chosen)
            outcomes.append(outcome)
            if chosen.sum:
                report.add(chosen.sum, outcome)
    bad = sum(bool(outcome.wrong) for outcome in outcomes)
    say(f"{bad} of {chosen.seeds} seeds bad")
    if chosen.sum:
        outcomes = report.summed(chosen.sum, chosen.engine)
    if chosen.report:
        row = report.of_kills(chosen.engine, outcomes)
        report.write(chosen.report, KILLS, report.KILLS, [row])
    return bad


def scenario(name: str, chosen: argparse.Namespace) -> bool:
    """Play one of the others; return whether it was bad."""
    return bool(played(chosen, name, chosen.first).wrong)


def played(chosen: argparse.Namespace, name: str, seed: int) -> Findings:
    """Play one fault by a seed, and say what it came to."""
    work = Path(tempfile.mkdtemp(prefix=f"fault-{name}-"))
    if name in KILLS_ON:
        outcome = play(KILLS_ON[name], seed, work)
        say(*(f"  {kill}" for kill in outcome.kills))
        leave(work, outcome, chosen)
        return outcome
    fault = partial(catch_up, facts=chosen.facts) if name == BACKLOG else ALL[name]
    # Publishers are called by their own seeds, a few of them in each fault.
    told = fault(work, seed=1 + PUBLISHERS_APART * (seed - 1))
    say(summary(name, told), *(f"  {what}" for what in told.said))
    leave(work, told, chosen)
    if chosen.report:
        report.write(chosen.report, "faults", report.FAULTS, [report.of_scenario(name, told)])
    return told


def summary(name: str, told: Told) -> str:
    return (
        f"{name}, {told.fault} ({told.engines}): {told.touches:,} touches and "
        f"{told.decisions:,} decisions acknowledged, lost {told.lost}, twice {told.twice}, "
        f"out of order {told.disorder}, differences {told.differences}, "
        f"{told.again:,} of {told.facts:,} records are repeated ones, {told.seconds:.0f} s"
    )


def leave(work: Path, found: Findings, chosen: argparse.Namespace) -> None:
    """Say what was wrong, and keep the folder where somebody has to look into it."""
    say(*(f"  WRONG  {what}" for what in found.wrong[:20]))
    if found.wrong or chosen.keep:
        say(f"  data and logs: {work}")
    else:
        shutil.rmtree(work)


def say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
