"""Three Apache Kafka nodes, of which some are lost; each record has three copies, or two at least.

The settings that production needs (`acks=all`, `min.insync.replicas=2`), at the size of a test.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from sellers.engines import ApacheCluster, ApacheKafka, SecantusMongo
from tests.faults.plant import Plant
from tests.faults.platform import FaultError
from tests.faults.scenario import Load, Told, compare, load, telling

IN_SYNC_S = 120.0
AWAY_S = 6.0
# Longer than the platform waits for an acknowledgement, so that it has to say that it has none.
TOO_FEW_S = 15.0
ENGINES = "Apache Kafka, three nodes; SecantusDB"


@contextmanager
def servers(work: Path) -> Iterator[tuple[ApacheCluster, SecantusMongo]]:
    cluster, store = ApacheCluster(work / "cluster"), SecantusMongo(work / "mongo")
    try:
        store.launch()
        cluster.start()
        store.wait_ready()
        yield cluster, store
    finally:
        cluster.stop()
        store.stop()


def one_after_the_other(work: Path, seed: int = 1, kills: int = 2) -> Told:
    """Kill -9 one node, start it again, kill another one as soon as every copy is there again."""
    told = Told("one of three brokers killed, then another", ENGINES)
    order = Random(seed).sample(range(3), 3)
    with (
        telling(told),
        servers(work) as (cluster, store),
        Plant(work, cluster, store) as plant,
        load(plant, work, first=seed) as running,
    ):
        for number in range(kills):
            node = cluster.nodes[order[number % 3]]
            told.say(lose(cluster, node, running))
            cluster.start()
            in_sync(cluster)
            running.goes_on()
        compare(plant, running, cluster.address, told)
    return told


def two_at_once(work: Path, seed: int = 1) -> Told:
    """With two nodes away nothing may be acknowledged; with them back, it goes on by itself."""
    told = Told("two of three brokers killed at once", ENGINES)
    with (
        telling(told),
        servers(work) as (cluster, store),
        Plant(work, cluster, store) as plant,
        load(plant, work, first=seed) as running,
    ):
        first, second, _ = cluster.nodes
        began = time.monotonic()
        first.kill()
        second.kill()
        running.for_s(2.0)
        touches = sum(len(t) for one in running.ledgers for t in one.touches.values())
        running.for_s(TOO_FEW_S)
        more = sum(len(t) for one in running.ledgers for t in one.touches.values()) - touches
        told.check(not more, f"{more} touches acknowledged with one broker of three")
        # A node answers only when it has heard of all: neither comes up without the other.
        cluster.start()
        in_sync(cluster)
        running.goes_on()
        told.say(f"no touch acknowledged for {running.longest_gap_s(began):.1f} s")
        compare(plant, running, cluster.address, told)
    return told


def lose(cluster: ApacheCluster, node: ApacheKafka, running: Load) -> str:
    """Kill one node amid the load, and let the load go on without it."""
    leads = asyncio.run(_leaders(cluster.address))[node.node]
    began = time.monotonic()
    node.kill()
    running.goes_on()
    running.for_s(AWAY_S)
    gap = running.longest_gap_s(began)
    return f"node {node.node}, leader of {leads} partitions: {gap:.1f} s without an acknowledgement"


def in_sync(cluster: ApacheCluster, copies: int = 3) -> None:
    """Wait until every copy of every partition has what its leader has."""
    asyncio.run(_in_sync(cluster.address, copies))


async def _in_sync(address: str, copies: int) -> None:
    deadline = time.monotonic() + IN_SYNC_S
    behind: list[str] = ["nobody answered"]
    while behind:
        if time.monotonic() > deadline:
            raise FaultError(f"not in sync within {IN_SYNC_S:g} s: {behind[:3]}")
        await asyncio.sleep(0.2)
        found = await _partitions(address)
        behind = [name for name, part in found.items() if len(part["isr"]) < copies]


async def _leaders(address: str) -> Counter[int]:
    return Counter(part["leader"] for part in (await _partitions(address)).values())


async def _partitions(address: str) -> dict[str, Any]:
    deadline = time.monotonic() + IN_SYNC_S
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
        try:
            await admin.start()
            described = await admin.describe_topics()
        except (KafkaError, OSError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return {
                f"{topic['topic']}/{part['partition']}": part
                for topic in described
                for part in topic["partitions"]
            }
        finally:
            await admin.close()
