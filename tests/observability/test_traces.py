"""One touch is one trace, from the request through the log to every view and to the figures."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from opentelemetry.trace import SpanKind, StatusCode

from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.events.organization import EmployeeJoined
from shared.log import LogUnavailableError
from shared.memory import MemoryLog, MemoryStore
from shared.otel import SPANS_MAX
from shared.policies import Policy, Reaction
from shared.projector import Projector
from shared.publisher import HEADERS
from shared.settings import Settings
from shared.sinks import ViewSink
from shared.testing import recorded
from shared.tests.served import app_of, join
from shared.tests.tiny import Assign, build, card_projection, running, tiny_domain
from shared.tracing import carried, processing, traced

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


# What spans say; all of it is of OpenTelemetry's conventions for HTTP, messaging and CloudEvents.
SAID = {
    *("http.request.method", "http.route", "http.response.status_code", "error.type"),
    *("messaging.system", "messaging.operation.name", "messaging.operation.type"),
    *("messaging.destination.name", "messaging.destination.partition.id"),
    *("messaging.kafka.offset", "messaging.message.id", "messaging.consumer.group.name"),
    *("messaging.batch.message_count", "cloudevents.event_id", "cloudevents.event_type"),
}
PRIVATE = ("kim", "surgery", "lee", "example", "?", "person-", "employee-")


async def test_no_span_says_who_it_is_about(
    spans: InMemorySpanExporter, open_platform: Any
) -> None:
    async with open_platform(Settings()) as platform:
        headers = {"Idempotency-Key": "kim", "X-Actor": "employee-lee"}
        await platform.client.post("/touches?source=lee", json=TOUCH, headers=headers)
        await platform.client.get("/contacts/people/kim.min.jun?fields=name&email=kim@example.com")
        await platform.client.get("/kim.min.jun")
        await platform.client.post("/touches", json=TOUCH | {"person": "kim"})
        await platform.settle()
    finished = spans.get_finished_spans()
    assert {"POST /touches", "GET /contacts/people/{person}", "GET", "send touches"} <= {
        span.name for span in finished
    }
    for span in finished:
        assert set(span.attributes or ()) <= SAID
        told = f"{span.name} {dict(span.attributes or {})} {span.status.description} {span.events}"
        assert [word for word in PRIVATE if word in told] == [], told


async def test_a_decision_and_what_a_policy_makes_of_it_are_one_trace(
    spans: InMemorySpanExporter,
) -> None:
    policy = Policy("welcome")

    @policy.on(EmployeeJoined)
    def welcome(event: EmployeeJoined, at: Envelope) -> list[Reaction]:
        return [Reaction(at.stream, Assign(unit="unit-new"))]

    runtime = build(tiny_domain(card_projection(), policies=(policy,)))
    async with running(runtime):
        transport = ASGITransport(app_of(runtime))
        async with AsyncClient(transport=transport, base_url="http://tiny") as client:
            joined = await join(client, "ada", traceparent=f"00-{TRACE}-{CALLER}-01")
            assert joined.status_code == 202
            async with asyncio.timeout(10):
                while len(named(spans, "process organization")) < 6:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
    sent = named(spans, "send organization")
    assert [span.attributes["cloudevents.event_type"] for span in sent] == [
        "organization.employee_joined.v1",
        "organization.employee_assigned.v1",
    ]
    (request,) = named(spans, "POST /organization/employees/{employee}/join")
    assert {trace_of(span) for span in (request, *sent)} == {TRACE}
    assert {parent_of(span) for span in sent} == {id_of(request)}


@pytest.mark.parametrize("flags", ["00", None])
async def test_a_trace_that_nobody_keeps_costs_no_span_and_is_carried_on(
    spans: InMemorySpanExporter, flags: str | None
) -> None:
    log = MemoryLog(1)
    parent = None if flags is None else f"00-{TRACE}-{CALLER}-{flags}"
    fact = joined(parent)
    await traced(log).append("organization", fact.stream, encode(fact), HEADERS)
    (record,) = log.records("organization")
    assert dict(record.headers).get("traceparent", b"").decode() == (parent or "")
    await projector(log).absorb([record])
    assert spans.get_finished_spans() == ()


async def test_of_many_those_that_somebody_looks_at_have_spans(
    spans: InMemorySpanExporter,
) -> None:
    together: list[int] = []

    class Noting(MemoryLog):
        async def append_many(self, topic: str, records: Any, headers: Any = ()) -> None:
            together.append(len(records))
            await MemoryLog.append_many(self, topic, records, headers)

    log = Noting(1)
    flags = ["00", "01", None, "00", "01", "00"]
    facts = [
        joined(None if flag is None else f"00-{TRACE}-{CALLER}-{flag}", f"employee-{number}")
        for number, flag in enumerate(flags)
    ]
    sent = [(fact.stream, encode(fact)) for fact in facts]
    await traced(log).append_many("organization", sent, HEADERS)
    carried_on = {
        (record.key or b"").decode(): dict(record.headers).get("traceparent", b"").decode()
        for record in log.records("organization")
    }
    assert len(carried_on) == len(sent)
    for fact, flag in zip(facts, flags, strict=True):
        told = carried_on[fact.stream]
        if flag == "01":
            assert told.startswith(f"00-{TRACE}-")
            assert told != fact.traceparent  # Its own span, which the next one follows.
        else:
            assert told == (fact.traceparent or "")
    assert len(named(spans, "send organization")) == flags.count("01")
    assert sorted(together) == [1, 3]


async def test_what_is_read_again_adds_nothing_to_an_old_trace(
    spans: InMemorySpanExporter,
) -> None:
    log, kept = MemoryLog(1), f"00-{TRACE}-{CALLER}-01"
    old = replace(joined(kept), recorded_at=datetime.now(UTC) - timedelta(minutes=11))
    await log.append("organization", old.stream, encode(old), HEADERS)
    await projector(log).absorb(log.records("organization"))
    assert spans.get_finished_spans() == ()


async def test_a_batch_has_few_spans_and_links_to_the_rest(spans: InMemorySpanExporter) -> None:
    log = MemoryLog(1)
    for number in range(40):
        fact = joined(f"00-{TRACE}-{CALLER}-01", f"employee-{number}")
        await traced(log).append("organization", fact.stream, encode(fact), HEADERS)
    await projector(log).absorb(log.records("organization"))
    processed = named(spans, "process organization")
    assert len(processed) == SPANS_MAX
    first = min(processed, key=lambda span: span.attributes["messaging.kafka.offset"])
    assert [len(span.links) for span in processed if span is not first] == [0] * (SPANS_MAX - 1)
    sent = named(spans, "send organization")
    assert [link.context.span_id for link in first.links] == [
        span.context.span_id for span in sent[SPANS_MAX:]
    ]
    assert {span.attributes["messaging.batch.message_count"] for span in processed} == {40}


async def test_a_span_tells_of_a_fact_that_was_set_aside(spans: InMemorySpanExporter) -> None:
    log = MemoryLog(1)
    for who, name in (("employee-1", "poison"), ("employee-2", "Ada")):
        fact = joined(f"00-{TRACE}-{CALLER}-01", who, name)
        await traced(log).append("organization", fact.stream, encode(fact), HEADERS)
    await projector(log).absorb(log.records("organization"))
    poisoned, fine = named(spans, "process organization")
    assert (poisoned.status.status_code, fine.status.status_code) == (
        StatusCode.ERROR,
        StatusCode.UNSET,
    )
    assert poisoned.attributes["error.type"] == "parked"


async def test_a_record_that_is_sent_again_is_the_same_record(
    spans: InMemorySpanExporter,
) -> None:
    """A log knows by all of a record, header included, that somebody sends it again."""
    log = MemoryLog(1)
    sender, fact = traced(log), joined(f"00-{TRACE}-{CALLER}-01")
    log.land_by(lambda _topic, _key: "unacknowledged")
    with pytest.raises(LogUnavailableError):
        await sender.append("organization", fact.stream, encode(fact), HEADERS)
    log.land_by(lambda _topic, _key: "acknowledged")
    await sender.append("organization", fact.stream, encode(fact), HEADERS)
    first, again = log.records("organization")
    assert first.headers == again.headers
    failed, sent = named(spans, "send organization")
    assert failed.attributes["error.type"] == "LogUnavailableError"
    assert sent.status.status_code is StatusCode.UNSET


async def test_a_failure_is_an_error_and_a_refusal_is_an_answer(
    spans: InMemorySpanExporter,
) -> None:
    async with running(build(tiny_domain(card_projection()))) as runtime:
        transport = ASGITransport(app_of(runtime), raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://tiny") as client:
            await client.get("/organization/bug")
            await client.get("/organization/employees/nobody")
    (bug,) = named(spans, "GET /organization/bug")
    (refused,) = named(spans, "GET /organization/employees/{employee}")
    assert (bug.status.status_code, bug.attributes["error.type"]) == (StatusCode.ERROR, "500")
    assert bug.events == ()
    assert (refused.status.status_code, refused.attributes["http.response.status_code"]) == (
        StatusCode.UNSET,
        404,
    )


async def test_off_it_is_not_there() -> None:
    log, given = MemoryLog(1), f"00-{TRACE}-{CALLER}-01"
    assert traced(log) is log
    assert carried(given) == given
    assert [carried(bad) for bad in (None, "", "00-1-2-3", f"00-{'0' * 32}-{CALLER}-01")] == [
        None
    ] * 4
    with processing("card_v1", [], SystemClock()) as told:
        assert told is None


def joined(traceparent: str | None, who: str = "employee-ada", name: str = "Ada") -> Envelope:
    (fact,) = recorded(EmployeeJoined(name=name), stream=who)
    return replace(fact, recorded_at=datetime.now(UTC), traceparent=traceparent)


def projector(log: MemoryLog) -> Projector:
    sink = ViewSink(card_projection(), "card_v1")
    return Projector(sink, MemoryStore(), log, SystemClock())
