"""Every seed keeps the protocol's promises, and without any one of its rules some seed breaks them.

`SIMULATION_SEEDS` says how many seeds are played; a thousand take some minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.ablations import ABLATIONS
from tests.simulation.loop import EverybodyWaitsError, VirtualLoop
from tests.simulation.world import counterexample, play

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "60"))
CHUNK = 10


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_history_breaks_a_promise(first: int) -> None:
    for seed in range(first, min(first + CHUNK, SEEDS)):
        outcome = play(seed)
        again = f"\nto see it: python -m tests.simulation {seed}"
        assert outcome.wrong == [], "\n".join(outcome.wrong) + again


def test_histories_are_worth_playing() -> None:
    """A simulation in which nothing goes wrong, or nothing happens, proves nothing."""
    outcomes = [play(seed) for seed in range(20)]
    assert len({outcome.event for outcome in outcomes}) > 3
    for figure in ("crashes", "duplicates", "own_reads"):
        assert sum(getattr(outcome, figure) for outcome in outcomes) > 20, figure
    assert sum(outcome.records for outcome in outcomes) > 500
    assert sum(outcome.looks for outcome in outcomes) > 100


# A counterexample may take a rare coincidence: looked for where there is time.
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "rule",
    [pytest.param(name, marks=pytest.mark.slow) for name in ABLATIONS],
)
def test_without_a_rule_some_history_goes_wrong(rule: str) -> None:
    ablation = ABLATIONS[rule]
    assert counterexample(ablation) is not None, f"not put to the test: {ablation.rule}"


def test_a_rule_that_was_taken_away_is_back_afterwards() -> None:
    before = play(1).digest
    counterexample(ABLATIONS["one_transaction_a_batch"])
    assert play(1).digest == before


def test_one_seed_is_one_history() -> None:
    """Also in another process, whatever order its sets have."""
    command = [sys.executable, "-m", "tests.simulation", "3", "--digest"]
    told = {
        subprocess.run(
            command,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert told == {f"{play(3).digest}\n"}


def test_a_world_that_stands_still_is_noticed() -> None:
    from random import Random

    loop = VirtualLoop(Random(1))
    with pytest.raises(EverybodyWaitsError):
        loop.run_until_complete(loop.create_future())
    loop.end_tasks()
    loop.close()
