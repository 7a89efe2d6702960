"""The servers that tests run against, started once for the whole session.

Which ones: `KAFKA_BOOTSTRAP` / `MONGO_URL` when given; else what `SELLERS_TEST_ENGINE` says:
`docker` (containers), `apache` (Apache Kafka from its jars), `cluster` (three nodes of it, three
copies of each record, two of which must be there), or `embedded` (the default). Tests keep apart
by `namespace`, a prefix for databases and topics. A missing server skips on a developer's machine
and fails in CI: a suite that did not run must never look green.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from sellers.engines import ApacheCluster, ApacheKafka, NoidaKafka, SecantusMongo
from sellers.processes import Engine, EngineMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHOICES = ("embedded", "apache", "cluster", "docker")
# The store has no such choice: where Kafka comes from its jars, documents are in the embedded one.
JARS = {"apache": ApacheKafka, "cluster": ApacheCluster}
KAFKA_IMAGE = "apache/kafka:4.1.0"
MONGO_IMAGE = "mongo:8.0"
USED = pytest.StashKey[dict[str, str]]()


@dataclass(frozen=True)
class GivenServer:
    """A server that somebody else runs: all we know is where it is."""

    name: str
    address: str
    embedded: bool = False


def choice() -> str:
    chosen = os.environ.get("SELLERS_TEST_ENGINE", "embedded")
    if chosen not in CHOICES:
        raise pytest.UsageError(f"SELLERS_TEST_ENGINE={chosen}: it can be {', '.join(CHOICES)}")
    return chosen


def pytest_configure(config: pytest.Config) -> None:
    config.stash[USED] = {}


def pytest_report_header(config: pytest.Config) -> str:
    log = os.environ.get("KAFKA_BOOTSTRAP") or choice()
    store = os.environ.get("MONGO_URL") or choice()
    return f"servers: log {log}, documents {'embedded' if store in JARS else store}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for what, which in config.stash[USED].items():
        terminalreporter.write_line(f"{what}: {which}")


@contextmanager
def missing_is_a_skip() -> Iterator[None]:
    try:
        yield
    except EngineMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@contextmanager
def running(engine: Any) -> Iterator[Any]:
    """Start a server, or a cluster of them, and stop it."""
    with missing_is_a_skip():
        engine.start()
    try:
        yield engine
    finally:
        engine.stop()


@contextmanager
def container(kind: str) -> Iterator[GivenServer]:
    """A server in Docker. Imported here: without Docker nothing of testcontainers is needed."""
    import docker
    from testcontainers.kafka import KafkaContainer
    from testcontainers.mongodb import MongoDbContainer

    with missing_is_a_skip():
        try:
            docker.from_env().ping()
        except docker.errors.DockerException as error:
            raise EngineMissingError(f"Docker does not answer: {error}") from error
    if kind == "kafka":
        with KafkaContainer(KAFKA_IMAGE).with_kraft() as kafka:
            yield GivenServer(KAFKA_IMAGE, kafka.get_bootstrap_server())
        return
    # Transactions need a replica set, and one node is enough for one.
    node = MongoDbContainer(MONGO_IMAGE).with_command("--replSet rs0 --bind_ip_all")
    with node as mongo:
        mongo.exec(["mongosh", "--quiet", "--eval", "rs.initiate()"])
        where = f"{mongo.get_container_host_ip()}:{mongo.get_exposed_port(27017)}"
        yield GivenServer(MONGO_IMAGE, f"mongodb://{where}/?directConnection=true")


@contextmanager
def log_server(data_dir: Path) -> Iterator[Engine | GivenServer]:
    if given := os.environ.get("KAFKA_BOOTSTRAP"):
        yield GivenServer("KAFKA_BOOTSTRAP", given)
    elif choice() == "docker":
        with container("kafka") as server:
            yield server
    else:
        with running(JARS.get(choice(), NoidaKafka)(data_dir / "kafka")) as engine:
            yield engine


@contextmanager
def document_server(data_dir: Path) -> Iterator[Engine | GivenServer]:
    if given := os.environ.get("MONGO_URL"):
        yield GivenServer("MONGO_URL", given)
    elif choice() == "docker":
        with container("mongo") as server:
            yield server
    else:
        with running(SecantusMongo(data_dir / "mongo")) as engine:
            yield engine


@pytest.fixture(scope="session")
def kafka_engine(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Engine | GivenServer]:
    """The log's server: `.address` is its bootstrap address."""
    with log_server(tmp_path_factory.mktemp("log")) as server:
        pytestconfig.stash[USED]["log"] = f"{server.name} at {server.address}"
        yield server


@pytest.fixture(scope="session")
def mongo_engine(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Engine | GivenServer]:
    """The document store's server: `.address` is its mongodb:// URL."""
    with document_server(tmp_path_factory.mktemp("documents")) as server:
        pytestconfig.stash[USED]["documents"] = f"{server.name} at {server.address}"
        yield server


@pytest.fixture(scope="session")
def apache_kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine | GivenServer]:
    """Real Apache Kafka, whatever the other tests use: for tests marked `kafka`."""
    if choice() != "embedded" or os.environ.get("KAFKA_BOOTSTRAP"):
        yield request.getfixturevalue("kafka_engine")
    else:
        with running(ApacheKafka(tmp_path_factory.mktemp("apache") / "kafka")) as engine:
            yield engine


@pytest.fixture
def namespace() -> str:
    """A prefix of this test's own for topics and databases, valid in both."""
    return f"t{uuid4().hex[:10]}"
