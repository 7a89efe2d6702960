"""The servers in Docker keep the same contracts. They run wherever a Docker engine has the images.

Elsewhere this is a skip also in CI: those servers are then chosen from what comes after them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from shared.kafka import KafkaLog
from shared.log import Log, TopicSpec
from shared.mongo import MongoStore
from shared.store import Store
from shared.testing import GroupContract, LogContract, StoreContract
from shared.testing.log_contract import PARTITIONS
from tests.containers import IMAGES, container, missing

pytestmark = [pytest.mark.connected, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def kafka() -> Iterator[Any]:
    yield from _contained("kafka")


@pytest.fixture(scope="module")
def mongo() -> Iterator[Any]:
    yield from _contained("mongo")


def _contained(kind: str) -> Iterator[Any]:
    if (why := missing(IMAGES[kind])) is not None:
        pytest.skip(why)
    with container(kind) as server:
        yield server


class TestKafkaInDocker(LogContract, GroupContract):
    @pytest.fixture
    async def log(self, kafka: Any) -> AsyncIterator[Log]:
        log = await KafkaLog.open(kafka.address, embedded=False)
        yield log
        await log.close()

    @pytest.fixture
    async def topic(self, log: KafkaLog, namespace: str) -> str:
        await log.create_topics([TopicSpec(namespace, PARTITIONS)])
        return namespace


class TestMongoInDocker(StoreContract):
    @pytest.fixture
    async def store(self, mongo: Any, namespace: str) -> AsyncIterator[Store]:
        store = await MongoStore.open(mongo.address, namespace, "test")
        yield store
        await store.close()
