"""Somebody is slow, or wrong about the time: a worker that sleeps, a subscriber that is deaf."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sellers.processes import HOST
from tests.faults.plant import Plant
from tests.faults.scenario import Told, compare, engines, load, telling

ASLEEP_S = 15.0
UNREAD_S = 15.0
# A day ahead, a day behind, and a little behind: what a clock that is set right again does.
JUMPS_S = (86_400.0, -86_400.0, -90.0, 0.0)
STEP_S = 3.0


def slow_consumers(work: Path, seed: int = 1, kind: str = "kafka") -> Told:
    """The worker stands still and subscribers never read; nobody else waits for them."""
    told = Told("the worker stopped, subscribers that do not read", "")
    with (
        telling(told),
        engines(work, kind) as servers,
        Plant(work, servers.log, servers.store) as plant,
        load(plant, work, first=seed) as running,
    ):
        told.engines = servers.name
        usual = running.for_s(UNREAD_S) / UNREAD_S
        with _deaf(plant, 10):
            rate = running.for_s(UNREAD_S) / UNREAD_S
            told.say(
                f"{rate:.0f} acknowledged a second beside 10 deaf subscribers, {usual:.0f} before"
            )
            assert plant.worker.pid is not None
            os.kill(plant.worker.pid, signal.SIGSTOP)
            running.for_s(ASLEEP_S)
            backlog = plant.backlog()
            behind = 0 if backlog is None else backlog.unfolded.get(_measures(backlog.unfolded), 0)
            os.kill(plant.worker.pid, signal.SIGCONT)
            told.check(behind > 0, "the worker missed nothing while it stood still")
            told.say(f"the worker stood still for {ASLEEP_S:g} s and {behind} facts")
            running.goes_on()
        compare(plant, running, servers.log.address, told, **servers.options)
    return told


def _measures(collections: dict[str, int]) -> str:
    return next(name for name in collections if name.startswith("measures"))


@contextmanager
def _deaf(plant: Plant, count: int) -> Iterator[None]:
    """Ask for every change of a view, and read none of them."""
    asked = f"GET /views/person_card/changes HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    sockets = [socket.create_connection((HOST, plant.node.port)) for _ in range(count)]
    try:
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            each.sendall(asked)
        answer = sockets[0].recv(64)
        assert b" 200 " in answer, answer
        yield
    finally:
        for each in sockets:
            each.close()


def clock_jumps(work: Path, seed: int = 1, kind: str = "embedded") -> Told:
    """The clock of every process jumps by a day, forth and back, amid the load."""
    told = Told("clocks jump by a day, forth and back", "")
    clock = work / "clock.txt"
    settings = {"FAULTS_CLOCK": str(clock)}
    through = "tests.faults.jumping"
    with (
        telling(told),
        engines(work, kind) as servers,
        Plant(work, servers.log, servers.store, through=through, settings=settings) as plant,
        load(plant, work, first=seed) as running,
    ):
        told.engines = servers.name
        began = time.monotonic()
        for seconds in JUMPS_S:
            partial = clock.with_suffix(".partial")
            partial.write_text(str(seconds))
            partial.replace(clock)
            running.for_s(STEP_S)
            running.goes_on()
        told.say(f"{running.longest_gap_s(began):.1f} s without an acknowledgement")
        # What is decided without a date is of the day that the clock says: a number that was given
        # tomorrow is newer than today's.
        options = {**servers.options, "dated": False}
        compare(plant, running, servers.log.address, told, **options)
    return told
