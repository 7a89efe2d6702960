"""Marketing systems publish touches as CloudEvents 1.0 (C-14), in every mode of HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient, Response
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.contacts.main import domain, router
from services.contacts.touch_events import TYPE, read_event
from shared.cloudevents import BATCH, STRUCTURED, mode_of, of_headers
from shared.errors import InvalidError
from shared.testing import serving
from shared.web import build_app

DATA = {"person": "person-1", "channel": "campaign", "about": "promotion", "note": "Spring."}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


def event(name: str = "m-1", **more: Any) -> dict[str, Any]:
    told = {"specversion": "1.0", "id": name, "source": "/campaigns", "type": TYPE, "data": DATA}
    return {**told, "time": "2026-03-02T09:00:00Z", **more}


async def publish(client: AsyncClient, body: Any, kind: str, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/touches", content=content, headers={"Content-Type": kind, **named})


async def timeline(client: AsyncClient, token: str) -> list[dict[str, Any]]:
    answer = await client.get("/contacts/people/1/timeline", headers={"X-At-Least": token})
    assert answer.status_code == 200, answer.text
    return [touch for month in answer.json()["items"] for touch in month["touches"]]


async def test_c_14_a_structured_event_is_a_touch_in_the_timeline(client: AsyncClient) -> None:
    answer = await publish(client, event(), f"{STRUCTURED}; charset=UTF-8")
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["id"], told["source"], told["status"]) == ("m-1", "/campaigns", "accepted")
    (touch,) = await timeline(client, told["token"])
    assert (touch["touch"], touch["channel"]) == (told["stream"], "campaign")
    assert touch["occurred_at"] == "2026-03-02T09:00:00Z"


async def test_c_14_sent_again_it_is_a_duplicate_in_whatever_mode(client: AsyncClient) -> None:
    first = (await publish(client, event(), STRUCTURED)).json()
    await timeline(client, first["token"])
    again = await publish(
        client,
        DATA,
        "application/json",
        ce_specversion="1.0",
        ce_id="m-1",
        ce_source="/campaigns",
        ce_type=TYPE,
        ce_time="2026-03-02T09:00:00Z",
    )
    assert again.status_code == 202, again.text
    assert (again.json()["status"], again.json()["stream"]) == ("duplicate", first["stream"])
    assert len(await timeline(client, first["token"])) == 1


async def test_c_14_of_a_batch_each_event_is_taken_or_refused_for_itself(
    client: AsyncClient,
) -> None:
    batch = [
        event("a"),
        event("b", data={**DATA, "channel": "pigeon"}),
        event("a"),
        event("a", data={**DATA, "note": "Another."}),
        event("c", type="com.example.clicked"),
        "no event",
        event("d", data={**DATA, "person": "person-2"}),
        event("e", data={**DATA, "note": "enc:v1:forged"}),
        event("f", time=5),
    ]
    answer = await publish(client, batch, BATCH)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert [one["status"] for one in told["events"]] == [
        "accepted",
        "rejected",
        "duplicate",
        "rejected",
        "rejected",
        "rejected",
        "accepted",
        "rejected",
        "rejected",
    ]
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (2, 1, 6)
    pointers = [
        one["problem"]["errors"][0]["pointer"] for one in told["events"] if "problem" in one
    ]
    assert pointers == ["#/1/data/channel", "#/3/id", "#/4/type", "#/5", "#/7", "#/8/time"]
    assert len(await timeline(client, told["events"][0]["token"])) == 1
    assert (await publish(client, [], BATCH)).json()["events"] == []


async def test_c_14_a_batch_has_a_thousand_events_at_most(client: AsyncClient) -> None:
    refused = await publish(client, [event(str(n)) for n in range(1_001)], BATCH)
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"
    assert "1000 events" in refused.text


async def test_c_14_every_answer_is_as_the_description_says(client: AsyncClient) -> None:
    batch = {"source": "/campaigns", "touches": [{"id": "p-2", "touch": DATA}, {"id": "p-3"}]}
    answers = [
        (await publish(client, DATA, "application/json", Idempotency_Key="p-1"), "RecordedTouch"),
        (await publish(client, event(), STRUCTURED), "TouchOutcome"),
        (await publish(client, [event("b"), 7, event("c", id="")], BATCH), "TouchOutcomes"),
        (await client.post("/touches/batch", json=batch), "TouchOutcomes"),
        (await publish(client, event(type="x"), STRUCTURED), "Problem"),
        (await publish(client, [7] * 1_001, BATCH), "Problem"),
        (await publish(client, b"x", "text/plain"), "Problem"),
    ]
    document = described()
    for answer, name in answers:
        schema = {**document, "$ref": f"#/components/schemas/{name}"}
        Draft202012Validator(schema).validate(answer.json())
        told = document["paths"][answer.request.url.path]["post"]["responses"]
        assert str(answer.status_code) in told, answer.text
        (content,) = told[str(answer.status_code)]["content"].items()
        assert answer.headers["content-type"] == content[0]
        assert f"#/components/schemas/{name}" in orjson.dumps(content[1]).decode()


def test_c_14_every_body_is_described_as_it_is_read() -> None:
    document = described()
    told = document["paths"]["/touches"]["post"]
    headers = {one["name"] for one in told["parameters"] if one["name"].startswith("ce-")}
    assert headers == {"ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time"}
    batch = {"source": "/campaigns", "touches": [{"id": "p-2", "touch": DATA}]}
    wrong = {**DATA, "channel": "pigeon"}
    for path, kind, right, unfit in (
        ("/touches", "application/json", DATA, wrong),
        ("/touches", STRUCTURED, event(), event(data=wrong)),
        ("/touches", STRUCTURED, event(), event(type="x")),
        ("/touches", BATCH, [event()], [event(), event(data=wrong)]),
        ("/touches/batch", "application/json", batch, {**batch, "touches": [{"id": "p-3"}]}),
    ):
        content = document["paths"][path]["post"]["requestBody"]["content"]
        checked = Draft202012Validator({**document, **content[kind]["schema"]})
        checked.validate(right)
        assert not checked.is_valid(unfit)


def described() -> dict[str, Any]:
    app = build_app("contacts", {}, [router], new_id=str, ready=_ready)
    return app.openapi()


async def _ready() -> dict[str, str]:
    return {}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"specversion": "0.3"}, "#/specversion"),
        ({"specversion": None}, "#/specversion"),
        ({"id": ""}, "#/id"),
        ({"id": 7}, "#/id"),
        ({"source": ""}, "#/source"),
        ({"source": " "}, "#/source"),
        ({"id": " "}, "#/id"),
        ({"type": " "}, "#/type"),
        ({"subject": " "}, "#/subject"),
        ({"subject": 7}, "#/subject"),
        ({"type": "x"}, "#/type"),
        ({"time": "yesterday"}, "#/time"),
        ({"time": 5}, "#/time"),
        ({"time": "1764547200"}, "#/time"),
        ({"time": "2026-03-02T09:00:00"}, "#/time"),
        ({"data": None}, "#/data"),
        ({"data": {**DATA, "towel": 1}}, "#/data/towel"),
        ({"data": {**DATA, "occurred_at": "2026-03-01T00:00:00Z"}}, "#/data/occurred_at"),
        ({"datacontenttype": "text/xml"}, "#/datacontenttype"),
    ],
)
async def test_what_is_wrong_with_an_event_is_named(
    client: AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    refused = await publish(client, event(**change), STRUCTURED)
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]


async def test_a_header_that_says_an_epoch_is_no_instant(client: AsyncClient) -> None:
    said = {"ce_specversion": "1.0", "ce_id": "m-1", "ce_source": "/campaigns", "ce_type": TYPE}
    refused = await publish(client, DATA, "application/json", **said, ce_time="5")
    assert refused.status_code == 422, refused.text
    (error,) = refused.json()["errors"]
    assert error["pointer"] == "#/time"
    assert "2026-03-01T09:00:00+09:00" in error["detail"]


async def test_what_is_no_json_is_refused(client: AsyncClient) -> None:
    for body in (b"{", b"", b"\xff"):
        for kind in (STRUCTURED, BATCH):
            refused = await publish(client, body, kind)
            assert refused.status_code == 422
    assert (await publish(client, event(), BATCH)).status_code == 422


async def test_a_name_that_is_given_twice_is_refused_in_every_mode(client: AsyncClient) -> None:
    data = orjson.dumps(DATA).replace(b"{", b'{"person": "person-2", ', 1)
    whole = orjson.dumps(event()).replace(orjson.dumps(DATA), data)
    named = {"ce_specversion": "1.0", "ce_id": "m-1", "ce_source": "/campaigns", "ce_type": TYPE}
    batch = b'{"source": "/campaigns", "touches": [{"id": "p", "touch": %b}]}' % data
    answers = {
        "#/data/person": await publish(client, whole, STRUCTURED),
        "#/1/data/person": await publish(client, b'[{"id": "m-0"}, %b]' % whole, BATCH),
        "#/person": await publish(client, data, "application/json", Idempotency_Key="p-1"),
        "#/touches/0/touch/person": await client.post(
            "/touches/batch", content=batch, headers={"content-type": "application/json"}
        ),
    }
    answers["#/person "] = await publish(client, data, "application/json", **named)
    for pointer, refused in answers.items():
        assert refused.status_code == 400, refused.text
        (error,) = refused.json()["errors"]
        assert (error["pointer"], refused.json()["type"].rpartition("/")[2]) == (
            pointer.strip(),
            "repeated-name",
        )


async def test_a_touch_that_is_still_to_come_is_refused_at_every_entrance(
    client: AsyncClient,
) -> None:
    """As far ahead as clocks may be wrong it is taken; a card would show it as the newest."""
    now = datetime.now(UTC)
    later, soon = (str(now + timedelta(hours=hours)).replace(" ", "T") for hours in (25, 23))
    plain = {**DATA, "occurred_at": later}
    named = {"ce_specversion": "1.0", "ce_id": "m-1", "ce_source": "/campaigns", "ce_type": TYPE}
    batch = {"source": "/campaigns", "touches": [{"id": "p-2", "touch": plain}]}
    once = (
        ("#/time", await publish(client, event(time=later), STRUCTURED)),
        ("#/time", await publish(client, DATA, "application/json", **named, ce_time=later)),
        ("#/data/occurred_at", await publish(client, event(time=None, data=plain), STRUCTURED)),
        ("#/occurred_at", await publish(client, plain, "application/json", Idempotency_Key="p-1")),
    )
    for pointer, refused in once:
        problem = refused.json()
        assert (refused.status_code, problem["errors"][0]["pointer"]) == (422, pointer)
        assert problem["type"].endswith("/touch-ahead")
    events = [event("b-1", time=later), event("b-2", time=soon)]
    wrong, right = (await publish(client, events, BATCH)).json()["events"]
    assert wrong["problem"]["errors"][0]["pointer"] == "#/0/time"
    (other,) = (await client.post("/touches/batch", json=batch)).json()["events"]
    assert other["problem"]["errors"][0]["pointer"] == "#/touches/0/touch/occurred_at"
    assert [touch["touch"] for touch in await timeline(client, right["token"])] == [right["stream"]]


async def test_c_03_who_records_a_colleagues_touch_is_seen_beside_them(
    client: AsyncClient,
) -> None:
    """Whoever was there may have it recorded by another; a card shows both."""
    touch = {**DATA, "employee": "employee-kim"}
    for name, actor in (("p-1", "employee-kim"), ("p-2", "employee-lee")):
        answer = await publish(
            client, touch, "application/json", Idempotency_Key=name, X_Actor=actor
        )
        told = await timeline(client, answer.json()["token"])
    told.sort(key=lambda one: one["recorded_at"])
    assert [one["employee"] for one in told] == ["employee-kim"] * 2
    assert [one["recorded_by"] for one in told] == [None, "employee-lee"]
    # Who is called by an address, or was not told of, may be whoever recorded it.
    for number, who in enumerate(({"employee": "kim@example.com"}, {})):
        answer = await publish(
            client,
            {**DATA, "person": f"person-by-{number}", **who},
            "application/json",
            Idempotency_Key=f"q-{number}",
            X_Actor="employee-kim",
        )
        headers = {"X-At-Least": answer.json()["token"]}
        path = f"/contacts/people/by-{number}/timeline"
        (month,) = (await client.get(path, headers=headers)).json()["items"]
        assert [one["recorded_by"] for one in month["touches"]] == [None]


async def test_plain_json_is_taken_as_before(client: AsyncClient) -> None:
    answer = await publish(client, DATA, "application/json", Idempotency_Key="p-1")
    assert answer.status_code == 202
    assert answer.json()["recorded"] == 1


def test_the_modes_are_told_apart() -> None:
    assert mode_of(f"{BATCH}; charset=utf-8", {}) == "batch"
    assert mode_of("Application/CloudEvents+JSON", {}) == "structured"
    assert mode_of("application/json", {"ce-specversion": "1.0"}) == "binary"
    assert mode_of("application/json", {}) is None


async def test_of_an_event_in_headers_the_one_that_is_forgotten_is_named(
    client: AsyncClient,
) -> None:
    """As plain JSON it would be told of a key that no event has."""
    named = {"ce_id": "m-1", "ce_source": "/campaigns", "ce_type": TYPE}
    refused = await publish(client, DATA, "application/json", **named)
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"]) == (422, "#/specversion")


def test_headers_are_decoded_once_as_the_binding_says() -> None:
    told = of_headers({"ce-id": '"a \\"b\\""', "ce-source": "/Euro%20%E2%82%AC%2525"}, {})
    assert (told["id"], told["source"]) == ('a "b"', "/Euro €%25")
    for wrong in ("%C0%A0", "100%", "%zz"):
        with pytest.raises(InvalidError):
            of_headers({"ce-id": wrong}, {})
    with pytest.raises(InvalidError):
        of_headers({"ce-datacontenttype": "text/plain"}, {})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ATTRIBUTES = st.sampled_from(
    ["specversion", "id", "source", "type", "time", "data", "datacontenttype", "towel"]
)


@given(st.dictionaries(ATTRIBUTES, ANYTHING, max_size=4), ANYTHING)
def test_whatever_comes_is_taken_or_told_what_is_wrong(changed: Any, other: Any) -> None:
    for document in (event(**changed), other):
        read = read_event(document)
        assert (read.sent is None) != (read.problem is None)


@given(st.dictionaries(st.sampled_from(["ce-id", "ce-source", "ce-x"]), st.text(max_size=30)))
def test_whatever_headers_say_is_decoded_or_refused(headers: dict[str, str]) -> None:
    try:
        told = of_headers(headers, DATA)
    except InvalidError:
        return
    assert read_event(told).id in (None, told.get("id"))
