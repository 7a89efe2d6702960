"""`sellers up` as a person uses it: one process to start, to look at, to kill and to stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sellers.client import Api, ApiError
from sellers.data_dir import Process, Remembered, read_remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = [
    pytest.mark.connected,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

PATIENCE_S = 60.0
NAMES = {"noida-db", "SecantusDB", "node", "worker"}


class Up:
    """One `sellers up` on a data directory."""

    def __init__(self, data_dir: Path, company: Sequence[str]) -> None:
        self.data_dir = data_dir
        self.said = data_dir.parent / "said.txt"
        self._said_from = self.said.stat().st_size if self.said.exists() else 0
        words = ("up", *company, "--data-dir", str(data_dir), "--port", "0")
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sellers", *words], stdout=said, stderr=said
            )

    @property
    def text(self) -> str:
        return self.said.read_bytes()[self._said_from :].decode()

    @property
    def remembered(self) -> Remembered:
        return read_remembered(self.data_dir)

    def wait_for(self, what: str, found: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (answer := found()):
            assert time.monotonic() < deadline, f"{what} is missing after:\n{self.text}"
            assert self.process.poll() is None, f"it ended after:\n{self.text}"
            time.sleep(0.05)
        return answer

    def wait_ready(self) -> None:
        self.wait_for("ready", lambda: "\nready after" in self.text)
        url = self.remembered.url
        assert url is not None
        with Api(url) as api:
            self.wait_for("/readyz", lambda: is_ready(api))

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def is_ready(api: Api) -> bool:
    try:
        return bool(api.get("/readyz")["status"] == "ok")
    except ApiError:
        return False


def running(children: dict[str, Process]) -> list[str]:
    return [name for name, process in children.items() if process.runs()]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Up]]:
    """Start `up` on this test's directory, again and again."""
    monkeypatch.delenv("SELLERS_URL", raising=False)
    started: list[Up] = []

    def begin(*company: str) -> Up:
        started.append(Up(tmp_path / "data", company or ("--no-demo",)))
        return started[-1]

    yield begin
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()


def test_a_killed_child_is_told_and_started_again_and_nothing_is_left(
    start: Callable[[], Up],
) -> None:
    up = start()
    up.wait_ready()
    children = up.remembered.children
    assert set(children) == NAMES
    assert sorted(running(children)) == sorted(NAMES)

    os.kill(children["worker"].pid, signal.SIGKILL)
    up.wait_for("the crash", lambda: "worker ended (killed by SIGKILL)" in up.text)
    up.wait_for("a new worker", lambda: up.remembered.children.get("worker") != children["worker"])
    # The log lost its server: ours follow it.
    os.kill(children["noida-db"].pid, signal.SIGKILL)
    up.wait_for("the crash", lambda: "noida-db ended (killed by SIGKILL)" in up.text)
    up.wait_for("a new node", lambda: up.text.count("\nnode, the API and every service, runs") == 2)
    up.wait_ready()
    assert "node ended" not in up.text

    after = up.remembered
    assert up.stop(signal.SIGTERM) == 0
    assert up.text.endswith("stopped\n")
    assert running(children) == running(after.children) == []
    assert up.remembered.children == {}
    assert after.port is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", after.port), timeout=1)


def test_a_killed_up_leaves_nothing_and_the_next_one_serves_at_the_same_addresses(
    start: Callable[[], Up],
) -> None:
    up = start()
    up.wait_ready()
    before = up.remembered
    second = start()
    assert second.process.wait(PATIENCE_S) == 1
    assert second.text.strip().splitlines() == [
        f"sellers up: {up.data_dir} is in use by another `sellers up`, process {up.process.pid}"
    ]

    up.stop(signal.SIGKILL)
    third = start()
    third.wait_ready()
    assert running(before.children) == []
    after = third.remembered
    same = ("url", "port", "log_port", "store_port")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    # Whoever presses Ctrl-C twice does not want to wait, and still nothing is left.
    third.process.send_signal(signal.SIGINT)
    assert third.stop(signal.SIGINT) == 0
    assert running(after.children) == []


def test_a_port_that_somebody_else_has_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "sellers", "up", "--data-dir", tmp_path, "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"sellers up: port {port} is taken by another program; choose one with --port\n"
    )
    assert not (tmp_path / "up.json").exists()


def test_a_directory_of_one_engine_is_not_opened_with_another(tmp_path: Path) -> None:
    (tmp_path / "up.json").write_text(json.dumps({"engine": "embedded"}))
    done = subprocess.run(
        [sys.executable, "-m", "sellers", "up", "--data-dir", tmp_path, "--engine", "kafka"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert "was written with --engine embedded" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_demo_company_is_loaded_once_and_found_again(start: Callable[..., Up]) -> None:
    up = start("--size", "2")
    up.wait_ready()
    assert "pipeline by region" in up.text
    before = held(up)
    assert before["opportunities"] > 0
    assert before["touches"] > 0
    assert up.stop(signal.SIGINT) == 0
    again = start("--size", "2")
    again.wait_ready()
    assert "pipeline by region" in again.text
    found = held(again)
    grown = {name: count - before[name] for name, count in found.items()}
    # A week that is over is judged beside the loading, or after it: of two sellers, once each.
    judged, raised = grown.pop("calendar"), grown.pop("alerts")
    assert set(grown.values()) == {0}, grown
    assert 0 <= raised <= judged <= 2
    assert again.stop(signal.SIGINT) == 0


def held(up: Up) -> dict[str, int]:
    """Return how many records each topic has; views are published a moment after they change."""
    url = up.remembered.url
    assert url is not None
    with Api(url) as api:
        topics = api.get("/topics")["topics"]
    return {
        topic["name"]: topic["records"]
        for topic in topics
        if not topic["name"].startswith("views.")
    }
