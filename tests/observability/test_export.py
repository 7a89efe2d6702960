"""Spans reach a collector by OTLP over HTTP, as the standard variables say, or nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared import tracing
from tests.observability.collector import collecting


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*tracing.ENDPOINTS, *tracing.PROTOCOLS, "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)


def one_request() -> None:
    on = tracing.active()
    assert on is not None
    with on.request("GET", None) as span:
        span.answered("/contacts", 200)


@pytest.mark.parametrize("service", [None, "our-own-name"])
def test_spans_go_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, service: str | None
) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=ours")
        if service is not None:
            monkeypatch.setenv("OTEL_SERVICE_NAME", service)
        tracing.start("sellers-node")
        one_request()
        tracing.stop()
    assert [(who, name) for who, name, _ in collector.spans] == [
        (service or "sellers-node", "GET /contacts")
    ]
    ((path, headers),) = collector.asked
    assert (path, headers["x-tenant"]) == ("/v1/traces", "ours")
    assert tracing.active() is None


def test_a_collector_that_is_away_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as gone:
        pass
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", gone.address)
    tracing.start("sellers-node")
    one_request()
    tracing.stop()
    assert tracing.active() is None


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "")]
)
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    tracing.start("sellers-node")
    assert tracing.active() is None


def test_another_protocol_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(tracing.TracesRefusedError, match="'grpc'; there is http/protobuf only"):
        tracing.start("sellers-node")


def test_off_nothing_of_the_sdk_is_imported() -> None:
    told = "import sys, sellers.node; print([m for m in sys.modules if m.startswith(%r)])"
    done = subprocess.run(
        [sys.executable, "-c", told % "opentelemetry.sdk"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "[]"
