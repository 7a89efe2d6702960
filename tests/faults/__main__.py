"""Play seeds and say what each came to: `python -m tests.faults --engine kafka --seeds 10`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.faults.campaign import BATCH, Outcome, play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--engine", choices=("embedded", "kafka"), default="embedded")
    parser.add_argument("--seeds", type=int, default=1, help="play this many")
    parser.add_argument("--first", type=int, default=1, help="from this one on")
    parser.add_argument("--export", type=Path, help="an export to import instead of our own")
    parser.add_argument("--keep", action="store_true", help="keep data and logs of good seeds too")
    parser.add_argument("--at-once", type=int, default=1, help="play this many beside each other")
    parser.add_argument("--batch", type=int, default=BATCH, help="rows in one request")
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    works = [Path(tempfile.mkdtemp(prefix=f"faults-{chosen.engine}-{seed}-")) for seed in seeds]
    bad = 0
    with ProcessPoolExecutor(chosen.at_once) as pool:
        one = partial(play, chosen.engine, source=chosen.export, batch=chosen.batch)
        for outcome, work in zip(pool.map(one, seeds, works), works, strict=True):
            tell(outcome)
            bad += bool(outcome.wrong)
            if outcome.wrong or chosen.keep:
                print(f"  data and logs: {work}", flush=True)
            else:
                shutil.rmtree(work)
    print(f"{bad} of {chosen.seeds} seeds bad")
    return 1 if bad else 0


def tell(outcome: Outcome) -> None:
    print(
        f"seed {outcome.seed} on {outcome.engine}: {outcome.touches:,} touches acknowledged, "
        f"{outcome.facts:,} records in the log, {outcome.seconds:.0f} s"
    )
    print(*(f"  {kill}" for kill in outcome.kills), sep="\n")
    print(*(f"  WRONG  {what}" for what in outcome.wrong[:20]), sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
