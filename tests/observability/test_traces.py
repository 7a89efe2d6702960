"""One touch is one trace, from the request through the log to every view and to the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import SpanKind

from shared.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TOUCH = {
    "person": "person-kim.min.jun",
    "channel": "call",
    "employee": "kim@example.com",
    "note": "told about the surgery of her father",
}


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def parent_of(span: ReadableSpan) -> str:
    assert span.parent is not None
    return f"{span.parent.span_id:016x}"


def id_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


@pytest.mark.parametrize("engine", ["kafka", "embedded"])
async def test_one_touch_is_one_trace(
    spans: InMemorySpanExporter, open_platform: Any, engine: Any
) -> None:
    async with open_platform(Settings(engine=engine)) as platform:
        answer = await platform.client.post(
            "/touches?source=shop-of-lee",
            json=TOUCH,
            headers={"Idempotency-Key": "a", "traceparent": f"00-{TRACE}-{CALLER}-01"},
        )
        assert answer.status_code == 202, answer.text
        await platform.settle()
    (request,), (send,) = named(spans, "POST /touches"), named(spans, "send touches")
    processed = named(spans, "process touches")
    assert (request.kind, send.kind) == (SpanKind.SERVER, SpanKind.PRODUCER)
    assert {trace_of(span) for span in (request, send, *processed)} == {TRACE}
    assert (parent_of(request), parent_of(send)) == (CALLER, id_of(request))
    assert {parent_of(span) for span in processed} == {id_of(send)}
    groups = {str(span.attributes["messaging.consumer.group.name"]) for span in processed}
    assert {"person_card", "timeline", "measures"} <= {name.rpartition("_v")[0] for name in groups}
