"""The pull feed: every record of the log once, in order, or a plain word that it is another log."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from random import Random
from typing import Any

import orjson
import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from shared.errors import InvalidError
from shared.events import decode, encode
from shared.events.organization import EmployeeJoined
from shared.feed import PAGE_BYTES_MAX, UNREADABLE, Feed, OtherLogError, Page, Place, cloud_event
from shared.log import Partition, Record
from shared.memory import MemoryLog
from shared.pulling import BATCH_TYPE, fact_topics
from shared.testing import recorded
from shared.tests.served import app_of, join
from shared.tests.tiny import build, running, tiny_domain

TOPICS = ("contacts", "issues")


def a_fact(stream: str, name: str = "Ada") -> bytes:
    (fact,) = recorded(EmployeeJoined(name=name), stream=stream)
    return encode(fact)


async def fill(log: MemoryLog, topic: str, count: int, mark: str = "") -> None:
    for number in range(count):
        stream = f"employee-{mark}{number}"
        await log.append(topic, stream, a_fact(stream))


def positions(page: Page) -> list[str]:
    return [orjson.loads(event)["logposition"] for event in page.events]


def all_positions(log: MemoryLog, *topics: str) -> list[str]:
    return ["/".join(map(str, r.position)) for topic in topics for r in log.records(topic)]


async def pulled(feed: Feed, place: Place, limit: int) -> list[str]:
    found: list[str] = []
    while (page := await feed.pull(TOPICS, place, limit=limit)).events:
        found += positions(page)
        place = Place.decode(page.place.encode())
    return found


@pytest.mark.parametrize("seed", range(20))
async def test_nothing_is_skipped_nor_given_twice_while_more_is_recorded(seed: int) -> None:
    random, log = Random(seed), MemoryLog(3)
    token: str | None = None
    got: list[str] = []
    for _ in range(60):
        if random.random() < 0.6:
            await fill(log, random.choice(TOPICS), random.randrange(9), mark=str(random.random()))
        # Any process may answer next, and any choice of topics may be asked for.
        feed = Feed(log)
        place = Place() if token is None else Place.decode(token)
        chosen = random.choice([TOPICS, TOPICS[:1], TOPICS[1:]])
        page = await feed.pull(chosen, place, limit=random.randrange(1, 8))
        assert {name.partition("/")[0] for name in positions(page)} <= set(chosen)
        got += positions(page)
        token = page.place.encode()
    assert token is not None
    got += await pulled(Feed(log), Place.decode(token), 1_000)
    assert Counter(got) == Counter(all_positions(log, *TOPICS))
    by_partition: dict[str, list[int]] = {}
    for position in got:
        partition, _, offset = position.rpartition("/")
        by_partition.setdefault(partition, []).append(int(offset))
    assert all(offsets == sorted(offsets) for offsets in by_partition.values())


async def test_a_busy_partition_keeps_no_other_waiting() -> None:
    log = MemoryLog(1)
    await fill(log, "contacts", 500)
    await fill(log, "issues", 1)
    feed = Feed(log)
    first = await feed.pull(TOPICS, Place(), limit=10)
    second = await feed.pull(TOPICS, first.place, limit=10)
    assert "issues/0/0" in positions(second)
    assert (first.behind, second.behind) == (491, 481)


async def test_a_page_is_bounded_in_bytes_and_still_gets_on() -> None:
    log = MemoryLog(1)
    for number in range(12):
        stream = f"employee-{number}"
        await log.append("contacts", stream, a_fact(stream, "x" * 900_000))
    feed, place, got = Feed(log), Place(), 0
    while events := (page := await feed.pull(TOPICS, place, limit=1_000)).events:
        assert sum(map(len, events[:-1])) < PAGE_BYTES_MAX
        place, got = page.place, got + len(events)
    assert got == 12


class TestAnotherLog:
    async def test_shorter(self) -> None:
        page = await self.page_of(5)
        with pytest.raises(OtherLogError, match="contacts/0/4"):
            await Feed(await self.log_of(3, "b")).pull(TOPICS, page.place, limit=5)

    async def test_as_long_where_nothing_follows(self) -> None:
        page = await self.page_of(5)
        with pytest.raises(OtherLogError, match="does not hold the record"):
            await Feed(await self.log_of(5, "b")).pull(TOPICS, page.place, limit=5)

    async def test_longer(self) -> None:
        page = await self.page_of(5)
        with pytest.raises(OtherLogError):
            await Feed(await self.log_of(9, "b")).pull(TOPICS, page.place, limit=5)

    async def test_cut_off_and_grown_again(self) -> None:
        log = await self.log_of(5, "a")
        feed = Feed(log)
        page = await feed.pull(TOPICS, Place(), limit=5)
        log.truncate("contacts", 0, 3)
        await fill(log, "contacts", 4, "c")
        with pytest.raises(OtherLogError):
            await feed.pull(TOPICS, page.place, limit=5)

    async def test_a_place_that_nobody_checked_is_not_believed_later(self) -> None:
        """What one client says was given is no proof for the next who says the same."""
        elsewhere, log = await self.page_of(5), await self.log_of(5, "b")
        await fill(log, "issues", 1)
        feed = Feed(log)
        # Here is something to give, so the place in `contacts` need not be looked at.
        answered = await feed.pull(TOPICS, elsewhere.place, limit=1)
        assert positions(answered) == ["issues/0/0"]
        with pytest.raises(OtherLogError):
            await feed.pull(TOPICS, answered.place, limit=1)

    async def test_the_same_is_gone_on_with(self) -> None:
        log = await self.log_of(5, "a")
        page = await Feed(log).pull(TOPICS, Place(), limit=5)
        again = await Feed(log).pull(TOPICS, page.place, limit=5)
        assert (again.events, again.place.given) == ([], page.place.given)

    async def page_of(self, count: int) -> Page:
        return await Feed(await self.log_of(count, "a")).pull(TOPICS, Place(), limit=count)

    async def log_of(self, count: int, mark: str) -> MemoryLog:
        log = MemoryLog(1)
        await fill(log, "contacts", count, mark)
        return log


class CountingLog(MemoryLog):
    """Counts how often somebody asks."""

    asked = 0
    reads = 0

    async def ends(self, topic: str) -> dict[Partition, int]:
        self.asked += 1
        return await super().ends(topic)

    async def read(
        self, partition: Partition, start: int, stop: int
    ) -> AsyncGenerator[list[Record], None]:
        self.reads += 1
        async for records in super().read(partition, start, stop):
            yield records


async def test_who_waits_is_answered_when_something_comes() -> None:
    log = MemoryLog(2)
    feed = Feed(log)
    waiting = asyncio.create_task(feed.pull(TOPICS, Place(), limit=5, wait_s=20))
    await asyncio.sleep(0)
    await fill(log, "issues", 1)
    async with asyncio.timeout(5):
        assert len((await waiting).events) == 1


async def test_a_wait_ends_empty_and_with_a_token_that_goes_on() -> None:
    log = MemoryLog(2)
    await fill(log, "issues", 3)
    feed = Feed(log)
    page = await feed.pull(TOPICS, Place(), limit=5)
    empty = await feed.pull(TOPICS, page.place, limit=5, wait_s=0.3)
    assert (empty.events, empty.place.given) == ([], page.place.given)
    await fill(log, "contacts", 1)
    assert len((await feed.pull(TOPICS, empty.place, limit=5)).events) == 1


async def test_a_hundred_who_wait_ask_the_log_as_often_as_one() -> None:
    log = CountingLog(1)
    await fill(log, "contacts", 1)
    feed = Feed(log)
    place = (await feed.pull(TOPICS, Place(), limit=5)).place
    log.asked = log.reads = 0
    await asyncio.gather(*(feed.pull(TOPICS, place, limit=5, wait_s=1.0) for _ in range(100)))
    # Once for each at first, then four times a second for all of them together.
    assert log.asked <= 100 * len(TOPICS) + 8 * len(TOPICS)
    assert log.reads == 0, "what lies at the end is known"


async def test_nobody_waits_for_a_client_that_has_left() -> None:
    left = False

    async def gone() -> bool:
        return left

    feed = Feed(MemoryLog(1))
    waiting = asyncio.create_task(feed.pull(TOPICS, Place(), limit=5, wait_s=20, gone=gone))
    await asyncio.sleep(0)
    left = True
    async with asyncio.timeout(5):
        assert (await waiting).events == []


class TestCloudEvent:
    def test_a_fact_is_given_as_it_was_written(self) -> None:
        value = a_fact("employee-1", "에이다")
        given = cloud_event(Record("contacts", 3, 7, b"employee-1", value))
        assert given.startswith(value[:-1])
        assert orjson.loads(given) == orjson.loads(value) | {"logposition": "contacts/3/7"}
        assert decode(given).data == EmployeeJoined(name="에이다")

    def test_a_place_that_somebody_else_wrote_is_replaced(self) -> None:
        value = orjson.dumps(orjson.loads(a_fact("employee-1")) | {"logposition": "x"})
        given = cloud_event(Record("contacts", 3, 7, b"employee-1", value))
        assert given.count(b"logposition") == 1
        assert orjson.loads(given)["logposition"] == "contacts/3/7"

    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"\xff\x00",
            b"{",
            b"[]",
            b"7",
            b'{"specversion": "1.0"}',
            b'{"specversion": "0.3", "id": "1", "source": "/x", "type": "t"}',
            b'{"specversion": "1.0", "id": 1, "source": "/x", "type": "t"}',
            b'{"specversion": "1.0", "id": "1", "source": "", "type": "t"}',
            None,
        ],
    )
    def test_what_is_no_fact_is_given_too_and_says_so(self, value: bytes | None) -> None:
        event = orjson.loads(cloud_event(Record("contacts", 3, 7, b"\xffkey", value)))
        assert (event["type"], event["id"], event["specversion"]) == (
            UNREADABLE,
            "contacts/3/7",
            "1.0",
        )
        assert event["subject"] == "\\xffkey"
        assert ("data_base64" in event) == (value is not None)
        if value is not None:
            assert base64.b64decode(event["data_base64"]) == value


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b"[1, 0, []]",
        b'[1, 0, {"contacts": [[0, 1]]}]',
        b'[1, 0, {"contacts": [[0, -1, "x"]]}]',
        b'[1, 0, {"contacts": [["0", 1, "x"]]}]',
        b'[1, -1, {"contacts": []}]',
        b'[2, 0, {"contacts": []}]',
        b'[1, 99999999999999999999, {"contacts": []}]',
        b"\xff",
    ],
)
def test_a_token_that_is_none_of_ours_is_refused_by_name(told: bytes) -> None:
    with pytest.raises(InvalidError) as refused:
        Place.decode(base64.urlsafe_b64encode(told).decode())
    assert refused.value.field == "query/after"


class TestOverHttp:
    @pytest.fixture
    async def client(self) -> AsyncIterator[AsyncClient]:
        async with running(build(tiny_domain(), log=MemoryLog(2))) as runtime:
            transport = ASGITransport(app_of(runtime), raise_app_exceptions=False)
            async with AsyncClient(transport=transport, base_url="http://tiny") as client:
                yield client

    async def test_links_lead_through_all_facts(self, client: AsyncClient) -> None:
        for name in ("ada", "bo", "cy", "di", "eve"):
            await join(client, name)
        got: list[dict[str, Any]] = []
        answer = await self.until_there(client, 5)
        while events := answer.json():
            assert answer.headers["content-type"] == BATCH_TYPE
            assert len(events) <= 2
            got += events
            answer = await client.get(answer.url.join(answer.links["next"]["url"]))
        assert sorted(event["subject"] for event in got) == [
            f"employee-{name}" for name in ("ada", "bo", "cy", "di", "eve")
        ]
        assert {event["type"] for event in got} == {"organization.employee_joined.v1"}
        assert answer.headers["x-behind"] == "0"
        same = await client.get("/events", params={"after": answer.headers["x-after"]})
        assert same.json() == []

    async def until_there(self, client: AsyncClient, count: int) -> Response:
        """The outbox sends what was recorded in a moment."""
        query = {"topic": "organization", "limit": "2"}
        async with asyncio.timeout(10):
            while True:
                answer = await client.get("/events", params=query)
                if len(answer.json()) + int(answer.headers["x-behind"]) == count:
                    return answer

    @pytest.mark.parametrize(
        ("query", "status", "pointer", "cause"),
        [
            ("after=nonsense", 422, "query/after", "not a token of ours"),
            ("topic=towels", 422, "query/topic", "organization"),
            ("topic=views.person_card", 422, "query/topic", "/views/person_card/changes"),
            ("limit=0", 422, "query/limit", "greater than or equal to 1"),
            ("limit=1001", 422, "query/limit", "less than or equal to 1000"),
            ("wait=21", 422, "query/wait", "less than or equal to 20"),
            ("wait=nan", 422, "query/wait", ""),
        ],
    )
    async def test_what_cannot_be_is_named(
        self, client: AsyncClient, query: str, status: int, pointer: str, cause: str
    ) -> None:
        answer = await client.get(f"/events?{query}")
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        (error,) = answer.json()["errors"]
        assert error["pointer"] == pointer
        assert cause in error["detail"]

    async def test_a_token_of_another_log_is_gone(self, client: AsyncClient) -> None:
        elsewhere = MemoryLog(2)
        await fill(elsewhere, "organization", 50)
        page = await Feed(elsewhere).pull(["organization"], Place(), limit=50)
        answer = await client.get("/events", params={"after": page.place.encode()})
        assert answer.status_code == 410
        problem = answer.json()
        assert problem["type"].endswith("/other-log")
        assert problem["errors"][0]["pointer"] == "query/after"
        assert "begin again without a token" in problem["detail"]

    def test_views_are_no_facts(self) -> None:
        assert "touches" in fact_topics()
        assert not any(topic.startswith("views.") for topic in fact_topics())
