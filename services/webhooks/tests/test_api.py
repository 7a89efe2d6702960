"""Webhooks over HTTP: what is registered is told of facts, and what is refused says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.webhooks.tests.receivers import receiving
from services.webhooks.tests.world import World, deals, world

URL = "http://127.0.0.1:9/facts"


@pytest.fixture
async def platform() -> AsyncIterator[World]:
    async with world() as platform:
        yield platform


async def test_facts_come_to_who_registered_for_them(platform: World) -> None:
    async with receiving() as receiver:
        await platform.registered(receiver.url)
        facts = deals("First", "Second")
        await platform.happened(*facts)
        await receiver.until(lambda: len(receiver.came) == 2)
    assert receiver.ids == [fact.id for fact in facts]
    first = receiver.came[0]
    assert first.headers["content-type"] == "application/cloudevents+json"
    assert first.event["type"] == "opportunities.opportunity_discovered.v1"
    assert first.event["data"]["title"] == "First"
    assert first.event["logposition"].startswith("opportunities/")


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"url": "ftp://example.com/a"}, "#/url", "http or https"),
        ({"url": "https://"}, "#/url", "http or https"),
        ({"url": "https://example.com/a b"}, "#/url", "without spaces"),
        ({"url": "https://me:secret@example.com/"}, "#/url", "a name or a password"),
        ({"url": "https://example.com/#a"}, "#/url", "a fragment"),
        ({"url": "https://example.com:99999/"}, "#/url", ""),
        ({"url": "https://[::1/"}, "#/url", ""),
        ({"url": "https://[v1.x]/"}, "#/url", "Invalid IPv6 address"),
        ({"url": "https://256.1.1.1/"}, "#/url", "Invalid IPv4 address"),
        ({"wants": []}, "#/wants", ""),
        ({"wants": ["oportunities.*"]}, "#/wants/0", "no fact is of such a type"),
        ({"wants": ["Opportunities.*"]}, "#/wants/0", "small letters"),
        ({"wants": ["a*b*c*d*e*"]}, "#/wants/0", "stars"),
        ({"begin": "yesterday"}, "#/begin", ""),
        ({"secret": "whsec_AAAA"}, "#/secret", ""),
    ],
)
async def test_what_cannot_be_names_the_field(
    platform: World, body: dict[str, Any], pointer: str, says: str
) -> None:
    refused = await platform.post("1/register", {"url": URL, "wants": ["opportunities.*"]} | body)
    assert refused.status_code == 422, refused.text
    (error,) = refused.json()["errors"]
    assert error["pointer"] == pointer
    assert says in error["detail"]
