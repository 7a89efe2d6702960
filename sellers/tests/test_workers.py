from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from sellers.workers import Workers


def test_results_and_errors_come_back() -> None:
    with Workers(2, "test") as workers:
        answers = [workers.submit(divmod, 7, n) for n in (2, 0)]
        assert answers[0].result(5) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            answers[1].result(5)


def test_as_many_run_at_a_time_as_there_are_threads() -> None:
    together = threading.Barrier(3)
    with Workers(3, "test") as workers:
        answers = [workers.submit(together.wait, 10) for _ in range(3)]
        assert sorted(answer.result(10) for answer in answers) == [0, 1, 2]


def test_a_process_ends_although_somebody_still_waits() -> None:
    program = """
import threading
from sellers.workers import Workers
started = threading.Event()
def for_ever():
    started.set()
    threading.Event().wait()
with Workers(1, "test") as workers:
    workers.submit(for_ever)
    started.wait()
print("ended")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=30, check=True
    )
    assert done.stdout == b"ended\n"
