"""Members of groups join, leave and are killed amid the folding: partitions move all the time.

Two groups at once: the Faust workers, and the projectors of two domains beside the node that runs
them, too. Whoever folds what in the end, everything counts once.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from sellers import children
from sellers.client import Api
from shared.cipher import MASTER_KEY_FILE
from tests.faults import export
from tests.faults.campaign import Import, compare_deals
from tests.faults.plant import Plant, folder_of, with_settings
from tests.faults.scenario import Engines, Told, compare, engines, load, telling

CHANGES = 14
# At most so many of a kind beside the plant's own, and so long between two changes.
MEMBERS, PAUSE_S = 2, (0.5, 6.0)
ROWS, BATCH = 600, 10
PROJECTORS = ("contacts", "opportunities")
WORKER = "worker"
FOLDED_S = 400.0


class Projector(children.Node):
    """The projector of one domain, as a pod of its own."""

    part = ""

    def command(self) -> Any:
        return (*super().command(), "projector", self.part)


class Members:
    """Who has joined beside the plant; each under a name, and with files, of its own."""

    def __init__(self, work: Path, servers: Engines, plant: Plant) -> None:
        self._work, self._servers, self._plant = work, servers, plant
        self._held: dict[str, list[Any]] = {kind: [] for kind in (WORKER, *PROJECTORS)}
        self._joined = 0
        self.changes: Counter[str] = Counter()

    def change(self, random: Random) -> None:
        """Let one of a kind join, leave or be killed, or kill the plant's own worker."""
        kind = random.choice((WORKER, WORKER, *PROJECTORS))
        held = self._held[kind]
        if not held or (len(held) < MEMBERS and random.random() < 0.5):
            held.append(self._member(kind))
            self.changes["joined"] += 1
        elif kind == WORKER and self._plant.worker.pid and random.random() < 0.4:
            # It comes back, and finds its partitions with somebody else.
            os.kill(self._plant.worker.pid, signal.SIGKILL)
            self.changes["killed and started again"] += 1
        else:
            self._end(held.pop(random.randrange(len(held))), random)

    def all_leave(self, random: Random) -> None:
        """The plant folds alone from now on, also what it never had before."""
        for held in self._held.values():
            while held:
                self._end(held.pop(), random)

    def stop(self) -> None:
        for held in self._held.values():
            while held:
                held.pop().kill()

    def _member(self, kind: str) -> Any:
        self._joined += 1
        name = f"member-{self._joined}"
        settings: Mapping[str, str] = {
            "SELLERS_INSTANCE": name,
            "SELLERS_MASTER_KEY_FILE": str(self._work / "plant" / MASTER_KEY_FILE),
        }
        base = children.Worker if kind == WORKER else Projector
        made = with_settings(base, None, settings)
        if kind != WORKER:
            made.part = kind
        log, store = self._servers.log, self._servers.store
        member = made(folder_of(self._work / name), log, store, port=None)
        member.launch()
        return member

    def _end(self, member: Any, random: Random) -> None:
        if random.random() < 0.5:
            member.kill()
            self.changes["killed"] += 1
        else:
            member.stop()
            self.changes["left"] += 1


def storm(work: Path, seed: int = 1, kind: str = "kafka", changes: int = CHANGES) -> Told:
    """An import and live touches are folded while nobody keeps a partition for long."""
    told = Told(f"{changes} changes of groups amid the folding: workers, projectors", "")
    random = Random(seed)
    with (
        telling(told),
        engines(work, kind) as servers,
        Plant(work, servers.log, servers.store) as plant,
        load(plant, work, first=seed) as running,
        _members(work, servers, plant) as members,
    ):
        told.engines = servers.name
        folder = export.generate(work / "export", seed, ROWS)
        importing = Import(plant.url, folder, work, BATCH)
        idle = 0
        began = time.monotonic()
        try:
            for number in range(1, changes + 1):
                importing.go_on(number / changes)
                running.for_s(random.uniform(*PAUSE_S))
                backlog = plant.backlog()
                idle += backlog is not None and not backlog.records
                members.change(random)
            seconds = time.monotonic() - began
            importing.finished()
        finally:
            importing.end()
        members.all_leave(random)
        running.goes_on()
        running.stop()
        plant.settle(FOLDED_S)
        told.check(idle < changes / 4, f"{idle} of {changes} changes came when all was folded")
        told.say(", ".join(f"{count} {what}" for what, count in sorted(members.changes.items())))
        told.say(f"within {seconds:.0f} s, {changes - idle} of them with facts to fold")
        with Api(plant.url, patience_s=60.0, actor="faults") as api:
            compare_deals(api, folder, told)
        compare(plant, running, servers.log.address, told, **servers.options)
    return told


@contextmanager
def _members(work: Path, servers: Engines, plant: Plant) -> Iterator[Members]:
    members = Members(work, servers, plant)
    try:
        yield members
    finally:
        members.stop()
