"""The disk of the store is full: nothing is acknowledged that is not kept.

The store's data lies on a small file system in memory (which takes the right to mount one); a file
that takes all that is left makes it full, and is removed again.
"""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sellers.engines import NoidaKafka, SecantusMongo
from sellers.processes import EngineMissingError
from tests.conftest import running as started
from tests.faults.plant import Plant
from tests.faults.scenario import Told, compare, load, telling

SIZE_MB = 900
FULL_S = 15.0
CHUNK = 1 << 20


def may_mount() -> str | None:
    """Say why a small disk cannot be mounted here; None: it can."""
    return None if os.geteuid() == 0 else "only root may mount the small disk that this fills"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own under this folder."""
    folder.mkdir()
    if (why := may_mount()) is not None:
        raise EngineMissingError(why)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "sellers-faults", folder], check=True
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def full(folder: Path) -> Iterator[int]:
    """Take every byte that is left; give them back afterwards."""
    ballast, written = folder / "ballast", 0
    with ballast.open("wb", buffering=0) as file:
        chunk = CHUNK
        while chunk:
            try:
                written += file.write(b"\0" * chunk)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                chunk //= 2
    try:
        yield written
    finally:
        ballast.unlink()


def full_disk(work: Path, seed: int = 1) -> Told:
    told = Told("disk of the store full", "noida-db; SecantusDB")
    with (
        telling(told),
        small_disk(work / "disk") as disk,
        started(NoidaKafka(work / "kafka")) as log,
        started(SecantusMongo(disk / "mongo", log_file=work / "mongo.log")) as store,
        Plant(work, log, store) as plant,
        load(plant, work, first=seed) as running,
    ):
        with full(disk) as taken:
            told.check(taken > 0, "the disk was full before")
            began = time.monotonic()
            more = running.for_s(FULL_S)
            told.say(f"full for {FULL_S:g} s: {more} acknowledged meanwhile")
            told.say(f"the store {'ended' if store.pid is None else 'went on running'}")
        # It has met an error of its disk and may never write again: whoever runs it ends it. Not in
        # good order: what it acknowledged has to be on the disk that was full.
        store.kill()
        store.start()
        running.goes_on(within_s=120.0)
        told.say(f"{running.longest_gap_s(began):.1f} s without an acknowledgement")
        compare(plant, running, log.address, told, embedded=True)
    return told
