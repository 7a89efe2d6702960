"""A node that cannot be opened ends, and says why."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from httpx2 import ASGITransport, AsyncClient

from sellers.node import CLEAN, Node, create_app
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


async def test_the_api_is_described_without_the_internet(tmp_path: Path) -> None:
    app = create_app(Node(Settings(engine="embedded", data_dir=tmp_path)))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://here") as browser:
        page = await browser.get("/docs")
        assert page.status_code == 200
        assert "://" not in page.text
        named = re.findall(r"(?:src|href|url)[=:] *['\"]([^'\"]+)", page.text)
        assert len(named) == 4
        for file in named:
            answer = await browser.get(page.url.join(file))
            assert answer.status_code == 200, file
        assert (await browser.get("/redoc")).status_code == 404
        described = (await browser.get("/openapi.json")).json()["paths"]
        assert "/lag" in described
        assert "/docs" not in described
