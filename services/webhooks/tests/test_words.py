"""Words about people leave the house sealed, or opened where somebody who may said so."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import SecretStr

from services.webhooks.defaults import WebhooksDefaults
from services.webhooks.main import build, router
from services.webhooks.tests.receivers import receiving
from services.webhooks.tests.world import HERE, KEY, World
from shared.events import Envelope
from shared.events.contacts import PersonRegistered
from shared.memory import MemoryLog
from shared.seals import Seals
from shared.settings import Settings
from shared.testing import memory_seals, recorded, serving

MAIL = "kim@example.com"


async def person(seals: Seals, name: str) -> Sequence[Envelope]:
    told = PersonRegistered(name=name, email=MAIL)
    return await seals.seal(recorded(told, stream=f"person-{name}"))


async def test_words_are_sealed_until_they_are_opened_and_where_the_webhook_moves_to() -> None:
    seals, log = memory_seals(), MemoryLog(2)
    domain = build(WebhooksDefaults(allowed_networks=HERE, retry_seconds=(0.05,)))
    settings = Settings(webhook_keys=SecretStr(KEY))
    async with (
        receiving() as receiver,
        receiving() as elsewhere,
        serving(domain, router, settings=settings, log=log, seals=seals) as http,
    ):
        platform = World(http, log)
        await platform.registered(receiver.url, wants=["contacts.*"])
        await platform.happened(*await person(seals, "a"))
        await receiver.until(lambda: len(receiver.came) == 1)
        assert receiver.came[0].event["data"]["email"].startswith("enc:v1:person-a:email:")

        done = await platform.done("1/choose-words", {"words": "opened"})
        assert (await platform.read("/1", done["token"]))["words"] == "opened"
        # Deliveries begin anew with what is wanted, within a moment.
        await telling(platform, seals, lambda: MAIL.encode() in last(receiver))
        assert receiver.came[-1].event["data"]["email"] == MAIL
        attempts = await platform.read("/1/deliveries")
        assert MAIL not in repr(attempts), "nothing of it is kept"

        assert seals.ring is not None
        await seals.ring.erase("person-c")
        await platform.happened(*await person(seals, "c"))
        await receiver.until(lambda: b"[erased]" in last(receiver))

        await platform.done("1/move", {"url": elsewhere.url})
        await telling(platform, seals, lambda: elsewhere.came)
        for delivery in elsewhere.came:
            assert delivery.event["data"]["email"].startswith("enc:v1:person-")


async def telling(platform: World, seals: Seals, holds: Callable[[], Any]) -> None:
    """Tell of one person after the other until it holds."""
    async with asyncio.timeout(20):
        for number in itertools.count():
            if holds():
                return
            await platform.happened(*await person(seals, f"{number}"))
            await asyncio.sleep(0.1)


def last(receiver: object) -> bytes:
    body: bytes = receiver.came[-1].body  # type: ignore[attr-defined]
    return body
