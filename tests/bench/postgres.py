"""A PostgreSQL for the length of one measurement, where its programs are found.

It keeps what it does by default: a commit is answered when its log is on the disk (`fsync`,
`synchronous_commit`). It refuses to run as root, so root lends it the user `nobody` and a folder of
its own.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sellers.engines import complete
from sellers.processes import HOST, Engine, EngineMissingError, receive

if TYPE_CHECKING:
    import socket

PROGRAMS = Path("/usr/lib/postgresql")
USER, DATABASE = "bench", "postgres"
LENT = "nobody"
INITDB_S = 60
PROTOCOL = 196_608
ASKS_FOR_PASSWORD = b"R"


def programs() -> Path:
    """Return the folder of `initdb` and `postgres`: of the path, or of the newest of Debian's.

    Raises:
        EngineMissingError: they are not on this machine.

    """
    told = shutil.which("postgres")
    versions = sorted(PROGRAMS.glob("*/bin"), key=lambda folder: -float(folder.parent.name))
    for folder in [*([Path(told).resolve().parent] if told else []), *versions]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise EngineMissingError("PostgreSQL is not on this machine: neither on the path nor Debian's")


class Postgres(Engine):
    """One server on the loopback interface, for who knows its password."""

    name = "PostgreSQL"
    embedded = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "data")
        self._programs = programs()
        self._password = secrets.token_hex()

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def command(self) -> Sequence[str | Path]:
        where = ("-h", HOST, "-p", str(self.port), "-c", "unix_socket_directories=")
        return (*_lent(), self._programs / "postgres", "-D", self.data_dir, *where)

    def prepare(self) -> None:
        if (self.data_dir / "PG_VERSION").exists():
            return
        said = self.data_dir.with_name("password")
        said.write_text(self._password)
        if os.geteuid() == 0:
            for path in (self.data_dir.parent, self.data_dir, said):
                shutil.chown(path, LENT, pwd.getpwnam(LENT).pw_gid)
        how = (f"--username={USER}", f"--pwfile={said}", "--auth=scram-sha-256", "--encoding=UTF8")
        words = (*_lent(), self._programs / "initdb", "-D", self.data_dir, *how)
        complete(words, INITDB_S, "initdb")

    def answers(self, connection: socket.socket) -> bool:
        told = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
        connection.sendall(struct.pack(">ii", 8 + len(told), PROTOCOL) + told)
        return receive(connection, 1) == ASKS_FOR_PASSWORD

    def ask_to_end(self) -> None:
        """Tell it not to wait for whoever is connected."""
        self._signal(signal.SIGINT)

    def settings(self) -> Mapping[str, str]:
        """Say where it is, as the `eventsourcing` package wants to be told."""
        return {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": DATABASE,
            "POSTGRES_HOST": HOST,
            "POSTGRES_PORT": str(self.port),
            "POSTGRES_USER": USER,
            "POSTGRES_PASSWORD": self._password,
        }


def _lent() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    user, group = LENT, pwd.getpwnam(LENT).pw_gid
    # Who changes its user is not ended with us any more, unless it asks for that again.
    end = signal.Signals(Postgres.orphaned).name
    words = (f"--reuid={user}", f"--regid={group}", "--clear-groups", f"--pdeathsig={end}")
    return (shutil.which("setpriv") or "setpriv", *words)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start one in a folder of its own, and leave nothing of it.

    Raises:
        EngineMissingError: it is not on this machine.
        EngineError: it does not start; the message ends with its last words.

    """
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as folder:
        server = Postgres(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()
