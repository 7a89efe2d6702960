"""What ends is reported and started again, within limits; what was started is ended, in order."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, ClassVar

import pytest

from sellers.processes import Engine
from sellers.signals import Signals, StopAskedError
from sellers.supervisor import CrashedTooOftenError, StartFailedError, Supervisor

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sellers.data_dir import Process

LISTENS = """
import socket, sys
print("listening", flush=True)
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        server.accept()[0].close()
"""
FAILS = "import sys; sys.exit('no such table: towels')"


class Listener(Engine):
    """A real process that only listens."""

    name = "listener"
    script: ClassVar[str] = LISTENS

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        return (sys.executable, "-I", "-S", "-c", self.script, str(self.port))

    def answers(self, connection: socket.socket) -> bool:
        return True


class Second(Listener):
    name = "second"


class Third(Listener):
    name = "third"


class Failing(Listener):
    name = "failing"
    script = FAILS


class FailingSecondTime(Listener):
    """Comes up once, and then only complains."""

    name = "fickle"
    script = (
        "import pathlib, sys; been = pathlib.Path('been')\n"
        "if been.exists(): sys.exit('no such table: towels')\n"
        "been.touch()\n"
    ) + LISTENS


class Told:
    """Everything that was said, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def starting(self, name: str) -> None:
        self.lines.append(f"starting {name}")

    def started(self, name: str, address: str, seconds: float) -> None:
        self.lines.append(f"started {name}")

    def crashed(self, what: str, log_file: str, lines: Sequence[str], then: str) -> None:
        self.lines.append(f"{what}: {' / '.join(lines)}: {then}")

    def stopping(self, name: str) -> None:
        self.lines.append(f"stopping {name}")


class Scene:
    """A supervisor over small real processes, and what it said and remembered."""

    def __init__(self, folder: Path, signals: Signals) -> None:
        self._folder = folder
        self.signals = signals
        self.told = Told()
        self.remembered: dict[str, Process] = {}
        self.started: list[Engine] = []

    def supervise(
        self, servers: Sequence[type[Engine]], ours: Sequence[type[Engine]]
    ) -> Supervisor:
        def make(kinds: Sequence[type[Engine]]) -> list[Engine]:
            return [kind(self._folder / kind.name) for kind in kinds]

        first, second = make(servers), make(ours)
        self.started += first + second
        return Supervisor(first, second, self.signals, self.told, self._remember)

    def _remember(self, processes: dict[str, Process]) -> None:
        self.remembered = processes


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Signals() as signals:
        made = Scene(tmp_path, signals)
        yield made
        for engine in made.started:
            engine.kill()


def within(seconds: float) -> Callable[[], bool]:
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline


def kill(engine: Engine) -> None:
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_servers_start_before_ours_and_stop_after_them(scene: Scene) -> None:
    supervisor = scene.supervise([Listener, Second], [Third])
    supervisor.start()
    assert set(scene.remembered) == {"listener", "second", "third"}
    supervisor.stop()
    assert scene.told.lines[:2] == ["starting listener", "starting second"]
    assert scene.told.lines[4:] == [
        *("starting third", "started third"),
        *("stopping third", "stopping second", "stopping listener"),
    ]
    assert [engine.pid for engine in scene.started] == [None, None, None]
    assert scene.remembered == {}


def test_one_of_ours_that_ends_is_told_with_its_last_lines_and_started_alone(scene: Scene) -> None:
    supervisor = scene.supervise([Listener], [Second, Third])
    supervisor.start()
    before = [engine.pid for engine in scene.started]
    kill(scene.started[1])
    supervisor.watch(lambda: scene.started[1].pid not in (None, before[1]))
    assert [engine.pid for engine in scene.started][::2] == before[::2]
    (told,) = [line for line in scene.told.lines if "ended" in line]
    assert told == (
        "second ended (killed by SIGKILL): listening: starting it again (1 of 5 within a minute)"
    )


def test_ours_are_started_again_after_a_server_that_ends(scene: Scene) -> None:
    supervisor = scene.supervise([Listener, Second], [Third])
    supervisor.start()
    before = [engine.pid for engine in scene.started]
    scene.told.lines.clear()
    kill(scene.started[0])
    supervisor.watch(lambda: scene.told.lines[-1:] == ["started third"])
    assert scene.started[1].pid == before[1]
    assert scene.started[2].pid not in (None, before[2])
    assert [line for line in scene.told.lines if line.startswith("start")] == [
        *("starting listener", "started listener", "starting third", "started third"),
    ]
    # Ours was ended by us: that is no crash of its own.
    assert [line for line in scene.told.lines if "third ended" in line] == []


def test_what_ends_again_and_again_stops_everything(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sellers.supervisor.PAUSE_S", 0.01)
    supervisor = scene.supervise([Listener], [Second])
    supervisor.start()

    def kill_it_again() -> bool:
        kill(scene.started[1])
        return False

    with pytest.raises(CrashedTooOftenError, match="second ends again and again"):
        supervisor.watch(kill_it_again)
    assert "that was 6 times within a minute" in scene.told.lines[-1]


def test_what_does_not_start_is_said_with_its_last_lines(scene: Scene) -> None:
    supervisor = scene.supervise([Listener], [Failing])
    with pytest.raises(StartFailedError, match="no such table: towels"):
        supervisor.start()
    supervisor.stop()
    assert scene.started[0].pid is None


def test_what_does_not_start_again_is_told_each_time_with_its_own_lines(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sellers.supervisor.PAUSE_S", 0.01)
    supervisor = scene.supervise([Listener], [FailingSecondTime])
    supervisor.start()
    kill(scene.started[1])
    with pytest.raises(CrashedTooOftenError):
        supervisor.watch(within(20))
    ends = [line for line in scene.told.lines if "towels" in line]
    assert ends[0] == (
        "fickle ended while starting: no such table: towels: "
        "starting it again (2 of 5 within a minute)"
    )
    assert len(ends) == 5


def test_a_signal_ends_the_watching_at_once(scene: Scene) -> None:
    supervisor = scene.supervise([Listener], [])
    supervisor.start()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    began = time.monotonic()
    with pytest.raises(StopAskedError):
        supervisor.watch(within(10))
    assert time.monotonic() - began < 5
