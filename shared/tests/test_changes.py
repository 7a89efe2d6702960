"""Subscriptions: a copy folded from the events equals the view, whenever the client was away."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from fastapi.sse import ServerSentEvent

from shared import builds
from shared.changes import Changes, Place, Reach
from shared.published import Build, Rev, topic_of
from shared.runtime import Runtime
from shared.tests.tiny import assign, build, card_projection, join, running, tiny_domain

CARD = card_projection(published=True)


def subscription(runtime: Runtime) -> Changes:
    return Changes(CARD, runtime, Reach(runtime.log, topic_of(CARD)), runtime.clock)


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

    def names(self) -> dict[str, int]:
        return {key: view["moves"] for key, (_, view) in self.views.items() if view is not None}


async def follow(runtime: Runtime, copy: Copy, wanted: dict[str, int]) -> None:
    """Read events until the copy says what is wanted, then go away."""
    events: AsyncIterator[ServerSentEvent] = subscription(runtime).stream(copy.last_id)
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
            ("nonsense", "no place of ours was given"),
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
        [1, 1, 0, [["0", "x"]], 0],
        [1, 1, 0, [[0, None]], 0],
        [1, 1, 0, {"0": []}, 0],
        [1, 1, 0, 7, 0],
        ["x", 1, 0, [], 0],
        [1, 1, 0, [[0, 1, 2]], 0],
        [],
        {},
    ],
)
def test_an_id_that_is_none_of_ours_is_no_place(told: Any) -> None:
    text = base64.urlsafe_b64encode(orjson.dumps(told)).decode()
    assert Place.decode("card", text) is None


@pytest.mark.parametrize("text", ["", "=", "\x00", "é", "a" * 2_000])
def test_nor_are_bytes_that_say_nothing(text: str) -> None:
    assert Place.decode("card", text) is None
