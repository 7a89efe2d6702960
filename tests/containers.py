"""Servers in Docker, through testcontainers; imported only where somebody asks for them.

Apache's own images: testcontainers' `KafkaContainer` starts Confluent's by their scripts, and its
`MongoDbContainer` asks for passwords, which a replica set refuses without a key file.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import docker
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from sellers.processes import HOST, EngineError, EngineMissingError, free_ports
from tests.conftest import GivenServer

KAFKA_IMAGE = "apache/kafka:4.1.0"
MONGO_IMAGE = "mongo:8.0"
IMAGES = {"kafka": KAFKA_IMAGE, "mongo": MONGO_IMAGE}
START_S = 120
POLL_S = 0.2
CLIENTS, CONTROLLERS, DOCUMENTS = 9092, 9093, 27017


def missing(image: str) -> str | None:
    """Say why no container of this image can run here; None: one can."""
    try:
        with closing(docker.from_env(timeout=START_S)) as client:
            client.ping()
            try:
                client.images.get(image)
            except docker.errors.ImageNotFound:
                client.images.pull(image)
    except docker.errors.DockerException as error:
        return f"Docker cannot run {image}: {error}"
    return None


@contextmanager
def container(kind: str) -> Iterator[GivenServer]:
    """Start a log or a document store, until the block is left.

    Raises:
        EngineMissingError: there is no Docker, or no such image.

    """
    if (why := missing(IMAGES[kind])) is not None:
        raise EngineMissingError(why)
    with _kafka() if kind == "kafka" else _mongo() as server:
        yield server


@contextmanager
def _kafka() -> Iterator[GivenServer]:
    # It tells clients its port, so the port has to be known before it starts.
    (port,) = free_ports(1)
    node = DockerContainer(KAFKA_IMAGE).with_bind_ports(CLIENTS, port)
    for name, value in _kafka_settings(port).items():
        node = node.with_env(f"KAFKA_{name}", value)
    started = LogMessageWaitStrategy(re.compile(r"Kafka Server started"))
    with node.waiting_for(started.with_startup_timeout(START_S)):
        yield GivenServer(f"{KAFKA_IMAGE} in Docker", f"{HOST}:{port}")


def _kafka_settings(port: int) -> dict[str, str]:
    """Return the settings of one node that is broker and controller, as in sellers/engines.py."""
    return {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "LISTENERS": f"PLAINTEXT://:{CLIENTS},CONTROLLER://:{CONTROLLERS}",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://{HOST}:{port}",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "CONTROLLER_QUORUM_VOTERS": f"1@localhost:{CONTROLLERS}",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }


@contextmanager
def _mongo() -> Iterator[GivenServer]:
    """Transactions need a replica set, and one node is enough for one."""
    node = DockerContainer(MONGO_IMAGE).with_command("--replSet rs0 --bind_ip_all")
    listening = LogMessageWaitStrategy(re.compile(r"Waiting for connections"))
    waited = node.with_exposed_ports(DOCUMENTS).waiting_for(listening.with_startup_timeout(START_S))
    with waited as mongo:
        _shell(mongo, "rs.initiate()")
        deadline = time.monotonic() + START_S
        while not json.loads(_shell(mongo, "JSON.stringify(db.hello().isWritablePrimary)")):
            if time.monotonic() > deadline:
                raise EngineError(f"{MONGO_IMAGE} became no primary within {START_S} s")
            time.sleep(POLL_S)
        where = f"{mongo.get_container_host_ip()}:{mongo.get_exposed_port(DOCUMENTS)}"
        yield GivenServer(f"{MONGO_IMAGE} in Docker", f"mongodb://{where}/?directConnection=true")


def _shell(mongo: DockerContainer, script: str) -> str:
    code, said = mongo.exec(["mongosh", "--quiet", "--eval", script])
    text = said.decode(errors="replace").strip()
    if code:
        raise EngineError(f"{MONGO_IMAGE}: {text}")
    return text
