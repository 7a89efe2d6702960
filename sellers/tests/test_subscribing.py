"""A subscriber's copy is whole at any moment, and equal to the platform's in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from sellers.client import ApiError
from sellers.subscribing import Change, Copy, Subscriber

SSE = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n"


def view(key: str, changes: int, said: Any, generation: int = 1) -> dict[str, Any]:
    return {"key": key, "rev": f"1.{generation}.{changes}", "view": said}


def snapshot(copy: Copy, place: str, *views: dict[str, Any]) -> tuple[Change, ...]:
    copy.take("reset", {"reason": "none"}, None)
    for told in views:
        assert copy.take("view", told, None) == ()
    return copy.take("ready", {}, place)


class TestCopy:
    def test_it_begins_with_what_is_there_and_follows_every_change(self) -> None:
        copy = Copy()
        assert not copy.whole
        began = snapshot(copy, "p1", view("a", 1, {"n": 1}), view("b", 1, {"n": 1}))
        assert began == (Change("a", {"n": 1}), Change("b", {"n": 1}))
        assert copy.take("view", view("a", 2, {"n": 2}), "p2") == (Change("a", {"n": 2}),)
        assert copy.take("view", view("b", 2, None), "p3") == (Change("b", None),)
        assert (copy.views, copy.place, copy.whole) == ({"a": {"n": 2}}, "p3", True)

    def test_the_greatest_rev_holds_by_number_and_not_by_letter(self) -> None:
        copy = Copy()
        snapshot(copy, "p1", view("a", 10, {"n": 10}))
        assert copy.take("view", view("a", 9, {"n": 9}), "p2") == ()
        assert copy.take("view", view("a", 99, {"n": 8}, generation=0), "p3") == ()
        assert (copy.views, copy.place) == ({"a": {"n": 10}}, "p3")

    def test_what_is_gone_is_not_brought_back_by_what_comes_late(self) -> None:
        copy = Copy()
        snapshot(copy, "p1")
        copy.take("view", view("a", 2, None), "p2")
        assert copy.take("view", view("a", 1, {"n": 1}), "p3") == ()
        assert copy.views == {}

    def test_what_came_already_is_no_change(self) -> None:
        copy = Copy()
        snapshot(copy, "p1", view("a", 1, {"n": 1}))
        assert copy.take("view", view("a", 1, {"n": 1}), "p2") == ()

    def test_a_reset_tells_only_what_is_different_and_what_is_gone(self) -> None:
        copy = Copy()
        snapshot(copy, "p1", view("a", 5, 1), view("b", 5, 1), view("c", 5, 1))
        # A new build counts from the beginning.
        told = snapshot(copy, "p2", view("a", 1, 1, 2), view("b", 1, 2, 2), view("d", 1, 1, 2))
        assert sorted(told) == [Change("b", 2), Change("c", None), Change("d", 1)]
        assert copy.views == {"a": 1, "b": 2, "d": 1}

    def test_the_old_copy_stays_whole_while_a_new_one_comes(self) -> None:
        copy = Copy()
        snapshot(copy, "p1", view("a", 1, 1), view("b", 1, 1))
        copy.take("reset", {"reason": "built anew"}, None)
        copy.take("view", view("a", 1, 2, 2), None)
        assert copy.views == {"a": 1, "b": 1}
        # The connection breaks here: the place before the reset is no place to go on from.
        assert copy.place is None
        assert snapshot(copy, "p2", view("b", 1, 1, 2)) == (Change("a", None),)

    def test_a_later_process_goes_on_where_this_one_was(self) -> None:
        copy = Copy()
        snapshot(copy, "p1", view("a", 1, {"n": 1}), view("b", 1, {"n": 1}))
        copy.take("view", view("b", 2, None), "p2")
        later = Copy.load(copy.dump())
        assert (later.views, later.place) == ({"a": {"n": 1}}, "p2")
        assert later.take("view", view("b", 1, {"n": 1}), "p3") == ()
        assert later.take("view", view("a", 2, {"n": 2}), "p4") == (Change("a", {"n": 2}),)


@dataclass
class Scripted:
    """Answers one connection after the other with what was put there, then cuts it."""

    url: str = ""
    answers: list[str] = field(default_factory=list)
    places: list[str | None] = field(default_factory=list)

    def events(self, *events: str) -> None:
        self.answers.append(SSE + "".join(events))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if ": " in line)
        self.places.append(headers.get("last-event-id"))
        # After the last one nothing comes any more, and the connection stays.
        answer = self.answers.pop(0) if self.answers else None
        writer.write((SSE if answer is None else answer).encode())
        await writer.drain()
        if answer is None:
            await reader.read()
        writer.close()


@pytest.fixture
async def platform() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        scripted.url = f"http://{host}:{port}"
        yield scripted


def event(kind: str, told: Any, place: str | None = None) -> str:
    head = "" if place is None else f"id: {place}\n"
    return f"event: {kind}\n{head}data: {orjson.dumps(told).decode()}\n\n"


Hear = Callable[[], Awaitable[tuple[Change, ...]]]


@asynccontextmanager
async def hearing(platform: Scripted, **how: Any) -> AsyncIterator[tuple[Subscriber, Hear]]:
    async with (
        asyncio.timeout(10),
        Subscriber(platform.url, "card", retry_s=0.001, **how) as subscriber,
        aclosing(subscriber.changes()) as changes,
    ):
        yield subscriber, lambda: anext(changes)


BEGIN = event("reset", {"reason": "none"})
A1 = event("view", view("a", 1, 1))
READY = event("ready", {}, "p1")


class TestSubscriber:
    async def test_it_comes_back_with_the_id_of_its_last_event(self, platform: Scripted) -> None:
        platform.events(": hello\nretry: 1\n\n", BEGIN, A1, READY)
        platform.events(event("view", view("a", 2, 2), "p2"))
        platform.events(event("view", view("a", 3, None), "p3"))
        async with hearing(platform) as (subscriber, hear):
            assert await hear() == (Change("a", 1),)
            assert await hear() == (Change("a", 2),)
            assert await hear() == (Change("a", None),)
            assert subscriber.copy.views == {}
        assert platform.places[:3] == [None, "p1", "p2"]

    async def test_half_an_event_and_half_a_snapshot_are_nothing(self, platform: Scripted) -> None:
        platform.events(BEGIN, A1)
        platform.events(BEGIN, A1, READY, event("view", view("a", 2, 2), "p2")[:-1])
        platform.events(event("view", view("b", 1, 1), "p3"))
        async with hearing(platform) as (_, hear):
            assert await hear() == (Change("a", 1),)
            assert await hear() == (Change("b", 1),)
        assert platform.places[:3] == [None, None, "p1"]

    async def test_an_empty_view_is_whole_too(self, platform: Scripted) -> None:
        platform.events(BEGIN, READY)
        async with hearing(platform) as (subscriber, hear):
            assert await hear() == ()
            assert subscriber.copy.whole

    async def test_who_is_let_go_of_comes_back(self, platform: Scripted) -> None:
        platform.events(BEGIN, READY, event("end", {"reason": "too slow"}, "p1"))
        platform.events(event("view", view("a", 1, 1), "p2"))
        async with hearing(platform) as (_, hear):
            assert [await hear(), await hear()] == [(), (Change("a", 1),)]
        assert platform.places[:2] == [None, "p1"]

    async def test_it_goes_on_with_a_copy_that_was_kept(self, platform: Scripted) -> None:
        platform.events(event("view", view("a", 2, 2), "p8"))
        kept = Copy()
        snapshot(kept, "p7", view("a", 1, 1))
        async with hearing(platform, copy=kept) as (_, hear):
            assert await hear() == (Change("a", 2),)
        assert platform.places[0] == "p7"

    async def test_what_passes_is_waited_for(self, platform: Scripted) -> None:
        for status in ("503 Starting", "429 Busy", "500 Bug"):
            platform.answers.append(f"HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}")
        platform.answers.append("")
        platform.events(BEGIN, A1, READY)
        reasons: list[str] = []
        async with hearing(platform, waiting=reasons.append) as (_, hear):
            assert await hear() == (Change("a", 1),)
        assert len(reasons) == 4
        assert "503" in reasons[0]

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (
                'HTTP/1.1 404 Not Found\r\ncontent-length: 26\r\n\r\n{"detail":"no view named"}',
                "no view named",
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "is not this platform"),
            (SSE + "event: view\ndata: {\n\n", "cannot be read"),
            (SSE + 'event: view\ndata: {"key": "a"}\n\n', "cannot be read"),
            (SSE + event("view", {"key": "a", "rev": "x", "view": 1}), "cannot be read"),
        ],
    )
    async def test_what_does_not_pass_is_said(
        self, platform: Scripted, answer: str, why: str
    ) -> None:
        platform.answers.append(answer)
        async with hearing(platform) as (_, hear):
            with pytest.raises(ApiError, match=why):
                await hear()
        assert len(platform.places) == 1

    @pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://x:y", ""])
    def test_what_is_no_address_is_said_at_once(self, url: str) -> None:
        with pytest.raises(ApiError, match="no address"):
            Subscriber(url, "card")

    def test_pauses_grow_to_a_bound_and_are_not_alike(self) -> None:
        subscriber = Subscriber("http://x", "card", retry_s=1.0, retry_s_max=8.0)
        for failures, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (5_000, 8.0)):
            pauses = {subscriber._pause_s(failures) for _ in range(50)}
            assert all(longest / 2 <= pause <= longest for pause in pauses)
            assert len(pauses) > 1
