"""The servers that tests run against, started once for the whole session.

Which ones: `KAFKA_BOOTSTRAP` / `MONGO_URL` when given; else what `SELLERS_TEST_ENGINE` says:
`docker` (containers), `apache` (Apache Kafka from its jars), `real` (the first of these two that
is here), `cluster` (three nodes from the jars, three copies of each record, two of which must be
there), or `embedded` (the default). Where there is no MongoDB, documents are in the embedded store.
Tests keep apart by `namespace`, a prefix for databases and topics. A missing server skips on a
developer's machine and fails in CI: a suite that did not run must never look green. At its end each
run says which servers it used.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from sellers.engines import ApacheCluster, ApacheKafka, NoidaKafka, SecantusMongo
from sellers.processes import Engine, EngineMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHOICES = ("embedded", "apache", "cluster", "docker", "real")
# The store has no such choice: where Kafka comes from its jars, documents are in the embedded one.
JARS = {"apache": ApacheKafka, "real": ApacheKafka, "cluster": ApacheCluster}
REAL = "real"
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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist tells its controller, who is the one that speaks."""
    told: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["servers"] = session.config.stash[USED]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    told = getattr(node, "workeroutput", {}).get("servers", {})
    for what, which in told.items():
        node.config.stash[USED][f"{what}, {node.gateway.id}"] = which


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for what, which in sorted(config.stash[USED].items()):
        terminalreporter.write_line(f"served by: {what}: {which}")


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


def in_docker(kind: str) -> bool:
    """Whether this server is to be a container: it was asked for, or it is the first there is."""
    if choice() != REAL:
        return choice() == "docker"
    from tests.containers import IMAGES, missing

    return missing(IMAGES[kind]) is None


@contextmanager
def contained(kind: str) -> Iterator[GivenServer]:
    """A server in Docker; nothing else needs what is imported here."""
    from tests.containers import container

    with ExitStack() as stack:
        with missing_is_a_skip():
            server = stack.enter_context(container(kind))
        yield server


@contextmanager
def log_server(data_dir: Path) -> Iterator[Engine | GivenServer]:
    if given := os.environ.get("KAFKA_BOOTSTRAP"):
        yield GivenServer("KAFKA_BOOTSTRAP", given)
    elif in_docker("kafka"):
        with contained("kafka") as server:
            yield server
    else:
        with running(JARS.get(choice(), NoidaKafka)(data_dir / "kafka")) as engine:
            yield engine


@contextmanager
def document_server(data_dir: Path) -> Iterator[Engine | GivenServer]:
    if given := os.environ.get("MONGO_URL"):
        yield GivenServer("MONGO_URL", given)
    elif in_docker("mongo"):
        with contained("mongo") as server:
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
