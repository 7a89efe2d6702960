"""Marketing systems publish touches on Kafka (C-14): `touches-inbox`, once each, or set aside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contacts.defaults import ContactsDefaults
from services.contacts.identities import entry_named, identity_card
from services.contacts.main import domain
from services.contacts.timelines import timeline
from services.contacts.touch_events import STRUCTURED, TYPE, read_event
from services.contacts.touch_inbox import event_of, fact_of
from shared.clearing import Clearing
from shared.clock import SystemClock
from shared.cloudevents import BATCH
from shared.elsewhere import Watch
from shared.errors import InvalidError
from shared.events import UndecodableError, decode
from shared.log import LogUnavailableError, Partition, Record
from shared.memory import MemoryLog, MemoryStore
from shared.observability import INBOX_NOT_THERE, INBOX_READ_RECORDS
from shared.projector import Collections
from shared.reading import Token
from shared.runtime import Runtime
from shared.seals import Seals
from shared.settings import Settings
from shared.testing import memory_seals

TOPIC = "touches-inbox"
NOW = datetime.fromisoformat("2026-03-02T10:00:00Z")
(touches_inbox,) = domain.inboxes
DATA = {"person": "person-1", "channel": "campaign", "about": "promotion", "note": "Spring."}
Headers = Sequence[tuple[str, bytes]]
ENGINES = pytest.mark.parametrize("engine", ["embedded", "kafka"])


def event(name: str = "m-1", **more: Any) -> dict[str, Any]:
    told = {"specversion": "1.0", "id": name, "source": "/campaigns", "type": TYPE, "data": DATA}
    return {**told, "time": "2026-03-02T09:00:00Z", **more}


def structured(told: Any, media: str = STRUCTURED) -> tuple[bytes, Headers]:
    return orjson.dumps(told), [("content-type", media.encode())]


def binary(told: dict[str, Any]) -> tuple[bytes, Headers]:
    rest = {name: str(value) for name, value in told.items() if name != "data"}
    headers = [(f"ce_{name}", value.encode()) for name, value in rest.items()]
    return orjson.dumps(told["data"]), [*headers, ("content-type", b"application/json")]


class DiedError(Exception):
    """The process ended here."""


@dataclass
class Bench:
    """An inbox, the log and the store; processes that read the one come and go."""

    engine: str
    store: MemoryStore = field(default_factory=MemoryStore)
    log: MemoryLog = field(default_factory=lambda: MemoryLog(2))
    seals: Seals = field(default_factory=memory_seals)

    async def send(self, value: bytes | None, headers: Headers = (), key: str = "k") -> None:
        await self.log.append(TOPIC, key, value, headers)

    def runtime(self, dies_at: str | None = None) -> Runtime:
        async def step(operation: str) -> None:
            if operation == dies_at:
                raise DiedError(operation)
            await asyncio.sleep(0)

        settings = Settings(engine=self.engine)  # type: ignore[arg-type]
        store = self.store.seen_by(step)
        return Runtime(domain, store, self.log, SystemClock(), settings, seals=self.seals)

    async def read(self, dies_at: str | None = None) -> None:
        """Let one process read everything that is in the inbox, from where the last one was."""
        projector = self.runtime(dies_at).inbox_projector(touches_inbox)
        starts = await projector.positions([Partition(TOPIC, n) for n in range(2)])
        for partition, end in (await self.log.ends(TOPIC)).items():
            async for records in self.log.read(partition, starts[partition], end):
                await projector.absorb(records)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Runtime]:
        runtime = self.runtime()
        await runtime.start()
        try:
            await runtime.service.ready.wait()
            yield runtime
        finally:
            await runtime.stop()

    def moved(self) -> list[str]:
        return [
            str(decode(record.value).data.publisher_id) for record in self.log.records("touches")
        ]  # type: ignore[attr-defined]


async def touches_of(runtime: Runtime, *streams: str) -> list[str]:
    """Return the timeline's touches once these are folded."""
    reader = runtime.reader(timeline)
    for stream in streams:
        await reader.get("person-1/2026-03", Token(stream, 1))
    months = await reader.page({"person": "person-1"}, limit=10, at_least=None)
    return [touch.touch for month in months.items for touch in month.value.touches]


def stream(told: dict[str, Any]) -> str:
    sent = read_event(told).sent
    assert sent is not None
    return sent.stream


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


async def parked(runtime: Runtime, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        while True:
            held = (await runtime.parked()).get("touches_inbox_v1", [])
            if len(held) == count:
                return held
            await asyncio.sleep(0.01)


@ENGINES
async def test_c_14_structured_and_binary_events_are_touches_of_the_timeline(engine: str) -> None:
    bench, one, two = Bench(engine), event("m-1"), event("m-2")
    await bench.send(*structured(one, f"{STRUCTURED}; charset=UTF-8"))
    await bench.send(*binary(two), key="person-1")
    async with bench.running() as runtime:
        found = await touches_of(runtime, stream(one), stream(two))
    assert sorted(found) == sorted([stream(one), stream(two)])


@ENGINES
async def test_m4_what_an_inbox_tells_of_a_name_is_sealed_and_the_entry_not_to_be_told(
    engine: str,
) -> None:
    bench, name = Bench(engine), "finch@canary.example"
    told = event(data={"email": name, "channel": "email", "note": "Finch sings."})
    await bench.send(*structured(told))
    async with bench.running() as runtime:
        blind = await runtime.seals.blinder()
        entry = entry_named(f"email:{name}", blind)
        found = await runtime.reader(identity_card).get(entry, Token(stream(told), 1))
        assert found is not None
        assert (found.value.identity, found.value.touches) == (f"email:{name}", 1)
        assert await runtime.reader(identity_card).get(entry_named(f"email:{name}")) is None
    (record,) = bench.log.records("touches")
    assert record.value is not None
    assert b"canary" not in record.value
    assert b"Finch" not in record.value


@ENGINES
async def test_c_14_sent_again_in_whatever_mode_it_is_the_same_touch(engine: str) -> None:
    bench, told = Bench(engine), event()
    for value, headers in (structured(told), binary(told), structured(told)):
        await bench.send(value, headers)
    await bench.send(*structured({**told, "data": {**DATA, "note": "Another."}}))
    last = event("m-last")
    await bench.send(*structured(last))
    async with bench.running() as runtime:
        found = await touches_of(runtime, stream(told), stream(last))
    assert len(found) == 2


@ENGINES
@pytest.mark.parametrize("dies_at", ["store.commit", "store.commit.done"])
async def test_a_kill_around_the_commit_loses_nothing_and_counts_nothing_twice(
    engine: str, dies_at: str
) -> None:
    """Before it what was produced is produced again, and its head drops it; after it nothing is."""
    bench = Bench(engine)
    told = [event(f"m-{number}") for number in range(5)]
    for one in told:
        await bench.send(*structured(one))
    with pytest.raises(DiedError):
        await bench.read(dies_at)
    produced = bench.moved()
    assert len(produced) == (5 if engine == "kafka" else 0), "what the crash left behind"
    await bench.read()
    if engine == "kafka" and dies_at == "store.commit":
        assert len(bench.moved()) == 10, "without a repetition the test shows nothing"
    async with bench.running() as runtime:
        found = await touches_of(runtime, *(stream(one) for one in told))
    assert len(found) == 5


async def test_c_14_what_cannot_be_read_is_set_aside_with_the_reason_and_stops_nothing() -> None:
    bench = Bench("kafka")
    wrong = {**event("w-1"), "data": {**DATA, "channel": "pigeon"}}
    await bench.send(*structured(wrong), key="wrong-1")
    await bench.send(b"{", [("content-type", STRUCTURED.encode())], key="wrong-2")
    await bench.send(*binary({**event(), "type": "com.example.clicked"}), key="wrong-3")
    await bench.send(None, key="wrong-4")
    await bench.send(*structured(event("w-5", time=5)), key="wrong-5")
    await bench.send(*binary(event("w-6", time="5")), key="wrong-6")
    value, headers = structured(event("w-7"))
    await bench.send(value.replace(b"{", b'{"id": "w-8",', 1), headers, key="wrong-7")
    await bench.send(*structured(event("good")))
    async with bench.running() as runtime:
        assert await touches_of(runtime, stream(event("good"))) == [stream(event("good"))]
        held = {one["key"].decode(): one["reason"] for one in await parked(runtime, 7)}
        assert {one["stream"] for one in await parked(runtime, 7)} == {
            one["_id"] for one in await parked(runtime, 7)
        }
    assert held["wrong-1"].startswith("#/data/channel: ")
    assert held["wrong-2"].startswith("#: not JSON")
    assert held["wrong-3"].startswith("#/type: only 'touches.touch_recorded.v1'")
    assert held["wrong-4"] == "#: the record has no value"
    assert held["wrong-5"].startswith("#/time: an instant as text")
    assert held["wrong-6"].startswith("#/time: an instant as text")
    assert held["wrong-7"] == "#/id: the name 'id' is given twice"


async def test_what_is_still_to_come_waits_until_it_may_have_happened() -> None:
    """Set aside with the reason; how far ahead a clock may be the deployment says."""
    bench, told = Bench("kafka"), event(time="2126-03-02T09:00:00Z")
    await bench.send(*structured(told))
    async with bench.running() as runtime:
        (held,) = await parked(runtime, 1)
        assert held["reason"].startswith("#/time: a touch has happened; ")
    (record,) = bench.log.records(TOPIC)
    rules = ContactsDefaults(touch_ahead_hours=2)
    then = datetime.fromisoformat("2126-03-02T07:00:00Z")
    assert fact_of(record, then, rules).occurred_at.year == 2126
    with pytest.raises(UndecodableError, match="08:59:59"):
        fact_of(record, then - timedelta(microseconds=1), rules)


async def test_however_much_is_wrong_the_inbox_goes_on() -> None:
    bench = Bench("kafka")
    for number in range(60):
        await bench.send(b"no event", key=f"wrong-{number}")
    await bench.send(*structured(event()))
    async with bench.running() as runtime:
        assert await touches_of(runtime, stream(event())) == [stream(event())]
        assert len(await parked(runtime, 60)) == 60


@ENGINES
async def test_c_14_after_a_fix_what_was_set_aside_becomes_a_touch(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in binary mode, where the headers say most of it."""
    bench, told = Bench(engine), event()
    with monkeypatch.context() as older:
        older.setattr("services.contacts.touch_events.TYPE", "touches.touch_recorded.v0")
        await bench.send(*binary(told), key="wrong")
        await bench.read()
    async with bench.running() as runtime:
        (held,) = await parked(runtime, 1)
        assert await runtime.projector_of("touches_inbox_v1").unpark(held["stream"]) == 0
        assert await touches_of(runtime, stream(told)) == [stream(told)]
        await parked(runtime, 0)


async def test_who_only_looks_on_sees_the_inbox_and_may_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where parts run apart, operators ask a process that folds nothing."""
    bench = Bench("kafka")
    with monkeypatch.context() as older:
        older.setattr("services.contacts.touch_events.TYPE", "touches.touch_recorded.v0")
        await bench.send(*binary(event()))
        await bench.read()
    apart = bench.runtime()
    await Watch(apart).look()
    assert (await apart.parked_counts())["touches_inbox_v1"] == 1
    (held,) = await parked(apart, 1)
    assert held["reason"].startswith("#/type: ")
    assert await apart.projector_of("touches_inbox_v1").unpark(held["stream"]) == 0
    assert bench.moved() == ["m-1"]


async def test_what_is_dropped_for_good_does_not_take_its_likes_with_it() -> None:
    bench = Bench("kafka")
    for name in ("a", "b"):
        await bench.send(*binary({**event(name), "specversion": "0.3"}), key="wrong")
    async with bench.running() as runtime:
        first, _ = await parked(runtime, 2)
        projector = runtime.projector_of("touches_inbox_v1")
        left = await projector.drop(
            first["stream"], first["_id"], reason="a test of theirs", by="ops"
        )
        assert left == 0
        await parked(runtime, 1)
        dropped = await bench.store.find("dropped", {})
    assert [(one["by"], one["reason"]) for one in dropped] == [("ops", "a test of theirs")]


async def expire(bench: Bench) -> None:
    await bench.log.delete_before(await bench.log.ends(TOPIC))


async def test_what_has_expired_behind_the_cursor_does_not_stop_the_inbox() -> None:
    bench = Bench("kafka")
    await bench.send(*structured(event()))
    await bench.read()
    await expire(bench)
    projector = bench.runtime().inbox_projector(touches_inbox)
    ends = await bench.log.ends(TOPIC)
    assert await projector.positions(sorted(ends)) == ends
    cursors = await bench.store.find(Collections("touches_inbox_v1").cursors, {})
    assert [one["offset"] for one in cursors] == [1]


@pytest.mark.parametrize("read_before", [True, False])
async def test_what_expired_unread_is_told_and_the_inbox_goes_on(
    lines: list[Any], *, read_before: bool
) -> None:
    bench = Bench("kafka")
    if read_before:
        await bench.send(*structured(event("m-0")))
        await bench.read()
    await bench.send(*structured(event("m-1")))
    await expire(bench)
    await bench.send(*structured(event("m-2")))
    before = missed()
    await bench.read()
    assert missed() == before + 1
    assert sorted(bench.moved()) == ["m-0", "m-2"][not read_before :]
    lacks = [line["records"] for line in lines if line["event"] == "records_not_there"]
    assert lacks == [1]


async def cleared(bench: Bench) -> list[Record]:
    """Let one process clear the inbox; return what is left in it."""
    runtime = bench.runtime()
    await Clearing(TOPIC, runtime.inbox_projector(touches_inbox)).clear()
    return bench.log.records(TOPIC)


def kept() -> float:
    return _value(INBOX_READ_RECORDS.labels(TOPIC))


def missed() -> float:
    return _value(INBOX_NOT_THERE.labels(TOPIC))


def _value(metric: Any) -> float:
    told: float = next(iter(metric.collect())).samples[0].value
    return told


@ENGINES
async def test_what_was_read_is_deleted_and_nothing_else(engine: str) -> None:
    bench = Bench(engine)
    await bench.send(*structured(event("m-1")))
    await bench.send(b"no event", [])
    assert len(await cleared(bench)) == 2
    await bench.read()
    await bench.send(*structured(event("m-2")))
    assert [orjson.loads(one.value or b"")["id"] for one in await cleared(bench)] == ["m-2"]
    assert kept() == 0
    assert len(await cleared(bench)) == 1
    await bench.read()
    assert await cleared(bench) == []
    # What could not be read is set aside, and needs its topic no more.
    async with bench.running() as runtime:
        await parked(runtime, 1)


async def test_a_store_that_is_restored_goes_on_where_the_inbox_begins_by_now() -> None:
    bench = Bench("kafka")
    await bench.send(*structured(event("m-1")))
    await bench.read()
    backup = bench.store.point()
    await bench.send(*structured(event("m-2")))
    await bench.read()
    await cleared(bench)
    bench.store.restore(backup)
    await bench.send(*structured(event("m-3")))
    await bench.read()
    assert sorted(bench.moved()) == ["m-1", "m-2", "m-3"]


async def test_nothing_is_deleted_of_an_inbox_that_lost_what_was_read() -> None:
    """The embedded broker may; what lies at those places then was never read."""
    bench = Bench("embedded")
    await bench.send(*structured(event("m-1")))
    await bench.read()
    (record,) = bench.log.records(TOPIC)
    bench.log.truncate(TOPIC, record.partition, 0)
    await bench.send(*structured(event("m-2")))
    assert len(await cleared(bench)) == 1
    await bench.read()
    async with bench.running():
        await until(lambda: sorted(bench.moved()) == ["m-1", "m-2"])


async def test_nothing_unread_is_deleted_of_an_inbox_that_is_made_anew_after_it_expired() -> None:
    bench = Bench("kafka")
    for number in range(3):
        await bench.send(*structured(event(f"a-{number}")))
    await expire(bench)
    await bench.read()  # The cursor moved over what nobody read.
    bench.log = MemoryLog(2)
    for number in range(5):
        await bench.send(*structured(event(f"b-{number}")))
    assert len(await cleared(bench)) == 5


async def test_a_broker_that_refuses_to_delete_is_told_of_once_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, lines: list[Any]
) -> None:
    bench = Bench("kafka")
    tried = 0

    async def refused(_: object) -> None:
        nonlocal tried
        tried += 1
        raise LogUnavailableError("TopicAuthorizationFailedError")

    monkeypatch.setattr(bench.log, "delete_before", refused)
    for pause in ("CLEAR_S", "REFUSED_S"):
        monkeypatch.setattr(f"shared.clearing.{pause}", 0.01)
    async with bench.running() as runtime:
        await bench.send(*structured(event("m-1")))
        await until(lambda: tried > 2)
        assert runtime.tasks.failures == {}
    assert bench.moved() == ["m-1"]
    assert kept() == 1
    told = [line["topic"] for line in lines if line["event"] == "inbox_not_cleared"]
    assert told == [TOPIC]


def record(value: bytes | None, headers: Headers) -> Record:
    return Record(TOPIC, 0, 0, b"k", value, tuple(headers))


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ([("content-type", BATCH.encode())], "content-type"),
        ([("content-type", b"application/cloudevents+avro")], "content-type"),
        ([("ce_id", b"1"), ("ce_id", b"2")], "ce_id"),
        ([("ce_id", b"\xff")], "ce_id"),
        ([("ce_datacontenttype", b"application/json")], "ce_datacontenttype"),
    ],
)
def test_headers_that_nobody_can_follow_are_named(headers: Headers, field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        event_of(record(b"{}", headers))
    assert refused.value.field == field


def test_both_modes_are_one_event_and_headers_of_others_are_left_alone() -> None:
    told = event()
    value, headers = binary(told)
    named = event_of(record(value, [*headers, ("traceparent", b"00"), ("x", b"\xff")]))
    assert named == {**told, "datacontenttype": "application/json"}
    assert event_of(record(*structured(told))) == told


def test_the_publisher_s_trace_goes_on_where_it_is_one() -> None:
    value, headers = structured(event())
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    for told, goes_on in ((trace.encode(), trace), (b"00-1", None), (b"\xff", None)):
        fact = fact_of(record(value, [*headers, ("traceparent", told)]), NOW, ContactsDefaults())
        assert fact.traceparent == goes_on


def test_the_publisher_is_who_recorded_it_and_its_correlation_goes_on() -> None:
    fact = fact_of(record(*structured(event(correlationid="c-1"))), NOW, ContactsDefaults())
    assert (fact.actor, fact.correlation_id, fact.recorded_at) == ("/campaigns", "c-1", NOW)
    assert (
        fact_of(record(*structured(event(correlationid=7))), NOW, ContactsDefaults()).correlation_id
        == "m-1"
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["content-type", "ce_id", "ce_source", "ce_specversion", "ce_time", "x"])


@given(
    st.none() | st.binary() | ANYTHING.map(lambda told: orjson.dumps(told, default=str)),
    st.lists(st.tuples(NAMES, st.binary(max_size=30) | st.just(STRUCTURED.encode()))),
)
def test_whatever_comes_is_a_touch_or_says_what_is_wrong(value: Any, headers: Any) -> None:
    try:
        fact = fact_of(record(value, headers), NOW, ContactsDefaults())
    except UndecodableError:
        return
    assert fact.stream.startswith("touch-")
