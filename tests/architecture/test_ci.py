"""CI fails where it cannot run a lane: a lane that did not run must never look green."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("make", "node", "npm", "curl", "java", "mvn")


@pytest.mark.parametrize("missing", NEEDED)
def test_without_what_a_lane_needs_ci_fails_and_names_it(missing: str, tmp_path: Path) -> None:
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    for tool in set(NEEDED) - {missing}:
        (tmp_path / tool).symlink_to("/bin/false")  # So that it ends here, whatever else is wrong.
    told = subprocess.run(
        [tmp_path / "bash", ".ci/run"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert f"needed: {missing} (" in told.stderr


def test_whoever_keeps_no_bytecode_keeps_it_here() -> None:
    """Each process that is started would compile everything anew."""
    told = subprocess.run(
        ["make", "-f", "Makefile", "-f", "-", "told"],
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "MAKEFLAGS": "s"},
        input="told: ; @env\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PATH=" in told.stdout
    assert "PYTHONDONTWRITEBYTECODE" not in told.stdout
