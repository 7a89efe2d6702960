"""The real log and the real store keep the contracts that the memory ports keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.kafka import KafkaLog
from shared.log import Log
from shared.mongo import MongoStore
from shared.store import Store
from shared.testing import GroupContract, LogContract, StoreContract
from shared.testing.log_contract import PARTITIONS

pytestmark = pytest.mark.connected

DATABASES = count()


class TestMongoStore(StoreContract):
    @pytest.fixture
    async def store(self, mongo_engine: Any) -> AsyncIterator[Store]:
        name = f"contract_{uuid4().hex[:8]}_{next(DATABASES)}"
        store = await MongoStore.open(mongo_engine.address, name, "contract")
        yield store
        for collection in await store.collections():
            await store.drop(collection)
        await store.close()


class TestKafkaLog(LogContract):
    @pytest.fixture
    async def log(self, kafka_engine: Any) -> AsyncIterator[Log]:
        log = await KafkaLog.open(kafka_engine.address, embedded=kafka_engine.embedded)
        yield log
        await log.close()

    @pytest.fixture
    async def topic(self, kafka_engine: Any) -> str:
        name = f"contract-{uuid4().hex[:12]}"
        await made(kafka_engine.address, name)
        return name


@pytest.mark.kafka
@pytest.mark.timeout(180)
class TestKafkaGroups(GroupContract):
    """On Apache Kafka: the embedded broker breaks with several members of a group."""

    @pytest.fixture
    async def log(self, apache_kafka: Any) -> AsyncIterator[Log]:
        log = await KafkaLog.open(apache_kafka.address, embedded=False)
        yield log
        await log.close()

    @pytest.fixture
    async def topic(self, apache_kafka: Any) -> str:
        name = f"contract-{uuid4().hex[:12]}"
        await made(apache_kafka.address, name)
        return name


async def made(address: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
        async with asyncio.timeout(30):
            # Only asking again tells that a broker has heard of a topic.
            while topic not in await admin.list_topics():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await admin.close()
