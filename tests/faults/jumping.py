"""A machine whose clock jumps: `python -m tests.faults.jumping MODULE` runs the module on it.

All time is shared/clock.py's. This one adds the seconds that stand in the file `FAULTS_CLOCK`.
"""

from __future__ import annotations

import os
import runpy
import sys
from datetime import datetime, timedelta
from pathlib import Path

from shared.clock import SystemClock


def jump(file: Path) -> None:
    true = SystemClock.now

    def now(clock: SystemClock) -> datetime:
        try:
            seconds = float(file.read_text() or 0)
        except FileNotFoundError:
            seconds = 0.0
        return true(clock) + timedelta(seconds=seconds)

    SystemClock.now = now  # type: ignore[method-assign]


if __name__ == "__main__":
    jump(Path(os.environ["FAULTS_CLOCK"]))
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
