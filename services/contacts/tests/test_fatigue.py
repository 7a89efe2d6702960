"""C_14: who publishes a promotion hears of each person who got the same one lately."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient

from services.contacts.main import domain, router
from services.contacts.tests.client import get, post, promotion, publish
from services.contacts.touch_events import STRUCTURED
from shared.testing import serving

MAIL = "kim@example.com"


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


def event(name: str, day: str, **data: Any) -> dict[str, Any]:
    return promotion(name, day, **{"campaign": "spring", **data})


async def folded(client: AsyncClient, told: dict[str, Any]) -> None:
    await get(client, "/contacts/people/1/promotions", *(one["token"] for one in told["events"]))


async def test_c_14_the_same_promotion_inside_the_window_is_told_and_recorded(
    client: AsyncClient,
) -> None:
    await folded(client, await publish(client, event("a", "01")))
    told = await publish(client, event("b", "20"), event("c", "20", campaign="autumn"))
    again, other = told["events"]
    assert (again["status"], other["status"], told["repeated"]) == ("accepted", "accepted", 1)
    assert again["repeats"] == {"on": "2026-03-01", "by": "/campaigns", "again_from": "2026-03-31"}
    assert "repeats" not in other
    answer = await get(client, "/contacts/people/1/promotions", again["token"])
    assert len([one for one in answer["sent"] if one["campaign"] == "spring"]) == 2


async def test_c_14_also_within_one_batch_and_never_of_a_duplicate(client: AsyncClient) -> None:
    told = await publish(client, event("a", "01"), event("b", "02"), event("b", "02"))
    assert [("repeats" in one, one["status"]) for one in told["events"]] == [
        (False, "accepted"),
        (True, "accepted"),
        (False, "duplicate"),
    ]


async def test_c_14_after_the_window_or_from_the_customer_it_is_none(client: AsyncClient) -> None:
    await folded(client, await publish(client, event("a", "01")))
    told = await publish(
        client,
        {**event("b", "01"), "time": "2026-03-31T09:00:00Z"},
        event("c", "02", direction="inbound"),
        event("d", "02", about="general"),
    )
    assert told["repeated"] == 0


async def test_c_14_all_entries_and_names_of_a_person_are_one(client: AsyncClient) -> None:
    tokens = [
        await post(client, "/contacts/people/1/register", {"name": "Kim", "email": MAIL}),
        await post(client, "/contacts/people/2/register", {"name": "Kim"}),
        await post(client, "/contacts/people/2/merge", {"into": "person-1"}),
    ]
    await get(client, "/contacts/people/1", *tokens)
    fresh = await publish(client, event("x", "01", person="person-2"), event("a", "01", email=MAIL))
    assert fresh["repeated"] == 1, "the address is theirs although no touch has named it yet"
    await folded(client, fresh)
    for name, whom in (("b", {"person": "person-2"}), ("c", {"person": "person-1"})):
        told = await publish(client, event(name, "05", **whom))
        assert told["events"][0]["repeats"]["on"] == "2026-03-01", whom
    told = await publish(client, event("d", "06", person="person-2"), event("e", "06", email=MAIL))
    assert told["repeated"] == 2


async def test_c_14_one_event_alone_is_answered_with_it_too(client: AsyncClient) -> None:
    await folded(client, await publish(client, event("a", "01")))
    answer = await client.post(
        "/touches",
        content=orjson.dumps(event("b", "02")),
        headers={"Content-Type": STRUCTURED},
    )
    assert answer.json()["repeats"]["on"] == "2026-03-01"


async def test_c_14_what_is_sent_again_does_not_repeat_itself(client: AsyncClient) -> None:
    """A publisher who got no answer in time sends the same again, and is told nothing else."""
    headers = {"content-type": STRUCTURED}
    one = orjson.dumps(event("again", "02", person="person-9"))
    first = (await client.post("/touches", content=one, headers=headers)).json()
    await get(client, "/contacts/people/9/promotions", first["token"])
    again = (await client.post("/touches", content=one, headers=headers)).json()
    assert (again["stream"], "repeats" in again) == (first["stream"], False)
    plain = {"person": "person-9", "channel": "campaign", "about": "promotion", "campaign": "x"}
    for _ in range(2):
        answer = await client.post("/touches", json=plain, headers={"Idempotency-Key": "k"})
        await get(client, "/contacts/people/9/promotions", answer.json()["token"])
        assert answer.json().get("repeats") is None
