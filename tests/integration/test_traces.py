"""One touch on real servers, in two processes: one trace, and metrics of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import AsyncClient
from prometheus_client.parser import text_string_to_metric_families

from sellers.processes import free_ports
from shared import tracing
from tests.integration.conftest import Platform, until
from tests.observability.collector import Collector, collecting

pytestmark = pytest.mark.connected

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module", autouse=True)
def collector() -> Iterator[Collector]:
    """Before the node opens, and in the environment that the worker inherits."""
    with collecting() as told, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", told.address)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        tracing.start("sellers-node")
        yield told
        tracing.stop()


@pytest.fixture(scope="module", autouse=True)
def port(platform: Platform) -> Iterator[int]:
    """The worker's, which starts later; the node answers Prometheus on its own."""
    with pytest.MonkeyPatch.context() as patch:
        (free,) = free_ports(1)
        patch.setenv("SELLERS_METRICS_PORT", str(free))
        yield free


async def test_a_touch_is_one_trace_through_kafka_and_faust(
    collector: Collector, platform: Platform, worker: Any
) -> None:
    answer = await platform.post(
        "/touches",
        {"person": "person-1", "channel": "call"},
        idempotency_key="traced",
        traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
    )
    assert answer.status_code == 202

    wanted = {
        ("sellers-node", "POST /touches"),
        ("sellers-node", "send touches"),
        ("sellers-node", "process touches"),
        ("sellers-measures", "process touches"),
    }

    async def whole() -> bool:
        return wanted <= {(who, name) for who, name, trace in collector.spans if trace == TRACE}

    assert await until(whole)


async def test_the_worker_and_the_node_are_measured(
    platform: Platform, worker: Any, port: int
) -> None:
    async def lag() -> dict[str, Any]:
        async with AsyncClient() as prometheus:
            answer = await prometheus.get(f"http://127.0.0.1:{port}/metrics")
        found = families(answer.text)
        return found if found["sellers_worker_partitions"].samples else {}

    worker_side = await until(lag)
    (partitions,) = worker_side["sellers_worker_partitions"].samples
    assert partitions.value > 0
    assert worker_side["sellers_projection_batch_duration_seconds"].samples
    node_side = families((await platform.get("/metrics")).text)
    produced = {
        (sample.labels["topic"], sample.labels["outcome"])
        for sample in node_side["sellers_records_produced"].samples
    }
    assert ("touches", "acknowledged") in produced
    # Whoever does not fold the measures says nothing of the worker's partitions.
    assert node_side["sellers_worker_partitions"].samples == []


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}
