"""Who promotes hears of each person who did not agree to it; nothing that happened is dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient

from services.contacts.consents import lacking
from services.contacts.defaults import ContactsDefaults
from services.contacts.erasing import Consent
from services.contacts.main import domain, router
from services.contacts.tests.client import get, post, promotion, publish
from services.contacts.touch_events import STRUCTURED
from shared.testing import serving

MAIL = "kim@example.com"
RULES = ContactsDefaults()
STRICT = ContactsDefaults(promotion_takes="consent")
DAY = date(2026, 3, 10)


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


def consent(purpose: str, since: str | None, *, given: bool) -> Consent:
    return Consent(purpose, given, "email", None, date.fromisoformat(since) if since else None)


def test_what_was_told_last_of_all_promotions_or_of_the_channel_holds_on_the_day() -> None:
    no = consent("marketing", "2026-03-01", given=False)
    found = lacking([no], "email", DAY, RULES)
    assert found is not None
    assert (found.purpose, found.withdrawn, found.since) == ("marketing", True, date(2026, 3, 1))
    assert lacking([no], "email", date(2026, 2, 28), RULES) is None, "before they withdrew it"
    mail = consent("marketing-email", "2026-03-02", given=True)
    assert lacking([no, mail], "email", DAY, RULES) is None, "mail alone they agreed to later"
    assert lacking([no, mail], "call", DAY, RULES) is not None
    yes = consent("marketing", "2026-03-01", given=True)
    assert lacking([yes, replace(mail, given=False)], "email", DAY, RULES) is not None
    assert lacking([consent("survey", None, given=False)], "email", DAY, RULES) is None
    assert lacking([consent("marketing", None, given=False)], "email", DAY, RULES) is not None


def test_a_company_may_want_consent_before_it_promotes_anything() -> None:
    found = lacking([], "email", DAY, STRICT)
    assert found is not None
    assert (found.withdrawn, found.since) == (False, None)
    assert lacking([], "email", DAY, RULES) is None
    assert lacking([consent("marketing", "2026-03-10", given=True)], "email", DAY, STRICT) is None
    assert lacking([consent("marketing", "2026-03-11", given=True)], "email", DAY, STRICT)


def event(name: str, day: str, **data: Any) -> dict[str, Any]:
    return promotion(name, day, **{"subject": name, **data})


async def withdrawn(client: AsyncClient, purpose: str = "marketing", on: str = "05") -> None:
    await post(client, "/contacts/people/1/register", {"name": "Kim", "email": MAIL})
    body = {"purpose": purpose, "source": "email", "on": f"2026-03-{on}"}
    token = await post(client, "/contacts/people/1/withdraw-consent", body)
    await get(client, "/contacts/people/1/consents", token)


async def test_c_14_a_promotion_without_consent_is_recorded_and_its_publisher_told(
    client: AsyncClient,
) -> None:
    await withdrawn(client)
    told = await publish(
        client,
        event("before", "04"),
        event("after", "06"),
        event("by-address", "07", email=MAIL),
        event("no-promotion", "07", about="general"),
        event("theirs", "07", direction="inbound"),
    )
    assert {one["status"] for one in told["events"]} == {"accepted"}
    assert told["without_consent"] == 2
    noted = [one.get("no_consent") for one in told["events"]]
    note = {"purpose": "marketing", "channel": "email", "withdrawn": True, "since": "2026-03-05"}
    assert noted == [None, note, note, None, None]
    tokens = [one["token"] for one in told["events"]]
    page = await get(client, "/contacts/people/1/promotions", *tokens)
    lacked = {one["words"]: one["no_consent"] for one in page["sent"]}
    assert lacked == {"before": None, "after": note, "by-address": note}


async def test_c_14_every_way_of_telling_a_touch_is_answered_with_it(client: AsyncClient) -> None:
    await withdrawn(client)
    said = {
        "person": "person-1",
        "channel": "email",
        "about": "promotion",
        "occurred_at": "2026-03-06T09:00:00Z",
    }
    plain = await client.post("/touches", json=said, headers={"Idempotency-Key": "a"})
    assert plain.status_code == 202
    assert plain.json()["no_consent"]["purpose"] == "marketing"
    batch = {"source": "crm", "touches": [{"id": "a", "touch": said}]}
    many = await client.post("/touches/batch", json=batch)
    assert many.json()["accepted"] == 1
    assert many.json()["events"][0]["no_consent"]["withdrawn"] is True
    one = await client.post(
        "/touches",
        content=orjson.dumps(event("alone", "06")),
        headers={"Content-Type": STRUCTURED},
    )
    assert one.json()["no_consent"]["since"] == "2026-03-05"


async def test_c_14_who_asks_before_sending_is_told_no(client: AsyncClient) -> None:
    await withdrawn(client, "marketing-email")
    for channel, may in (("email", False), ("call", True)):
        query = f"person=person-1&channel={channel}&campaign=spring"
        told = (await client.get(f"/contacts/may-promote?{query}")).json()["people"][0]
        assert told["may"] is may
        assert (told["no_consent"] is None) is may


async def test_who_withdrew_is_left_out_of_whom_a_segment_promotes_to(client: AsyncClient) -> None:
    await withdrawn(client)
    token = await post(client, "/contacts/people/1/state-details", {"language": "ko"})
    other = await post(client, "/contacts/people/2/register", {"name": "Lee", "language": "ko"})
    saved = await post(client, "/contacts/segments/1/save", {"name": "Korean", "language": "ko"})
    people = await get(client, "/contacts/segments/1/people", saved, token, other)
    assert {one["person"] for one in people["items"]} == {"person-1", "person-2"}
    chosen = (await client.get("/contacts/segments/1/people?promote_on=email")).json()
    assert [one["person"] for one in chosen["items"]] == ["person-2"]
    table = await client.get("/contacts/segments/1/people?promote_on=email&format=csv")
    assert "person-2" in table.text
    assert "person-1" not in table.text
