"""What prepares a server and hangs or fails is an engine's error, in words."""

from __future__ import annotations

import sys

import pytest

from sellers.engines import complete
from sellers.processes import EngineError

HANGS = "import time; print('working', flush=True); time.sleep(60)"
FAILS = "import sys; print('out of towels'); sys.exit(3)"


def test_what_hangs_is_ended_and_told() -> None:
    with pytest.raises(EngineError, match=r"^Tables could not be made: not done within 0\.2 s$"):
        complete((sys.executable, "-I", "-S", "-c", HANGS), 0.2, "Tables could not be made")


def test_what_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(EngineError, match=r"^Tables could not be made: out of towels"):
        complete((sys.executable, "-I", "-S", "-c", FAILS), 20, "Tables could not be made")
    with pytest.raises(EngineError, match=r"exit code 3"):
        complete((sys.executable, "-c", "raise SystemExit(3)"), 20, "Tables could not be made")
