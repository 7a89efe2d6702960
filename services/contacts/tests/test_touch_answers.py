"""C_14: who publishes touches on Kafka hears, on `touches-answers`, what it has to act on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from services.contacts.main import domain, router
from services.contacts.tests.client import get, post, promotion, publish
from services.contacts.tests.test_touch_inbox import (
    Bench,
    DiedError,
    binary,
    event,
    stream,
    structured,
)
from services.contacts.touch_answers import (
    CAUSES_MAX,
    CUT,
    NAMES,
    SOURCE,
    TOPIC,
    TYPE,
    TouchAnswered,
    answers_of,
    unquoting,
)
from services.contacts.touch_events import STRUCTURED
from services.contacts.touches import NewTouch
from shared import parking
from shared.events import UndecodableError
from shared.log import LogUnavailableError, Partition, Record
from shared.memory import MemoryLog
from shared.memory.log import Landing
from shared.projector import cursor_id
from shared.reading import Token
from shared.runtime import Runtime
from shared.testing import serving

INBOX = "touches-inbox"
(touches_inbox,) = domain.inboxes
ENGINES = pytest.mark.parametrize("engine", ["embedded", "kafka"])
MAIL, PHONE, NAME = "canary.kim@example.com", "+82 10-1234-5678", "Canary Kim"
CANARIES = ("canary", "kim", "example.com", "1234", "5678")


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(2)


@pytest.fixture
async def client(log: MemoryLog) -> AsyncIterator[AsyncClient]:
    async with serving(domain, router, parking.router, log=log) as client:
        yield client


async def send(log: MemoryLog, *events: Any, key: str = "k") -> None:
    for one in events:
        await log.append(INBOX, key, *structured(one))


def answered(log: MemoryLog) -> list[dict[str, Any]]:
    """Return what is answered, each event once, in the order of what it is about."""
    told = {r.value: orjson.loads(r.value or b"") for r in log.records(TOPIC)}
    once = {one["id"]: one["data"] for one in told.values()}
    return sorted(once.values(), key=lambda one: tuple(one["record"].values()))


async def answers(log: MemoryLog, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        while len(answered(log)) < count:  # noqa: ASYNC110 - the log tells nobody.
            await asyncio.sleep(0.01)
    return answered(log)


async def moved(client: AsyncClient, *events: dict[str, Any]) -> None:
    """Wait until these are among the person's promotions."""
    tokens = [Token(stream(told), 1).encode() for told in events]
    await get(client, "/contacts/people/1/promotions", *tokens)


def shown(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: said for name, said in problem.items() if name != "correlation_id"}


async def test_c_14_what_was_set_aside_is_answered_in_the_words_of_http(
    client: AsyncClient, log: MemoryLog
) -> None:
    wrong = event("w-1", data={"person": "kim", "channel": "pigeon", "note": 5})
    over_http = await client.post(
        "/touches", content=orjson.dumps(wrong), headers={"Content-Type": STRUCTURED}
    )
    await send(log, wrong)
    (told,) = await answers(log, 1)
    assert told == {
        "status": "rejected",
        "record": {"topic": INBOX, "partition": told["record"]["partition"], "offset": 0},
        "id": "w-1",
        "source": "/campaigns",
        "problem": shown(over_http.json()),
    }
    assert [one["pointer"] for one in told["problem"]["errors"]] == [
        "#/data/person",
        "#/data/channel",
        "#/data/note",
    ]


async def test_c_14_what_repeats_or_lacks_consent_is_answered_as_over_http(
    client: AsyncClient, log: MemoryLog
) -> None:
    await post(client, "/contacts/people/1/register", {"name": "Kim"})
    body = {"purpose": "marketing", "source": "spoken", "date_unknown": True}
    token = await post(client, "/contacts/people/1/withdraw-consent", body)
    await get(client, "/contacts/people/1/consents", token)
    first, again = promotion("a", "01", campaign="x"), promotion("b", "20", campaign="x")
    await send(log, first)
    (lacking,) = await answers(log, 1)
    assert "repeats" not in lacking
    await moved(client, first)
    await send(log, again)
    _, told = await answers(log, 2)
    over_http = await publish(client, {**again, "id": "c"})
    (said,) = over_http["events"]
    assert told["repeats"] == {"on": "2026-03-01", "by": "/campaigns", "again_from": "2026-03-31"}
    same = ("status", "source", "no_consent")
    assert {name: told[name] for name in same} == {name: said[name] for name in same}
    assert said["repeats"]["again_from"] >= told["repeats"]["again_from"]
    # The token leads to the very touch.
    page = await get(client, "/contacts/people/1/promotions", told["token"])
    assert len(page["sent"]) >= 2


async def test_c_14_within_a_batch_and_never_of_what_was_sent_before(
    client: AsyncClient, log: MemoryLog
) -> None:
    one, other = promotion("a", "01", campaign="x"), promotion("b", "02", campaign="x")
    await send(log, one, other, other)
    (told,) = await answers(log, 1)
    assert (told["id"], told["repeats"]["on"]) == ("b", "2026-03-01")
    await moved(client, one, other)
    last = promotion("z", "03", campaign="x")
    await send(log, one, other, last)
    assert [told["id"] for told in await answers(log, 2)] == ["b", "z"]


@ENGINES
async def test_c_14_plain_touches_are_not_answered_and_nothing_is_read_for_them(
    engine: str,
) -> None:
    async def steps(*, answering: bool) -> tuple[list[str], list[Record]]:
        bench, seen = Bench(engine), list[str]()
        for number in range(5):
            data = {"person": "person-1", "channel": "call", "about": "general"}
            await bench.send(*structured(event(f"m-{number}", data=data)))

        async def step(operation: str) -> None:
            seen.append(operation)

        runtime = bench.runtime()
        runtime.store = bench.store.seen_by(step)
        inbox = touches_inbox if answering else replace(touches_inbox, answers=None)
        projector = runtime.inbox_projector(inbox)
        for partition, end in (await bench.log.ends(INBOX)).items():
            async for records in bench.log.read(partition, 0, end):
                await projector.absorb(records)
        return seen, bench.log.records(TOPIC)

    assert await steps(answering=True) == await steps(answering=False)


async def views_of(bench: Bench) -> None:
    """Let everything be folded that is in the log, by a process that reads no inbox."""
    runtime = bench.runtime()
    runtime.domain = replace(runtime.domain, inboxes=())
    await runtime.start()
    try:
        async with asyncio.timeout(10):
            while not await folded(runtime):  # noqa: ASYNC110 - nobody is told.
                await asyncio.sleep(0.01)
    finally:
        await runtime.stop()


async def folded(runtime: Runtime) -> bool:
    if await runtime.journal.pending(1):
        return False
    wanted = {f"{view.name}_v{view.version}" for view in runtime.domain.projections}
    return wanted <= {one.collection for one in await runtime.lag() if not one.lag}


@ENGINES
@pytest.mark.parametrize("views", [True, False], ids=["folded meanwhile", "not yet folded"])
async def test_wherever_a_process_dies_no_answer_is_lost(engine: str, *, views: bool) -> None:
    """What it moved before its end may be in the views when the next one reads the record."""
    told = [promotion("a", "01", campaign="x"), promotion("b", "02", campaign="x")]
    wrong = event("w", data={"person": "person-1", "channel": "pigeon"})
    for dies_at in range(1, 40):
        bench = Bench(engine)
        for one in (*told, wrong):
            await bench.send(*structured(one))
        if not await died(bench, dies_at):
            break
        if views:
            await views_of(bench)
        await bench.read()
        found = {one["id"]: one for one in answered(bench.log)}
        # Where the later one alone had been moved, the earlier one repeats it, and that is so.
        assert {"b", "w"} <= found.keys() <= {"a", "b", "w"}, dies_at
        assert found["b"]["repeats"]["on"] == "2026-03-01", dies_at
    else:
        pytest.fail("it always died")
    assert dies_at > 6, "it died nowhere of interest"


async def died(bench: Bench, dies_at: int) -> bool:
    """Read the inbox in a process that ends at its nth append or commit; say whether it did."""
    at = 0

    async def step(operation: str) -> None:
        nonlocal at
        if operation in DANGEROUS:
            at += 1
            if at == dies_at:
                raise DiedError(operation)
        await asyncio.sleep(0)

    runtime = bench.runtime()
    runtime.store, runtime.log = bench.store.seen_by(step), bench.log.seen_by(step)
    projector = runtime.inbox_projector(touches_inbox)
    try:
        for partition, end in (await bench.log.ends(INBOX)).items():
            async for records in bench.log.read(partition, 0, end):
                await projector.absorb(records)
    except DiedError:
        return True
    return False


DANGEROUS = ("log.append", "log.append.done", "store.commit", "store.commit.done")


async def test_while_nothing_can_be_answered_the_records_stay_and_then_are_moved() -> None:
    bench = Bench("kafka")
    wrong = event("w", data={"person": "person-1", "channel": "pigeon"})
    for one in (event("m-1"), wrong):
        await bench.send(*structured(one))

    def away(topic: str, _key: str) -> Landing:
        return "lost" if topic == TOPIC else "acknowledged"

    bench.log.land_by(away)
    with pytest.raises(LogUnavailableError):
        await bench.read()
    at = [cursor_id(Partition(INBOX, number)) for number in range(2)]
    assert await bench.store.get_many("touches_inbox_v1.cursors", at) == {}
    bench.log.land_by(lambda _topic, _key: "acknowledged")
    await bench.read()
    assert [one["id"] for one in answered(bench.log)] == ["w"]
    assert bench.moved() == ["m-1"]


async def test_c_14_what_becomes_a_touch_after_a_fix_is_answered_again(
    client: AsyncClient, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publisher had been told to mend it, and need not."""
    with monkeypatch.context() as older:
        older.setattr("services.contacts.touch_events.TYPE", "touches.touch_recorded.v0")
        await send(log, event("late", data={"person": "person-1", "channel": "call"}))
        (refused,) = await answers(log, 1)
        body = {"domain": "contacts", "collection": "touches_inbox_v1"}
        (held,) = (await client.get("/parked")).json()["parked"]
        again = body | {"stream": held["stream"]}
        assert (await client.post("/parked/replay", json=again)).json() == {"left": 1}
    assert (await client.post("/parked/replay", json=again)).json() == {"left": 0}
    told = answered(log)
    assert [one["status"] for one in told] == ["rejected", "accepted"]
    assert len({tuple(one["record"].items()) for one in told}) == 1
    assert refused["problem"]["errors"][0]["pointer"] == "#/type"
    assert len(log.records(TOPIC)) == 2, "it was told once that it is refused"


async def test_an_answer_is_a_cloud_event_keyed_by_the_publisher_s_name_or_the_place() -> None:
    bench = Bench("kafka")
    wrong = event("w", data={"person": "person-1", "channel": "pigeon"})
    await bench.send(*structured(wrong))
    await bench.send(b"{", [("content-type", STRUCTURED.encode())])
    await bench.send(b"{", binary(event("headers"))[1])
    await bench.read()
    found = sorted(bench.log.records(TOPIC), key=lambda r: orjson.loads(r.value or b"")["subject"])
    assert [(r.key or b"").decode() for r in found] == [
        "/campaigns w",
        f"{INBOX}/0/1",
        "/campaigns headers",
    ]
    for record in found:
        assert dict(record.headers)["content-type"] == STRUCTURED.encode()
        told = orjson.loads(record.value or b"")
        assert (told["specversion"], told["type"], told["source"]) == ("1.0", TYPE, SOURCE)
        at = told["data"]["record"]
        assert told["subject"] == f"{at['topic']}/{at['partition']}/{at['offset']}"
        Draft202012Validator(TypeAdapter(TouchAnswered).json_schema(mode="serialization")).validate(
            told["data"]
        )


async def test_by_whom_is_left_out_where_it_is_an_address(
    client: AsyncClient, log: MemoryLog
) -> None:
    """A colleague whom nobody has found yet is known by an address."""
    told = [promotion(name, day, campaign="x", employee=MAIL) for name, day in ("a1", "b2")]
    for number, one in enumerate(told):
        one["time"] = f"2026-03-0{number + 1}T09:00:00Z"
    await send(log, *told)
    (answer,) = await answers(log, 1)
    assert answer["repeats"] == {"on": "2026-03-01", "again_from": "2026-03-31"}


# What a publisher may get wrong, with somebody's name in it wherever words can be.
WORDS = (MAIL, PHONE, NAME, f"person-{NAME}", {NAME: MAIL}, [PHONE], 821012345678)
WRONG: list[tuple[bytes | None, Sequence[tuple[str, bytes]]]] = [
    *(
        structured(event("w", data={"channel": "pigeon", **told, field: word}))
        for field in NewTouch.model_fields
        for word in WORDS
        for told in ({"person": "person-1"}, {"email": MAIL})
    ),
    structured(event("w", data={"channel": "call", NAME: 1, MAIL: {PHONE: MAIL}})),
    *(
        structured({**event("w"), name: word})
        for name in ("specversion", "type", "time", "data", "datacontenttype")
        for word in WORDS
    ),
    *(structured({**event(), name: [MAIL]}) for name in ("id", "source")),
    structured({**event(), "id": NAME}),
    structured({**event(), "source": MAIL * 20}),
    structured([MAIL]),
    structured(MAIL),
    (f'{{"email": "{MAIL}", '.encode(), [("content-type", STRUCTURED.encode())]),
    (MAIL.encode(), [("content-type", f"application/cloudevents+{NAME}".encode())]),
    (None, [("content-type", MAIL.encode())]),
    (b"{}", [("content-type", MAIL.encode()), ("ce_id", b"w"), (f"ce_{MAIL}", b"1")]),
    (b"{}", [(f"ce_{MAIL}", b"1"), (f"ce_{MAIL}", b"2")]),
    (b"{}", [(f"ce_{MAIL}", b"\xff")]),
    (b"{}", [("ce_id", NAME.encode()), ("ce_source", (MAIL * 20).encode())]),
]


async def test_m4_no_answer_says_anything_about_a_person_whatever_was_wrong() -> None:
    """A topic is never scrubbed: no word of the publisher's is in it but id and source."""
    bench = Bench("kafka")
    for value, headers in WRONG:
        await bench.log.append(INBOX, MAIL, value, headers)
    told = [promotion(f"p-{n}", "01", campaign=NAME, email=MAIL, subject=NAME) for n in (1, 2)]
    await send(bench.log, *told, key=PHONE)
    await bench.read()
    found = bench.log.records(TOPIC)
    said = [orjson.loads(record.value or b"")["data"] for record in found]
    assert [one["id"] for one in said if one["status"] == "accepted"] == ["p-2"]
    assert len(said) > len(WRONG) * 0.9, "hardly anything was refused"
    for record in found:
        everything = (record.key or b"") + b" " + (record.value or b"")
        for canary in CANARIES:
            assert canary.encode() not in everything.lower(), everything


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*NewTouch.model_fields]) | st.text(), ANY, max_size=6))
async def test_m4_pointers_and_words_are_ours_whatever_comes(data: dict[str, Any]) -> None:
    value, headers = structured(event("w", data=data))
    record = Record(INBOX, 0, 0, None, value, tuple(headers))
    runtime = Bench("kafka").runtime()
    decoded = runtime.inbox_projector(touches_inbox).decode(record)
    if not isinstance(decoded, UndecodableError):
        return
    ((_, said),) = await answers_of(runtime, [(record, decoded)], again=False)
    for one in orjson.loads(said)["data"]["problem"]["errors"]:
        assert set(one["pointer"].split("/")) <= NAMES, one


def test_a_check_that_quotes_what_it_was_given_is_not_repeated() -> None:
    value, headers = structured(event("w", data={"note": NAME, "channel": "call"}))
    record = Record(INBOX, 0, 0, None, value, tuple(headers))
    quoting = [
        {"pointer": "#/data/note", "detail": f"{NAME} is no note", "code": "value_error"},
        {"pointer": f"#/data/{MAIL}", "detail": "Extra inputs are not permitted"},
        {"pointer": "#/data/channel", "detail": "Input should be 'call'"},
    ]
    whole = {"type": "t", "title": "T", "status": 422, "detail": NAME, "errors": quoting}
    told = unquoting(whole, record)
    assert [(one.pointer, one.detail) for one in told.errors] == [
        ("#/data/note", CUT),
        ("#/data", "Extra inputs are not permitted"),
        ("#/data/channel", "Input should be 'call'"),
    ]
    assert NAME not in told.detail
    assert unquoting({**whole, "errors": []}, record).detail == CUT


async def test_however_much_is_wrong_an_answer_is_short() -> None:
    bench = Bench("kafka")
    data = {"person": "person-1", "channel": "call"} | {f"field-{n}": n for n in range(1_000)}
    await bench.send(*structured(event("w", data=data)))
    await bench.read()
    (record,) = bench.log.records(TOPIC)
    errors = orjson.loads(record.value or b"")["data"]["problem"]["errors"]
    assert len(errors) == CAUSES_MAX
    assert len(record.value or b"") < 10_000


DEEP = b"[" * 1_000 + b"]" * 1_000
MUCH = orjson.dumps([f"text {n}" for n in range(50_000)])


@pytest.mark.parametrize("inner", [DEEP, MUCH], ids=["deep", "much"])
async def test_no_record_stops_the_inbox_by_what_has_to_be_said_of_it(inner: bytes) -> None:
    bench = Bench("kafka")
    value, headers = structured(event("w", data={"person": "person-1", "x": "inner"}))
    assert value is not None
    await bench.send(value.replace(b'"inner"', inner), headers)
    await bench.send(*structured(event("m-1")))
    await bench.read()
    assert [one["id"] for one in answered(bench.log)] == ["w"]
    assert bench.moved() == ["m-1"]


async def test_what_cannot_be_put_into_words_is_answered_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> Any:
        raise AssertionError(MAIL)

    monkeypatch.setattr("services.contacts.touch_answers.unquoting", broken)
    bench = Bench("kafka")
    await bench.send(*structured(event("w", data={"channel": "pigeon"})))
    await bench.send(*structured(event("m-1")))
    await bench.read()
    (told,) = answered(bench.log)
    assert (told["status"], told["problem"]["detail"]) == ("rejected", CUT)
    assert bench.moved() == ["m-1"]


@pytest.mark.parametrize("name", ["Kim", "김철수", "李"])
def test_short_names_are_not_quoted_either(name: str) -> None:
    value, headers = structured(event("w", data={"note": name}))
    record = Record(INBOX, 0, 0, None, value, tuple(headers))
    whole = {"type": "t", "title": "T", "status": 422, "detail": f"{name} is no note", "errors": []}
    told = unquoting(whole, record)
    assert told.detail == (CUT if len(name) > 1 else whole["detail"])


async def test_c_14_a_replay_that_failed_has_mended_nothing(
    client: AsyncClient, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr("services.contacts.touch_events.TYPE", "touches.touch_recorded.v0")
        await send(log, event("late", data={"person": "person-1", "channel": "call"}))
        await answers(log, 1)
    (held,) = (await client.get("/parked")).json()["parked"]
    again = {"domain": "contacts", "collection": "touches_inbox_v1", "stream": held["stream"]}

    def away(topic: str, _key: str) -> Landing:
        return "lost" if topic == "touches" else "acknowledged"

    log.land_by(away)
    assert (await client.post("/parked/replay", json=again)).status_code == 503
    assert [one["status"] for one in answered(log)] == ["rejected"]
    log.land_by(lambda _topic, _key: "acknowledged")
    assert (await client.post("/parked/replay", json=again)).json() == {"left": 0}
    assert [one["status"] for one in answered(log)] == ["rejected", "accepted"]


async def test_what_our_store_does_not_take_is_our_fault_and_says_so() -> None:
    record = Record(INBOX, 0, 7, None, structured(event("w"))[0])
    error = UndecodableError(f"cannot be written: {MAIL}")
    ((_, value),) = await answers_of(Bench("kafka").runtime(), [(record, error)], again=False)
    told = orjson.loads(value)["data"]
    assert (told["status"], told["problem"]["status"]) == ("rejected", 500)
    assert MAIL not in value.decode()
