"""Traces by OpenTelemetry: HTTP request, append to the log, and every fold of the fact, in one.

Rule: no attribute holds what a person wrote or is called by. Routes are templates; there are no
query strings, no keys of records, no texts of errors.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from opentelemetry import context, trace
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from shared.events import CONTENT_TYPE, Envelope, Position, UndecodableError
from shared.log import Log, Partition, Record, StartFrom, Subscription, partition_of
from shared.tracing import TRACEPARENT

HEADER = "traceparent"
FACT = ("content-type", CONTENT_TYPE.encode())
# Extension attributes are written before the data, so the first match is the envelope's own.
IN_ENVELOPE = re.compile(rb'"traceparent":"([0-9a-f-]{55})"')
# What was recorded longer ago is read again, not read: a rebuild adds nothing to old traces.
LIVE = timedelta(minutes=10)
# So many facts of a batch get spans of their own; the first of them links to the others.
SPANS_MAX = 32
# Appends whose acknowledgement did not come: the same record again is the same span's.
UNACKNOWLEDGED_MAX = 2_000
FLUSH_MS = 2_000

Read = tuple[Record, Envelope | UndecodableError]


class Traced(NamedTuple):
    """A fact of a batch, and the span that its record came from."""

    record: Record
    fact: Envelope
    parent: SpanContext


def context_of(traceparent: str | None) -> SpanContext | None:
    """Read a W3C traceparent; None for what is none."""
    if traceparent is None or not TRACEPARENT.fullmatch(traceparent):
        return None
    version, trace_id, span_id, flags = traceparent.split("-")
    if version == "ff":
        return None
    sampled = trace.TraceFlags(int(flags, 16) & trace.TraceFlags.SAMPLED)
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=sampled)


def traceparent_of(held: SpanContext) -> str:
    return f"00-{held.trace_id:032x}-{held.span_id:016x}-{held.trace_flags & 1:02x}"


def parent_of(record: Record) -> SpanContext | None:
    """Return the span that appended a record."""
    for name, value in record.headers:
        if name == HEADER:
            return context_of(value.decode("latin-1"))
    return None


def exporting(service: str) -> Tracing:
    """Return what sends spans by OTLP over HTTP, as the standard variables say."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    # What the environment says about the service goes before what we call it.
    named = Resource({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=Resource.create().merge(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


@dataclass(slots=True)
class Tracing:
    """What our code says to OpenTelemetry."""

    provider: TracerProvider
    _tracer: trace.Tracer = field(init=False)

    def __post_init__(self) -> None:
        self._tracer = self.provider.get_tracer("sellers")

    def close(self) -> None:
        self.provider.force_flush(FLUSH_MS)
        self.provider.shutdown()

    def current(self) -> str | None:
        """Return where we are, for whoever goes on from here."""
        held = trace.get_current_span().get_span_context()
        return traceparent_of(held) if held.is_valid else None

    @contextmanager
    def request(self, method: str, given: str | None) -> Iterator[Answering]:
        """Be within one HTTP request."""
        span = self._tracer.start_span(
            method, _within(context_of(given)), SpanKind.SERVER, {"http.request.method": method}
        )
        token = context.attach(trace.set_span_in_context(span))
        try:
            yield Answering(span, method)
        finally:
            context.detach(token)

    def around(self, log: Log) -> Log:
        return TracedLog(log, self._tracer)

    @contextmanager
    def processing(
        self, collection: str, read: Sequence[Read], now: datetime
    ) -> Iterator[Processing]:
        """Be folding these; each fact of a trace that is looked at gets a span in it."""
        found = [one for record, fact in read if (one := _live(record, fact, now)) is not None]
        own, others = found[:SPANS_MAX], found[SPANS_MAX:]
        links = [Link(one.parent) for one in others]
        batch: dict[str, Any] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": collection,
            "messaging.batch.message_count": len(read),
        }
        spans = {
            one.record.position: self._tracer.start_span(
                f"process {one.record.topic}",
                _within(one.parent),
                SpanKind.CONSUMER,
                batch | _about(one.record.position, one.fact.id, one.fact.wire),
                links if place == 0 else None,
            )
            for place, one in enumerate(own)
        }
        try:
            yield Processing(spans)
        except BaseException as error:
            for span in spans.values():
                _fail(span, type(error).__name__)
            raise
        finally:
            for span in spans.values():
                span.end()


@dataclass(slots=True)
class Answering:
    """The span of one HTTP request."""

    _span: Span
    _method: str

    @property
    def trace_id(self) -> str:
        return f"{self._span.get_span_context().trace_id:032x}"

    def answered(self, route: str, status: int) -> None:
        """Say what became of it, and end it: a stream of events may stay open for minutes."""
        if route.startswith("/"):
            self._span.update_name(f"{self._method} {route}")
            self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:  # noqa: PLR2004 - a refusal is an answer; this is a failure
            _fail(self._span, str(status))
        self._span.end()


@dataclass(slots=True)
class Processing:
    """The spans of one batch, by the places of their facts."""

    _spans: dict[Position, Span]

    def parked(self, places: Sequence[str]) -> None:
        """Say which of them were set aside."""
        for position, span in self._spans.items():
            if "/".join(map(str, position)) in places:
                _fail(span, "parked")


@dataclass(slots=True)
class TracedLog:
    """A log that tells of every append whose trace somebody looks at, in it and on the record."""

    _log: Log
    _tracer: trace.Tracer
    _unacknowledged: OrderedDict[tuple[str, str, bytes], tuple[str, bytes]] = field(
        default_factory=OrderedDict
    )

    async def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Position:
        parent = _parent(value, headers)
        if value is None or parent is None:
            return await self._log.append(topic, key, value, headers)
        if not parent.trace_flags.sampled:
            carried = (HEADER, traceparent_of(parent).encode())
            return await self._log.append(topic, key, value, (*headers, carried))
        document = orjson.loads(value)
        partition = partition_of(key, await self._log.partitions(topic))
        span = self._tracer.start_span(
            f"send {topic}",
            _within(parent),
            SpanKind.PRODUCER,
            {
                "messaging.system": "kafka",
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                **_about((topic, partition, None), document["id"], document["type"]),
            },
        )
        # The log knows a record that is sent again by all of it, header included.
        sent = (topic, key, value)
        carried = (HEADER, traceparent_of(span.get_span_context()).encode())
        carried = self._unacknowledged.setdefault(sent, carried)
        if len(self._unacknowledged) > UNACKNOWLEDGED_MAX:
            self._unacknowledged.popitem(last=False)
        try:
            position = await self._log.append(topic, key, value, (*headers, carried))
        except BaseException as error:
            _fail(span, type(error).__name__)
            raise
        else:
            self._unacknowledged.pop(sent, None)
            span.set_attribute("messaging.kafka.offset", position.offset)
            return position
        finally:
            span.end()

    async def append_many(
        self,
        topic: str,
        records: Sequence[tuple[str, bytes]],
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Append records; those whose trace somebody looks at one by one, each with its span."""
        alone: list[tuple[str, bytes]] = []
        together: dict[tuple[tuple[str, bytes], ...], list[tuple[str, bytes]]] = {}
        for record in records:
            parent = _parent(record[1], headers)
            if parent is not None and parent.trace_flags.sampled:
                alone.append(record)
                continue
            carried = () if parent is None else ((HEADER, traceparent_of(parent).encode()),)
            together.setdefault((*headers, *carried), []).append(record)
        await asyncio.gather(
            *(self.append(topic, key, value, headers) for key, value in alone),
            *(self._log.append_many(topic, found, told) for told, found in together.items()),
        )

    async def partitions(self, topic: str) -> int:
        return await self._log.partitions(topic)

    async def starts(self, topic: str) -> dict[Partition, int]:
        return await self._log.starts(topic)

    async def ends(self, topic: str) -> dict[Partition, int]:
        return await self._log.ends(topic)

    async def delete_before(self, offsets: Mapping[Partition, int]) -> None:
        await self._log.delete_before(offsets)

    def read(
        self, partition: Partition, start: int, stop: int
    ) -> AsyncGenerator[list[Record], None]:
        return self._log.read(partition, start, stop)

    async def subscribe(self, topics: Sequence[str], group: str, start: StartFrom) -> Subscription:
        return await self._log.subscribe(topics, group, start)


def _parent(value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> SpanContext | None:
    """Return the span that a fact says it came about in."""
    found = IN_ENVELOPE.search(value) if value and FACT in headers else None
    return context_of(found[1].decode()) if found else None


def _within(parent: SpanContext | None) -> context.Context:
    """Return the context of a span that another process began, or that of a new trace."""
    blank = context.Context()
    if parent is None:
        return blank
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), blank)


def _live(record: Record, fact: Envelope | UndecodableError, now: datetime) -> Traced | None:
    if isinstance(fact, UndecodableError):
        return None
    parent = parent_of(record) or context_of(fact.traceparent)
    if parent is None or not parent.trace_flags.sampled or now - fact.recorded_at > LIVE:
        return None
    return Traced(record, fact, parent)


def _about(place: tuple[str, int, int | None], fact: str, wire: str) -> dict[str, Any]:
    """Name a record by what says nothing about anybody."""
    topic, partition, offset = place
    named = {
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.message.id": fact,
        "cloudevents.event_id": fact,
        "cloudevents.event_type": wire,
    }
    return named if offset is None else {**named, "messaging.kafka.offset": offset}


def _fail(span: Span, what: str) -> None:
    span.set_attribute("error.type", what)
    span.set_status(Status(StatusCode.ERROR))
