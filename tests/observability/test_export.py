"""Spans reach a collector by OTLP over HTTP, as the standard variables say, or nobody."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from shared import tracing

if TYPE_CHECKING:
    from collections.abc import Iterator


class Collector:
    """What a collector is told: each request's path and headers, and the spans by service."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.spans: list[tuple[str, str, str]] = []

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.asked.append((path, headers))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.spans += [
                (named["service.name"], span.name, span.trace_id.hex())
                for scope in resource.scope_spans
                for span in scope.spans
            ]


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield collector
        finally:
            server.shutdown()
            serving.join()


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
