"""What receivers do, and what becomes of the facts: nothing is lost, and streams stay in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.webhooks.keys import newest_key
from services.webhooks.tests.receivers import Delivery, Says, receiving
from services.webhooks.tests.world import KEY, World, deals, world
from shared.events.webhooks import WebhookRegistered
from shared.reading import Token
from shared.settings import Settings
from shared.testing import recorded


@pytest.fixture
async def platform() -> AsyncIterator[World]:
    async with world() as platform:
        yield platform


def failing(times: int, says: Says) -> Any:
    """Answer so for so many times, and then take everything."""
    left = [times]

    def answer(_: Delivery) -> Says:
        left[0] -= 1
        return says if left[0] >= 0 else Says(204, body=b"")

    return answer


async def tried(platform: World, name: str = "1", **query: str) -> list[Any]:
    asked = "&".join(f"{key}={value}" for key, value in {"limit": "200", **query}.items())
    found: list[Any] = (await platform.read(f"/{name}/deliveries?{asked}"))["items"]
    return found


async def until(read: Callable[[], Awaitable[Any]], holds: Callable[[Any], Any]) -> Any:
    """Wait for what is kept in the store, which tells nobody; return what it is then."""
    async with asyncio.timeout(20):
        while not holds(found := await read()):  # noqa: ASYNC110 - the store rings no bell.
            await asyncio.sleep(0.02)
    return found


async def card_when(platform: World, holds: Any, name: str = "1") -> Any:
    return await until(lambda: platform.read(f"/{name}"), holds)


async def test_the_official_library_verifies_each_delivery(platform: World) -> None:
    async with receiving() as receiver:
        done = await platform.registered(receiver.url)
        assert done["secret"].startswith("whsec_")
        await platform.happened(*deals("김민준", "Second"))
        await receiver.until(lambda: len(receiver.came) == 2)
    for one in receiver.came:
        Webhook(done["secret"]).verify(one.body, dict(one.headers))
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_" + "A" * 44).verify(one.body, dict(one.headers))


async def test_the_same_command_again_is_told_the_same_secret(platform: World) -> None:
    body = {"url": "http://127.0.0.1:9/", "wants": ["contacts.*"]}
    first = await platform.post("1/register", body, idempotency_key="a")
    await platform.happened(*deals("It goes on"))
    again = await platform.post("1/register", body, idempotency_key="a")
    assert again.json()["duplicate"]
    assert again.json()["secret"] == first.json()["secret"]


async def test_a_fact_that_is_not_taken_holds_up_its_stream_and_comes_again(
    platform: World,
) -> None:
    async with receiving(failing(3, Says(500))) as receiver:
        await platform.registered(receiver.url)
        facts = deals("First", "Second", "Third")
        await platform.happened(*facts)
        await receiver.until(lambda: len(receiver.came) == 6)
    first, second, third = (fact.id for fact in facts)
    assert receiver.ids == [first] * 4 + [second, third]


async def test_what_was_tried_is_shown_the_newest_first(platform: World) -> None:
    async with receiving(failing(2, Says(503))) as receiver:
        await platform.registered(receiver.url)
        (fact,) = deals("First")
        await platform.happened(fact)
        await receiver.until(lambda: len(receiver.came) == 3)
        found = await until(lambda: tried(platform), lambda found: len(found) == 3)
    assert [(one["outcome"], one["number"], one["status"]) for one in found] == [
        ("delivered", 3, 204),
        ("failed", 2, 503),
        ("failed", 1, 503),
    ]
    assert {one["fact"] for one in found} == {fact.id}
    assert found[1]["next_at"] > found[1]["at"]
    assert [one["number"] for one in await tried(platform, outcome="failed")] == [2, 1]
    assert await tried(platform, fact=fact.id) == found
    assert await tried(platform, fact="another") == []
    first = await platform.read("/1/deliveries?limit=2")
    rest = await platform.read(f"/1/deliveries?limit=2&cursor={first['next_cursor']}")
    assert first["items"] + rest["items"] == found
    assert rest["next_cursor"] is None


async def test_after_the_last_attempt_it_is_disabled_and_goes_on_when_enabled() -> None:
    async with world(retry_seconds=(0.02, 0.02)) as platform:
        async with receiving(failing(3, Says(500))) as receiver:
            await platform.registered(receiver.url)
            facts = deals("First", "Second")
            await platform.happened(*facts)
            card = await card_when(platform, lambda card: not card["enabled"])
            assert (card["disabled_because"], card["said"]) == ("failing", "500")
            assert card["stuck_fact"] == facts[0].id
            assert len(receiver.came) == 3
            await platform.done("1/enable")
            await receiver.until(lambda: len(receiver.came) == 5)
        assert receiver.ids[3:] == [fact.id for fact in facts]


async def test_a_fact_that_they_cannot_take_is_left_out_by_command() -> None:
    facts = deals("First", "Second")

    def answer(one: Delivery) -> Says:
        return Says(422 if one.headers["webhook-id"] == facts[0].id else 200)

    async with world(retry_seconds=(0.02,)) as platform, receiving(answer) as receiver:
        await platform.registered(receiver.url)
        await platform.happened(*facts)
        card = await card_when(platform, lambda card: not card["enabled"])
        await platform.done("1/skip-fact", {"position": card["stuck_at"], "reason": "too long"})
        await platform.done("1/enable")
        await receiver.until(lambda: receiver.ids[-1] == facts[1].id)
        found = await until(lambda: tried(platform, outcome="skipped"), len)
        assert {one["fact"] for one in found} == {facts[0].id}


async def test_410_disables_it_at_once(platform: World) -> None:
    async with receiving(lambda _: Says(410)) as receiver:
        await platform.registered(receiver.url)
        await platform.happened(*deals("First", "Second"))
        card = await card_when(platform, lambda card: not card["enabled"])
    assert (card["disabled_because"], len(receiver.came)) == ("gone", 1)


async def test_a_redirect_is_not_followed(platform: World) -> None:
    async with receiving() as elsewhere:
        moved = Says(307, {"location": elsewhere.url})
        async with receiving(failing(2, moved)) as receiver:
            await platform.registered(receiver.url)
            await platform.happened(*deals("First"))
            await receiver.until(lambda: len(receiver.came) == 3)
        assert elsewhere.came == []


async def test_retry_after_is_waited_for_on_all_partitions(platform: World) -> None:
    async with receiving(failing(1, Says(429, {"retry-after": "1"}))) as receiver:
        await platform.registered(receiver.url)
        times: list[float] = []
        clock = asyncio.get_running_loop().time
        answer = receiver.answering
        receiver.answering = lambda one: (times.append(clock()), answer(one))[1]
        await platform.happened(*deals("First"))
        await receiver.until(lambda: len(receiver.came) == 1)
        # The other partition hears of it, too.
        others = [deals("Other", stream=f"opportunity-{n}")[0] for n in range(2, 9)]
        await asyncio.sleep(0.1)
        await platform.happened(*others)
        await receiver.until(lambda: len(receiver.came) == 9)
    assert min(times[1:]) - times[0] >= 0.9


async def test_one_that_does_not_answer_delays_nobody_else() -> None:
    released = asyncio.Event()

    async def waiting(_: Delivery) -> Says:
        await released.wait()
        return Says()

    async with (
        world(answer_seconds=0.4, retry_seconds=(60,)) as platform,
        receiving(waiting) as slow,
        receiving() as quick,
    ):
        await platform.registered(slow.url, "slow")
        await platform.registered(quick.url, "quick")
        for n in range(40):
            await platform.happened(*deals(f"Deal {n}", stream=f"opportunity-{n}"))
        await quick.until(lambda: len(quick.came) == 40)
        found = await until(lambda: tried(platform, "slow", outcome="failed"), len)
        assert len(slow.came) <= 2, "one at a time on each partition"
        assert "no answer within 0.4 s" in found[0]["said"]
        released.set()


async def test_a_name_that_nobody_answers_for_delays_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looking up a name blocks a thread, and cannot be stopped."""
    from shared import addresses

    look_up, released = addresses._look_up, threading.Event()

    def slowly(host: str, port: int) -> Any:
        if host == "slow.example":
            released.wait(30)
        return look_up(host, port)

    monkeypatch.setattr("shared.addresses._look_up", slowly)
    async with world(answer_seconds=0.5, retry_seconds=(0.05,)) as platform, receiving() as quick:
        for n in range(8):
            await platform.registered("http://slow.example/", f"slow{n}")
        await platform.registered(quick.url, "quick")
        await platform.happened(*deals("First", "Second"))
        await quick.until(lambda: len(quick.came) == 2)
        card = await card_when(platform, lambda card: not card["enabled"], "slow0")
        released.set()
    assert card["said"] == "no answer within 0.5 s"


async def test_an_answer_without_end_is_not_waited_for() -> None:
    async with (
        world(answer_seconds=1) as platform,
        receiving(lambda _: Says(body=b"x" * 5_000_000)) as receiver,
    ):
        await platform.registered(receiver.url)
        await platform.happened(*deals("First", "Second"))
        await receiver.until(lambda: len(receiver.came) == 2)


async def test_it_begins_now_or_at_the_beginning(platform: World) -> None:
    before = deals("Before")
    await platform.happened(*before)
    async with receiving() as one, receiving() as other:
        await platform.registered(one.url, "now")
        await platform.registered(other.url, "all", begin="beginning")
        after = deals("After", stream="opportunity-2")
        await platform.happened(*after)
        await one.until(lambda: one.came)
        await other.until(lambda: len(other.came) == 2)
    assert one.ids == [after[0].id]
    assert set(other.ids) == {before[0].id, after[0].id}


async def test_while_the_secret_is_rotated_both_verify(platform: World) -> None:
    async with receiving() as receiver:
        old = (await platform.registered(receiver.url))["secret"]
        done = await platform.done("1/rotate-secret", {"both_for_hours": 1})
        await card_when(platform, lambda card: len(card["secrets"]) == 2)
        await asyncio.sleep(0.7)
        await platform.happened(*deals("First"))
        await receiver.until(lambda: receiver.came)
        assert done["secret"] != old
        for secret in (old, done["secret"]):
            Webhook(secret).verify(receiver.came[0].body, dict(receiver.came[0].headers))
        leaked = await platform.done("1/rotate-secret", {"both_for_hours": 0})
        await card_when(platform, lambda card: card["secrets"][0]["version"] == 3)
        await asyncio.sleep(0.7)
        await platform.happened(*deals("Second", stream="opportunity-2"))
        await receiver.until(lambda: len(receiver.came) == 2)
        last = receiver.came[1]
        Webhook(leaked["secret"]).verify(last.body, dict(last.headers))
        with pytest.raises(WebhookVerificationError):
            Webhook(done["secret"]).verify(last.body, dict(last.headers))


async def test_other_facts_begin_when_they_are_chosen(platform: World) -> None:
    async with receiving() as receiver:
        await platform.registered(receiver.url, wants=["contacts.*"])
        before, after = deals("Before")[0], deals("After", stream="opportunity-2")[0]
        await platform.happened(before)
        done = await platform.done("1/choose-facts", {"wants": ["opportunities.*"]})
        await platform.read("/1", done["token"])
        await platform.happened(after)
        await receiver.until(lambda: receiver.came)
    assert receiver.ids == [after.id]


async def test_a_range_of_positions_comes_once_more(platform: World) -> None:
    async with receiving() as receiver:
        await platform.registered(receiver.url)
        facts = deals("First", "Second", "Third")
        await platform.happened(*facts)
        await receiver.until(lambda: len(receiver.came) == 3)
        second = receiver.came[1].event["logposition"]
        await platform.done("1/replay", {"first": [second], "last": [second]})
        await receiver.until(lambda: len(receiver.came) == 4)
        later = {"recorded_from": facts[2].recorded_at.isoformat()}
        await platform.done("1/replay", later)
        await receiver.until(lambda: len(receiver.came) == 5)
        assert receiver.ids == [*(fact.id for fact in facts), facts[1].id, facts[2].id]
        found = await until(lambda: platform.read("/1/progress"), lambda told: not told["behind"])
        assert {one["run"] for one in found["items"]} == {"live", "replay-1", "replay-2"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/"),
        ({"first": ["opportunities/9/1"]}, "#/first/0"),
        ({"first": ["nonsense/0/1"]}, "#/first/0"),
        ({"first": ["opportunities/0/1", "opportunities/0/2"]}, "#/first/1"),
        ({"first": ["opportunities/0/99"]}, "#/first"),
        ({"last": ["contacts/0/99"]}, "#/first"),
        ({"first": ["opportunities/0/1/2"]}, "#/first/0"),
    ],
)
async def test_a_replay_of_what_is_not_there_is_refused(
    platform: World, body: dict[str, Any], pointer: str
) -> None:
    await platform.registered("http://127.0.0.1:9/")
    refused = await platform.post("1/replay", body)
    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0.0.0.0:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "https://127.0.0.1:{port}/",
    ],
)
async def test_nothing_is_sent_inside_unless_a_deployment_says_so(url: str) -> None:
    async with world(allowed_networks=(), retry_seconds=()) as platform, receiving() as receiver:
        port = receiver.url.rpartition(":")[2].partition("/")[0]
        # As it was registered when the networks of this deployment were others.
        key = newest_key(Settings(webhook_keys=SecretStr(KEY))).name
        told = WebhookRegistered(url=url.format(port=port), wants=("opportunities.*",), key=key)
        await platform.happened(*recorded(told, stream="webhook-1"))
        await platform.read("/1", Token("webhook-1", 1).encode())
        await platform.happened(*deals("First"))
        card = await card_when(platform, lambda card: card["said"])
        assert (card["enabled"], receiver.came) == (False, [])
    assert "a network to which nothing is sent" in card["said"]


@pytest.mark.parametrize(
    ("url", "networks", "says"),
    [
        ("https://10.1.2.3/facts", (), "nothing is sent and from which nothing is fetched"),
        ("https://169.254.169.254/", (), "`allowed_networks` of `webhooks`"),
        ("https://[::ffff:127.0.0.1]/", (), "`allowed_networks` of `webhooks`"),
        ("http://8.8.8.8/", ("127.0.0.0/8",), "without TLS facts go only into networks"),
        ("http://facts.example/", (), "without TLS facts go only into networks"),
    ],
)
async def test_an_address_to_which_nothing_would_ever_go_is_not_registered(
    url: str, networks: tuple[str, ...], says: str
) -> None:
    """Whoever registered it would wait for facts, and find why only where deliveries are shown."""
    async with world(allowed_networks=networks) as platform:
        refused = await platform.post("1/register", {"url": url, "wants": ["opportunities.*"]})
        await platform.registered("https://facts.example/", "2")
        moved = await platform.post("2/move", {"url": url})
    for answer in (refused, moved):
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"]) == (422, "#/url")
        assert says in error["detail"]


async def test_a_name_that_moves_inside_is_not_followed(
    platform: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was checked is what is connected to: no second look at the name in between."""
    from ipaddress import ip_address

    looked: list[str] = []

    def look_up(host: str, _port: int) -> list[Any]:
        looked.append(host)
        return [ip_address("127.0.0.1" if len(looked) == 1 else "10.0.0.1")]

    monkeypatch.setattr("shared.addresses._look_up", look_up)
    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        await platform.registered(f"http://facts.example:{port}")
        await platform.happened(*deals("First", "Second"))
        await receiver.until(lambda: len(receiver.came) == 2)
    assert looked == ["facts.example"]
    assert receiver.came[0].headers["host"] == f"facts.example:{port.partition('/')[0]}"


async def test_without_tls_facts_leave_only_into_networks_named_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ipaddress import ip_address

    monkeypatch.setattr("shared.addresses._look_up", lambda _h, _p: [ip_address("93.184.215.14")])
    async with world(retry_seconds=()) as platform:
        await platform.registered("http://example.com/")
        await platform.happened(*deals("First"))
        card = await card_when(platform, lambda card: not card["enabled"])
    assert "without TLS" in card["said"]


async def test_attempts_are_forgotten_after_some_days(platform: World) -> None:
    from services.webhooks.kept import ATTEMPTS, Attempt, attempt_document, prune
    from shared.memory import MemoryStore

    store, now = MemoryStore(), datetime(2026, 3, 1, tzinfo=UTC)
    for webhook in ("webhook-1", "webhook-10"):
        for days in range(10):
            at = now - timedelta(days=days, hours=1)
            told = Attempt(
                at.isoformat(), at, "delivered", "f", "t", None, "a/0/1", "live", 1, 200, "", 3
            )
            await store.put_many(ATTEMPTS, [attempt_document(webhook, told)])
    assert await prune(store, "webhook-1", now, 7) == 3
    assert await store.count(ATTEMPTS, {"webhook": "webhook-1"}) == 7
    assert await store.count(ATTEMPTS, {"webhook": "webhook-10"}) == 10
