"""The servers of one machine: a log and a document store. Rule: others see only addresses.

Measured here, with the packages that are locked (see also sellers/processes.py):

NoidaKafka (noida-db): one small binary with its data in memory, written to one file about once a
second. `kill -9` and restart keep everything older than that, and the newest second of
*acknowledged* records may be gone; SIGTERM saves everything, which is why it is also what it gets
when we die. The packaged console script only spawns the server and leaves it behind, so we start
the binary itself.

SecantusMongo (SecantusDB, GPL: a program of its own that we never import): it always presents
itself as the primary of the one-node replica set `secantus`, so transactions need no `replicaSet`
in the address. It honours `j: true` for single writes but not for commits: without
`--sync-on-commit`, `kill -9` lost 2 to 27 acknowledged transactions in each of four kills, about
30 ms of them; with it none in four, at 660-810 instead of 810-850 transactions a second. About 60
MB when idle. A killed writer's open transaction blocks its documents for 60 s.

ApacheKafka: the real broker, from the jars that Maven fetches once into `.cache/kafka`. One
process is broker and controller; several together make a cluster (`ApacheCluster`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sellers.processes import HOST, Engine, EngineError, EngineMissingError, free_ports, receive

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
# Beside our own environment and never on its path: `make setup` puts the servers there.
PROGRAMS = Path(os.environ.get("SELLERS_ENGINES", ROOT / ".venv/engines"))
SITE = PROGRAMS / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
POM = ROOT / "deploy/kafka-local/pom.xml"
STORE_FILES = Path(__file__).with_name("store_files.py")
JARS = Path(os.environ.get("SELLERS_KAFKA_JARS", ROOT / ".cache/kafka"))
MAVEN_SECONDS = 300
FORMAT_SECONDS = 60
CLUSTER = "sellers-on-one-machine"
SAID_CHARS_MAX = 2_000

METADATA_API = 3
OP_MSG = 2013
# {hello: 1, $db: "admin"} as BSON: the one command that we send needs no driver.
HELLO = b"\x10hello\0\1\0\0\0\x02$db\0\6\0\0\0admin\0\0"
PRIMARY = b"\x08isWritablePrimary\0\1"


def program(path: Path) -> Path:
    if not path.exists():
        raise EngineMissingError(f"{path} is not there; `make setup` installs it")
    return path


def complete(words: Sequence[str | Path], within_s: float, failed: str) -> None:
    """Run a program that prepares something to its end.

    Raises:
        EngineError: it failed or took too long; the message ends with its last words.

    """
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{failed}: not done within {within_s:g} s") from error
    if done.returncode:
        said = done.stdout.decode(errors="replace")[-SAID_CHARS_MAX:]
        raise EngineError(f"{failed}: {said or f'exit code {done.returncode}'}")


class KafkaEngine(Engine):
    """Whatever speaks Kafka's protocol: ready when it names its brokers."""

    # Of how many brokers it must know before it counts as ready.
    brokers = 1

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def answers(self, connection: socket.socket) -> bool:
        # Metadata, version 1, for no topic: correlation 1, no client name, an empty array.
        request = struct.pack(">hhihi", METADATA_API, 1, 1, -1, 0)
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", receive(connection, 4))
        _, brokers = struct.unpack(">ii", receive(connection, size)[:8])
        return bool(brokers >= self.brokers)


class NoidaKafka(KafkaEngine):
    """noida-db's Kafka: the default log of one machine."""

    name = "noida-db"

    def command(self) -> Sequence[str | Path]:
        binary = program(SITE / "noida_db/noida-db")
        port = ("--kafka-port", str(self.port))
        return (binary, "start", "--data-dir", self.data_dir, "--only", "kafka", *port)


class SecantusMongo(Engine):
    """SecantusDB: the default document store of one machine."""

    name = "SecantusDB"

    @property
    def address(self) -> str:
        # Direct: there are no other members to ask for.
        return f"mongodb://{HOST}:{self.port}/?directConnection=true"

    def command(self) -> Sequence[str | Path]:
        # Our own configuration, empty: it would otherwise take one from the home directory.
        return (
            program(PROGRAMS / "bin/secantusd-py"),
            *("--host", HOST, "--port", str(self.port), "--storage-path", self.data_dir / "data"),
            *("--config", self.data_dir / "secantusd.toml"),
            *("--sync-on-commit", "--cache-size", "1G", "--log-level", "WARNING"),
        )

    def prepare(self) -> None:
        """Make the tables the first time, with larger pages: sellers/store_files.py says why."""
        (self.data_dir / "secantusd.toml").touch()
        home = self.data_dir / "data"
        if home.exists():
            return
        # Half of them, from a kill in between, count as none.
        partial = self.data_dir / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        words = (program(PROGRAMS / "bin/python"), STORE_FILES, partial)
        complete(words, FORMAT_SECONDS, "SecantusDB's tables could not be made")
        partial.rename(home)

    def answers(self, connection: socket.socket) -> bool:
        document = struct.pack("<i", len(HELLO) + 4) + HELLO
        body = struct.pack("<ix", 0) + document
        connection.sendall(struct.pack("<iiii", len(body) + 16, 1, 0, OP_MSG) + body)
        (size,) = struct.unpack("<i", receive(connection, 4))
        return PRIMARY in receive(connection, size - 4)


class ApacheKafka(KafkaEngine):
    """Apache Kafka in KRaft mode on Java 17; alone, or one node of a cluster."""

    name = "Apache Kafka"
    embedded = False
    # What it has acknowledged is in the operating system's memory or on disk, and a hanging exit
    # helps nobody.
    orphaned = signal.SIGKILL

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        log_file: Path | None = None,
        node: int = 1,
        voters: Mapping[int, int] | None = None,
        brokers: int = 1,
    ) -> None:
        super().__init__(data_dir, port=port, log_file=log_file, start_seconds=90, stop_seconds=15)
        self.node = node
        self.brokers = brokers
        self._voters = voters

    def command(self) -> Sequence[str | Path]:
        return (*self._java("256m"), "kafka.Kafka", self.data_dir / "server.properties")

    def prepare(self) -> None:
        """Write the settings, and format the data directory the first time."""
        (self.data_dir / "server.properties").write_text(self._settings())
        if (self.data_dir / "log/meta.properties").exists():
            return
        # Half a format, from a kill in between, counts as none.
        shutil.rmtree(self.data_dir / "log", ignore_errors=True)
        complete(self._format(), FORMAT_SECONDS, "Apache Kafka's data could not be formatted")

    def _format(self) -> Sequence[str | Path]:
        where = ("--config", self.data_dir / "server.properties", "--cluster-id", CLUSTER)
        return (*self._java("128m"), "kafka.tools.StorageTool", "format", *where)

    def _settings(self) -> str:
        if self._voters is None:
            # Kept for every later start: the port of the controllers is nobody's business but
            # theirs.
            self._voters = {self.node: free_ports(1)[0]}
        copies = min(3, self.brokers)
        settings = {
            "node.id": self.node,
            "process.roles": "broker,controller",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": ",".join(
                f"{node}@{HOST}:{port}" for node, port in self._voters.items()
            ),
            "listeners": f"PLAINTEXT://{self.address},"
            f"CONTROLLER://{HOST}:{self._voters[self.node]}",
            "log.dirs": self.data_dir / "log",
            # Topics are created by name and with their settings, never by a typing mistake.
            "auto.create.topics.enable": "false",
            "default.replication.factor": copies,
            "min.insync.replicas": max(1, copies - 1),
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": max(1, copies - 1),
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": max(1, copies - 1),
            # Tests wait for the first member of a group; three seconds of it would be theirs.
            "group.initial.rebalance.delay.ms": 0,
            # A killed broker may not register again before its old session has ended: 9 s by
            # default.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "log.segment.bytes": 64 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 2,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        }
        return "".join(f"{key}={value}\n" for key, value in settings.items())

    def _java(self, heap: str) -> list[str | Path]:
        java = shutil.which("java")
        if java is None:
            raise EngineMissingError("Apache Kafka needs Java 17; there is no `java` on the path")
        # Quick to start rather than fast for hours: this is a broker for tests and one machine.
        speed = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", f"-Xmx{heap}")
        quiet = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",)
        return [java, *speed, *quiet, "-cp", f"{kafka_jars()}/*"]


class ApacheCluster:
    """Several Apache Kafka nodes, each broker and controller, so that one may be lost."""

    embedded = ApacheKafka.embedded

    def __init__(self, data_dir: Path, *, nodes: int = 3) -> None:
        self.name = f"{ApacheKafka.name}, {nodes} nodes"
        ports = free_ports(2 * nodes)
        voters = dict(enumerate(ports[:nodes], 1))
        self.nodes = [
            ApacheKafka(
                data_dir / f"node-{number}", port=port, node=number, voters=voters, brokers=nodes
            )
            for number, port in enumerate(ports[nodes:], 1)
        ]

    @property
    def address(self) -> str:
        return ",".join(node.address for node in self.nodes)

    def start(self) -> None:
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.wait_ready()

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()


def kafka_jars() -> Path:
    """The folder of the broker's jars, fetched by Maven when our list of them is new."""
    wanted = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    folder = JARS / wanted
    if folder.exists():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise EngineMissingError("Apache Kafka needs `mvn` once, to fetch its jars; there is none")
    JARS.mkdir(parents=True, exist_ok=True)
    with (JARS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            fetch_jars(maven, folder)
    return folder


def fetch_jars(maven: str, folder: Path) -> None:
    """Into a folder beside it first: half a download must never be taken for all of them."""
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    copy = (
        "dependency:copy-dependencies",
        f"-DoutputDirectory={partial}",
        "-DincludeScope=runtime",
    )
    words = (maven, "--quiet", "--batch-mode", "--file", POM, *copy)
    complete(words, MAVEN_SECONDS, "Maven could not fetch Apache Kafka")
    partial.rename(folder)
