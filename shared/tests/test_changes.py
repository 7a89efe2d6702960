"""Subscriptions: a copy folded from the events equals the view, whenever the client was away."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from fastapi.sse import ServerSentEvent

from shared import builds, changes
from shared.changes import Changes, Place
from shared.log import Partition, Record
from shared.memory import MemoryLog
from shared.published import Build, Rev, topic_of
from shared.reading import Token
from shared.runtime import Runtime
from shared.tail import WAITING_BYTES_MAX, Tail
from shared.tests.tiny import assign, build, card_projection, join, running, tiny_domain

CARD = card_projection(published=True)


def subscription(runtime: Runtime) -> Changes:
    return Changes(CARD, runtime, Tail(runtime.log, topic_of(CARD)), runtime.clock)


class Copy:
    """What a client keeps: for each key the document of the greatest rev."""

    def __init__(self) -> None:
        self.views: dict[str, tuple[Rev, Any]] = {}
        self.last_id: str | None = None
        self.resets: list[str] = []

    def take(self, event: ServerSentEvent) -> None:
        self.last_id = event.id or self.last_id
        if event.event == "reset":
            self.resets.append(event.data["reason"])
            self.views.clear()
        if event.event == "view":
            rev = Rev.parse(event.data["rev"])
            held = self.views.get(event.data["key"])
            if held is None or rev >= held[0]:
                self.views[event.data["key"]] = (rev, event.data["view"])

    @property
    def place(self) -> Place | None:
        return Place.decode("card", self.last_id) if self.last_id else None

    def names(self) -> dict[str, int]:
        return {key: view["moves"] for key, (_, view) in self.views.items() if view is not None}


async def follow(runtime: Runtime, copy: Copy, wanted: dict[str, int]) -> None:
    """Read events until the copy says what is wanted, then go away."""
    events: AsyncIterator[ServerSentEvent] = subscription(runtime).stream(copy.place)
    async with asyncio.timeout(10), aclosing(events) as open_events:  # type: ignore[type-var]
        async for event in open_events:
            copy.take(event)
            if copy.names() == wanted and copy.last_id is not None:
                return


async def test_a_client_sees_what_is_there_and_then_every_change_and_deletion() -> None:
    async with running(build(tiny_domain(CARD))) as runtime:
        await runtime.service.handle_many([join("employee-a"), join("employee-b")])
        copy = Copy()
        await follow(runtime, copy, {"employee-a": 0, "employee-b": 0})
        await runtime.service.handle_many([assign("employee-a"), assign("employee-b", "nowhere")])
        await follow(runtime, copy, {"employee-a": 1})
        assert len(copy.resets) == 1


async def test_after_a_rebuild_a_client_that_comes_back_starts_afresh() -> None:
    async with running(build(tiny_domain(CARD))) as runtime:
        await runtime.service.handle(join("employee-a"))
        copy = Copy()
        await follow(runtime, copy, {"employee-a": 0})
        building = await builds.begin(runtime.store, CARD)
        async with asyncio.timeout(10):
            # The switch lies in the store, which tells nobody.
            while await runtime.runner("card").active() != building:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await runtime.service.handle(assign("employee-a"))
        await follow(runtime, copy, {"employee-a": 1})
        assert copy.resets[-1] == "the view was built anew"


async def test_a_place_that_cannot_be_gone_on_from_is_told_why() -> None:
    async with running(build(tiny_domain(CARD))) as runtime:
        await runtime.service.handle(join("employee-a"))
        now = int(runtime.clock.now().timestamp())
        builds = Build("card", 1)
        for place, reason in (
            (Place(builds, now - 8 * 86_400, {0: 0, 1: 0}).encode(), "away for longer"),
            (Place(builds, now, {0: 9_999, 1: 0}).encode(), "does not reach as far"),
            (Place(builds, now, {0: 0}).encode(), "made anew"),
            (Place(Build("card", 7), now, {0: 0, 1: 0}).encode(), "built anew"),
        ):
            copy = Copy()
            copy.last_id = place
            await follow(runtime, copy, {"employee-a": 0})
            assert reason in copy.resets[0]


@pytest.mark.parametrize(
    "told",
    [
        b"nonsense",
        b"[]",
        b"{}",
        b'[1, 1, 0, [["0", "x"]], 0]',
        b"[1, 1, 0, [[0, null]], 0]",
        b'[1, 1, 0, {"0": []}, 0]',
        b"[1, 1, 0, 7, 0]",
        b'["x", 1, 0, [], 0]',
        b"[1, 1, 0, [[0, 1, 2]], 0]",
        b'[1, 1, 0, [["0", "0"]], 0]',
        b"[1, 1, 0, [[0, 0.5]], 0]",
        b"[1, 1, 0, [[0, -1]], 0]",
        b"[1, 1, 0, [[0, 99999999999999999999]], 0]",
        b"[1, 1, 0, {}, 0]",
        b"[1, 1, 0, [[0]], 0]",
        b"[1, 1, null, [], 0]",
        b"\xff",
    ],
)
def test_an_id_that_is_none_of_ours_is_no_place(told: bytes) -> None:
    assert Place.decode("card", base64.urlsafe_b64encode(told).decode()) is None


@pytest.mark.parametrize("text", ["", "=", "\x00", "é", "a" * 2_000])
def test_nor_are_bytes_that_say_nothing(text: str) -> None:
    assert Place.decode("card", text) is None


class CountingLog(MemoryLog):
    """Counts how often somebody reads."""

    reads = 0

    async def read(
        self, partition: Partition, start: int, stop: int
    ) -> AsyncGenerator[list[Record], None]:
        self.reads += start < stop
        async for records in super().read(partition, start, stop):
            yield records


async def test_one_reader_serves_all_and_who_is_too_slow_delays_nobody() -> None:
    log = CountingLog({"views.card": 1})
    tail = Tail(log, "views.card")
    slow, *quick = [await tail.join() for _ in range(20)]
    until = asyncio.get_running_loop().time() + 10
    for _ in range(3):
        for _ in range(4):
            await log.append("views.card", "a", b"x" * 500_000)
        for listener in quick:
            heard = 0
            while heard < 4 and (taken := await listener.take(until)):
                heard += len(taken)
            assert heard == 4
    assert log.reads <= 12, "not once for each of them"
    kept = await slow.take(until)
    assert 0 < len(kept) * 500_000 <= WAITING_BYTES_MAX
    assert await slow.take(until) == []
    assert "too slow" in (slow.ended or "")
    for listener in quick:
        tail.leave(listener)
    await asyncio.sleep(0)
    assert "tail views.card" not in [task.get_name() for task in asyncio.all_tasks()]


async def test_who_was_cut_off_is_told_so_and_goes_on_from_its_last_event() -> None:
    async with running(build(tiny_domain(CARD))) as runtime:
        await runtime.service.handle(join("employee-a"))
        copy, shared = Copy(), subscription(runtime)
        async with asyncio.timeout(10), aclosing(shared.stream()) as events:  # type: ignore[type-var]
            async for event in events:
                copy.take(event)
                if copy.last_id is not None:
                    break
            # Whatever comes next waits for it; it is taken from it before it listens again.
            moved = await runtime.service.handle(assign("employee-a"))
            await runtime.reader(CARD).get("employee-a", Token("employee-a", moved.version))
            async for event in events:
                copy.take(event)
                if copy.names() == {"employee-a": 1}:
                    break
            for listener in list(shared.tail._listeners):
                listener.end("too slow")
            last = [event async for event in events][-1]
        assert (last.event, last.data) == ("end", {"reason": "too slow"})
        await runtime.service.handle(assign("employee-a"))
        await follow(runtime, copy, {"employee-a": 2})
        assert len(copy.resets) == 1


async def test_when_the_log_does_not_answer_everybody_is_let_go_of_and_may_come_back() -> None:
    log = MemoryLog({"views.card": 1})
    tail = Tail(log, "views.card")
    listener = await tail.join()
    log.go(down=True)
    until = asyncio.get_running_loop().time() + 10
    assert await listener.take(until) == []
    assert listener.ended is not None
    log.go(down=False)
    again = await tail.join()
    await log.append("views.card", "a", b"{}")
    assert len(await again.take(until)) == 1
    tail.leave(again)


async def test_who_is_not_let_in_any_more_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether records come or not: a key that was revoked hears nothing more (shared/access)."""
    monkeypatch.setattr(changes, "ADMITTED_S", 0.05)
    asked: list[bool] = []

    async def twice() -> bool:
        asked.append(True)
        return len(asked) < 3

    async with running(build(tiny_domain(CARD))) as runtime:
        told = subscription(runtime)
        told.still_admitted = twice
        async with asyncio.timeout(10):
            last = [event async for event in told.stream()][-1]
    assert (last.event, last.data) == ("end", {"reason": changes.NOT_ADMITTED})
    assert len(asked) == 3


async def test_what_had_come_for_who_is_not_let_in_any_more_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is asked before a change is sent: not even one that lay ready is."""
    monkeypatch.setattr(changes, "ADMITTED_S", 0.05)
    may_listen = True

    async def still_admitted() -> bool:
        return may_listen

    async with running(build(tiny_domain(CARD))) as runtime:
        told = subscription(runtime)
        told.still_admitted = still_admitted
        async with asyncio.timeout(10), aclosing(told.stream()) as events:  # type: ignore[type-var]
            while (await anext(events)).event != "ready":
                pass
            coming = asyncio.create_task(anext(events))
            while not told.tail._listeners:  # noqa: ASYNC110 - nobody says when it listens
                await asyncio.sleep(0)
            await runtime.service.handle(join("employee-a"))
            assert (await coming).event == "view"
            # Who reads this one has gone for a walk; meanwhile they lose their access.
            await runtime.service.handle(join("employee-b"))
            (listener,) = told.tail._listeners
            while not listener._waiting:  # noqa: ASYNC110 - nobody says what waits for it
                await asyncio.sleep(0.01)
            await asyncio.sleep(2 * changes.ADMITTED_S)
            may_listen = False
            rest = [event async for event in events]
    assert [event.event for event in rest] == ["end"]
