"""What cannot be read of an inbox may name anybody: it is sealed, and goes with whom it names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient

from services.contacts.main import domain, router
from services.contacts.tests.client import get, post
from services.contacts.tests.test_touch_inbox import event, structured
from services.contacts.touch_events import STRUCTURED
from shared import parking
from shared.aside import names
from shared.memory import MemoryLog
from shared.seals import Seals
from shared.testing import memory_seals, serving

TOPIC, COLLECTION = "touches-inbox", "touches_inbox_v1"
MAIL, PHONE, NAME = "canary.kim@example.com", "+82 10-1234-5678", "카나리아김"
CANARIES = (MAIL, "CanaryNote", "821012345678", "821012345679", NAME, "canary-key")


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(2)


@pytest.fixture
def seals() -> Seals:
    return memory_seals()


@pytest.fixture
async def client(log: MemoryLog, seals: Seals) -> AsyncIterator[AsyncClient]:
    async with serving(domain, router, parking.router, log=log, seals=seals) as client:
        yield client


def wrong(name: str, **data: Any) -> bytes:
    told = {"channel": "pigeon", "note": "CanaryNote", **data}
    return structured({**event(name), "data": told})[0]


async def send(log: MemoryLog, value: bytes, key: str = "canary-key") -> None:
    await log.append(TOPIC, key, value, [("content-type", STRUCTURED.encode())])


async def parked(client: AsyncClient, count: int) -> list[dict[str, Any]]:
    while True:
        held: list[dict[str, Any]] = (await client.get("/parked")).json()["parked"]
        if len(held) == count:
            return sorted(held, key=lambda one: one["position"])


def kept(client: AsyncClient) -> str:
    """Return all that the store holds, as text."""
    runtime = client._transport.app.state.runtimes["contacts"]  # type: ignore[attr-defined]
    return repr(runtime.store._database.spaces)


async def test_what_is_set_aside_is_kept_sealed_and_shown_to_who_mends_it(
    client: AsyncClient, log: MemoryLog
) -> None:
    await send(log, wrong("a", email=MAIL))
    (held,) = await parked(client, 1)
    assert MAIL in held["value"]
    assert held["reason"].startswith("#/data/channel: ")
    everything = kept(client)
    assert "enc:v1:aside-" in everything
    for canary in CANARIES:
        assert canary not in everything


async def test_m4_no_line_of_the_log_tells_what_others_wrote(
    client: AsyncClient, log: MemoryLog, lines: list[Any]
) -> None:
    await send(log, wrong("a", **{MAIL: 1}))
    (held,) = await parked(client, 1)
    assert MAIL in held["reason"]
    assert any(line["event"] == "stream_parked" for line in lines)
    assert not any(canary in repr(lines) for canary in CANARIES)


async def test_m4_an_erasure_reaches_what_was_set_aside_and_what_was_dropped(
    client: AsyncClient, log: MemoryLog
) -> None:
    said = {"name": NAME, "email": MAIL, "phone": PHONE}
    token = await post(client, "/contacts/people/1/register", said)
    await get(client, "/contacts/people/1", token)
    await send(log, wrong("a", email=MAIL.upper()))
    await send(log, wrong("b", phone="(8210) 1234 5678"))
    await send(log, wrong("e", phone="010 1234 5678"))
    await send(log, orjson.dumps({"who": NAME}).replace(NAME.encode(), escaped(NAME)))
    await send(log, wrong("d", email="somebody.else@example.com"))
    held = await parked(client, 5)
    where = {"domain": "contacts", "collection": COLLECTION}
    first = {"stream": held[0]["stream"], "position": held[0]["position"], "reason": "theirs"}
    assert (await client.post("/parked/drop", json=where | first)).json() == {"left": 0}
    (dropped,) = (await client.get("/parked/dropped")).json()["dropped"]
    assert dropped["reason"] == "theirs"
    assert "CanaryNote" in dropped["value"]
    answer = await client.post(
        "/contacts/people/1/erase", json={"reason": "asked_for", "basis": "gdpr_17"}
    )
    assert answer.status_code == 200, answer.text
    told = (await client.get("/parked")).text + (await client.get("/parked/dropped")).text
    for canary in (MAIL, MAIL.upper(), "1234 5678", NAME, escaped(NAME).decode()):
        assert canary not in told
    assert told.count("[erased]") >= 4
    assert "somebody.else@example.com" in told, "nobody asked for that"
    still = await parked(client, 4)
    gone = next(one for one in still if one["value"] == "[erased]")
    again = await client.post("/parked/replay", json=where | {"stream": gone["stream"]})
    assert again.json() == {"left": 1}


async def test_after_a_fix_what_was_set_aside_becomes_a_touch_and_leaves_nothing(
    client: AsyncClient, log: MemoryLog, seals: Seals, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr("services.contacts.touch_events.TYPE", "touches.touch_recorded.v0")
        await send(log, structured(event("late"))[0])
        (held,) = await parked(client, 1)
    body = {"domain": "contacts", "collection": COLLECTION, "stream": held["stream"]}
    assert (await client.post("/parked/replay", json=body)).json() == {"left": 0}
    assert await parked(client, 0) == []
    assert seals.ring is not None
    gone = [one.whose for one in await seals.ring.erased()]
    assert [whose.partition("-")[0] for whose in gone] == ["aside"]


def escaped(text: str) -> bytes:
    return "".join(f"\\u{ord(letter):04x}" for letter in text).encode()


@pytest.mark.parametrize(
    ("said", "word", "does"),
    [
        (b"mail to KIM@Example.com now", "kim@example.com", True),
        (b"xkim@example.com", "kim@example.com", False),
        (b'{"phone": "+82-10-1234-5678"', "+821012345678", True),
        (b"Canary  Kim\tcalled", "canary kim", True),
        (b"order 42", "42", True),
        (b"order 421", "42", False),
        (b"\\uae40\\uac00", "\uae40\uac00", True),
        (b"person-12", "person-1", False),
        (None, "kim", False),
    ],
)
def test_a_record_names_somebody_however_it_is_broken(
    said: bytes | None, word: str, *, does: bool
) -> None:
    record = {"key": None, "value": said, "headers": []}
    assert names(record, [word]) is does
