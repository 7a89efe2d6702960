"""One holder at a time, what is remembered survives, what a killed holder left is waited for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from sellers.data_dir import LOG_BYTES_MAX, DataDir, DataDirError, Process, read_remembered

if TYPE_CHECKING:
    from pathlib import Path

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    first, second = DataDir(tmp_path), DataDir(tmp_path)
    told = f"another `sellers up`, process {os.getpid()}$"
    with first.held(), pytest.raises(DataDirError, match=told), second.held():
        pass
    with second.held():
        pass


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirError, match="cannot be written"), DataDir(tmp_path / "file").held():
        pass


def test_what_is_remembered_is_there_the_next_time(tmp_path: Path) -> None:
    first = DataDir(tmp_path)
    with first.held():
        first.remembered.port = 4711
        first.remember()
    with (second := DataDir(tmp_path)).held():
        assert second.remembered.port == 4711


def test_something_else_in_its_place_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "up.json").write_text("{")
    with pytest.raises(DataDirError, match=r"up\.json cannot be read: Invalid JSON"):
        read_remembered(tmp_path)


@linux
def test_the_next_process_with_a_number_is_another_one() -> None:
    this = Process.of(os.getpid())
    assert this is not None
    assert this.runs()
    assert not Process(pid=this.pid, started="1").runs()


@linux
@pytest.mark.parametrize("ends_by_itself", [True, False])
def test_what_was_left_over_has_ended_afterwards(
    ends_by_itself: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sellers.data_dir.LEFT_OVER_SECONDS", 20.0 if ends_by_itself else 0.1)
    command = [sys.executable, "-I", "-S", "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as left:
        found = Process.of(left.pid)
        assert found is not None
        assert left.stdin is not None
        ending = threading.Timer(0.2 if ends_by_itself else 60, left.stdin.close)
        ending.start()
        data_dir = DataDir(tmp_path)
        data_dir.remembered.children = {"node": found}
        data_dir.end_left_over()
        ending.cancel()
        left.wait(5)
        assert not found.runs()
        assert (left.returncode == -9) is not ends_by_itself


def test_a_long_log_is_begun_anew_and_its_older_part_kept(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    with data_dir.held():
        long, short = data_dir.logs / "node.log", data_dir.logs / "worker.log"
        with long.open("wb") as log:
            log.truncate(LOG_BYTES_MAX + 1)
        short.write_text("all is well\n")
        data_dir.shorten_logs()
        assert [path.name for path in sorted(data_dir.logs.iterdir())] == [
            *("node.log.1", "worker.log"),
        ]
