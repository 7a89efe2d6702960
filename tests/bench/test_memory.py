"""Memory is told of the same process at work, from a tenth of its work on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.kafka.log import KafkaLog
from shared.mongo import MongoStore
from shared.topics import load_topics
from tests.bench.live import Servers
from tests.bench.memory import Held, api, held, projector
from tests.bench.replay import fill
from tests.bench.taking import SINGLE_AT_ONCE
from tests.conftest import document_server, log_server

FACTS, REQUESTS = 200, 100


def test_memory_is_told_from_a_tenth_on_and_at_most() -> None:
    looks = [(0, 900.0), (5, 800.0), (10, 100.0), (50, 130.0), (100, 120.0)]
    assert held(looks, 100) == Held(100, tenth=100.0, most=130.0)
    assert held(looks, 100).ratio == 1.3


def test_who_looked_only_at_the_end_has_seen_nothing() -> None:
    with pytest.raises(RuntimeError, match="nobody looked"):
        held([(0, 100.0), (5, 100.0), (100, 100.0)], 100)


@pytest.mark.connected
@pytest.mark.timeout(300)
async def test_an_api_and_a_projector_are_looked_at_while_they_work(tmp_path: Path) -> None:
    with log_server(tmp_path) as kafka, document_server(tmp_path) as mongo:
        servers = Servers(kafka.address, mongo.address, tmp_path, "held_", kafka.embedded)
        log: Any = await KafkaLog.open(servers.log, embedded=servers.embedded)
        store = await MongoStore.open(servers.mongo, "held_contacts", "bench")
        try:
            await log.create_topics(load_topics())
            taken = await api(servers, REQUESTS)
            told = await fill(log, FACTS)
            folding = await projector(log, store, servers)
        finally:
            await store.close()
            await log.close()
    assert REQUESTS <= taken.done < REQUESTS + SINGLE_AT_ONCE
    assert folding.done > told >= FACTS
    assert min(taken.tenth, folding.tenth) > 20
    assert min(taken.ratio, folding.ratio) >= 1
