"""Where deliveries go on: after a restart, and on a log that forgot its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr

from services.webhooks.defaults import WebhooksDefaults
from services.webhooks.kept import CURSORS, MARKS_MAX, Cursor, cursor_key
from services.webhooks.main import build, router
from services.webhooks.tests.receivers import Says, receiving
from services.webhooks.tests.world import HERE, KEY, deals
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.log import Partition, Record, partition_of
from shared.memory import MemoryLog, MemoryStore
from shared.runtime import Runtime
from shared.settings import Settings
from shared.web import build_app

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
STREAM = "opportunity-1"
WEBHOOK = "webhook-1"


def runtime_on(store: MemoryStore, log: MemoryLog, keys: str = KEY) -> Runtime:
    defaults = WebhooksDefaults(allowed_networks=HERE, retry_seconds=(0.05,) * 20)
    settings = Settings(webhook_keys=SecretStr(keys), drain_s=0.2)
    return Runtime(build(defaults), store, log, SystemClock(), settings)


async def appended(log: MemoryLog, facts: Sequence[Envelope]) -> None:
    for fact in facts:
        await log.append(fact.data.topic, fact.stream, encode(fact))


async def register(runtime: Runtime, url: str) -> str:
    """Register as the API does; return the secret it answers."""

    async def ready() -> dict[str, str]:
        return {}

    app = build_app(
        "webhooks", {"webhooks": runtime}, [router], new_id=SystemClock().new_id, ready=ready
    )
    async with AsyncClient(transport=ASGITransport(app), base_url="http://x") as http:
        body = {"url": url, "wants": ["opportunities.*"]}
        answer = await http.post("/webhooks/1/register", json=body)
        assert answer.status_code == 202, answer.text
        secret: str = answer.json()["secret"]
        return secret


async def test_another_process_goes_on_where_the_first_one_stopped() -> None:
    store, log = MemoryStore(), MemoryLog(2)
    facts = deals("First", "Second", "Third", "Fourth")
    async with receiving() as receiver:
        first = runtime_on(store, log)
        await first.start()
        await first.service.ready.wait()
        await register(first, receiver.url)
        await appended(log, facts[:2])
        await receiver.until(lambda: len(receiver.came) == 2)
        await first.stop()
        await appended(log, facts[2:])
        second = runtime_on(store, log)
        await second.start()
        await receiver.until(lambda: facts[3].id in receiver.ids)
        await second.stop()
    assert list(dict.fromkeys(receiver.ids)) == [fact.id for fact in facts]
    # What was under way when it stopped comes again, and nothing else.
    assert len(receiver.ids) <= len(facts) + 1


async def test_how_often_it_was_tried_is_known_after_a_restart() -> None:
    store, log = MemoryStore(), MemoryLog(2)
    async with receiving(lambda _: Says(500)) as receiver:
        for _ in range(2):
            runtime = runtime_on(store, log)
            await runtime.start()
            await runtime.service.ready.wait()
            if not receiver.came:
                await register(runtime, receiver.url)
                await appended(log, deals("First"))
            before = len(receiver.came)
            await receiver.until(lambda before=before: len(receiver.came) >= before + 3)
            await runtime.stop()
        number = partition_of(STREAM, 2)
        key = cursor_key(WEBHOOK, "live", Partition("opportunities", number))
        cursor = Cursor.of((await store.get(CURSORS, key)) or {})
    # At each of both ends one may have been under way.
    assert len(receiver.came) - 2 <= cursor.attempts <= len(receiver.came)


async def test_a_log_that_forgot_its_end_is_delivered_from_the_last_record_it_holds() -> None:
    """As the embedded broker does when it is killed; the journal writes the rest again."""
    store, log = MemoryStore(), MemoryLog(1)
    facts = deals("First", "Second", "Third", "Fourth")
    others = deals("Other", stream="opportunity-2")
    async with receiving() as receiver:
        first = runtime_on(store, log)
        await first.start()
        await first.service.ready.wait()
        await register(first, receiver.url)
        for fact in facts[:3]:
            await appended(log, [fact])
            await receiver.until(lambda fact=fact: receiver.ids[-1:] == [fact.id])
            await asyncio.sleep(2.1)  # Each is remembered, as far apart as marks are.
        await first.stop()
        # The third is lost, and written again behind another.
        held = log._broker.topic("opportunities")[0]
        del held[2:]
        await appended(log, [*others, *facts[2:]])
        second = runtime_on(store, log)
        await second.start()
        await receiver.until(lambda: receiver.ids[-1] == facts[3].id)
        await second.stop()
    assert receiver.ids == [
        *(fact.id for fact in facts[:3]),
        others[0].id,
        facts[2].id,  # Once more: what lies behind the last one that is held.
        facts[3].id,
    ]


def test_marks_lie_some_seconds_apart_and_the_newest_is_the_last_record() -> None:
    cursor = Cursor(0)
    for offset in range(200):
        record = Record("t", 0, offset, b"k", str(offset).encode())
        cursor = cursor.passed(record, NOON + timedelta(seconds=offset / 2))
    assert (cursor.offset, cursor.marks[-1].offset) == (200, 199)
    assert len(cursor.marks) == MARKS_MAX
    apart = [b.at - a.at for a, b in zip(cursor.marks, cursor.marks[1:], strict=False)]
    assert all(1.5 <= seconds <= 2.5 for seconds in apart[:-1])
    assert Cursor.of(cursor.document("a")) == cursor


async def test_without_its_key_nothing_is_sent_and_with_it_everything() -> None:
    store, log = MemoryStore(), MemoryLog(2)
    facts = deals("First", "Second")
    async with receiving() as receiver:
        first = runtime_on(store, log)
        await first.start()
        await first.service.ready.wait()
        await register(first, receiver.url)
        await first.stop()
        other = "n" * 32
        without = runtime_on(store, log, other)
        await without.start()
        await appended(log, facts)
        await asyncio.sleep(1.5)
        assert receiver.came == []
        assert without.tasks.failures == {}
        await without.stop()
        both = runtime_on(store, log, f"{other},{KEY}")
        await both.start()
        await receiver.until(lambda: facts[1].id in receiver.ids)
        await both.stop()
    assert list(dict.fromkeys(receiver.ids)) == [fact.id for fact in facts]


async def test_no_secret_is_in_the_log_the_store_or_what_is_logged() -> None:
    store, log = MemoryStore(), MemoryLog(1)
    with structlog.testing.capture_logs() as logged:
        async with receiving(lambda _: Says(500)) as receiver:
            runtime = runtime_on(store, log)
            await runtime.start()
            await runtime.service.ready.wait()
            secret = await register(runtime, receiver.url)
            await appended(log, deals("First"))
            await receiver.until(lambda: len(receiver.came) >= 2)
            await runtime.stop()
    told: list[Any] = [logged, vars(log._broker), store._database.spaces]
    text = repr(told) + repr([await store.find(name, {}) for name in await store.collections()])
    assert WEBHOOK in text, "else nothing was looked at"
    for canary in (secret, secret.removeprefix("whsec_"), KEY):
        assert canary not in text
