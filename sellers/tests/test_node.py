"""A node that cannot be opened ends, and says why."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sellers.node import CLEAN, Node
from shared.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = """
import sys
from pathlib import Path
from sellers.node import Node, serve
from shared.observability import configure_logs
from shared.settings import Settings


class Broken(Node):
    async def open(self):
        raise RuntimeError("no such table:\\ntowels")


configure_logs("info")
serve(Broken(Settings(port=0, engine="embedded", data_dir=Path(sys.argv[1]))))
"""


def test_a_node_that_cannot_be_opened_ends_with_the_reason_as_its_last_line(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "node_failed_to_start" in done.stderr
    assert done.stderr.splitlines()[-1] == "node failed to start: no such table: towels"


@pytest.mark.parametrize("opened", [False, True])
async def test_only_a_node_that_was_open_counts_as_stopped_cleanly(
    tmp_path: Path, *, opened: bool
) -> None:
    runtimes: dict[str, Any] = {"contacts": object()} if opened else {}
    await Node(Settings(engine="embedded", data_dir=tmp_path), runtimes).close()
    assert (tmp_path / CLEAN).exists() == opened
