"""What was known at an instant is folded once, and what comes later never changes it (C-06)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from services.analytics import figures
from services.analytics.sink import entities_of
from services.analytics.tests.counting import Counting
from services.analytics.tests.drawn import drawn, renamed
from services.analytics.tests.watched import watch
from services.analytics.tests.world import COLLECTION, KIM, TOTAL, World, found, on, won
from shared import known_then
from shared.events import Envelope, Event
from shared.events.organization import EmployeeAssigned
from shared.projector import Collections
from shared.reading import Token
from shared.testing import recorded

THEN = "2028-06-01T00:00:00Z"
EARLIER, LATER = datetime(2028, 5, 1, tzinfo=UTC), datetime(2028, 7, 1, tzinfo=UTC)
AT = {"known_at": THEN, "as_of": "2026-12-31"}
WHY = {**TOTAL, **AT}
OF_THE_LOG = ("positions", "parked_facts", "left_out_facts")


async def learnt(world: World, stream: str, *events: Event, at: datetime, after: int = 0) -> None:
    await world.append(recorded(*events, stream=stream, after=after, recorded_at=at))
    await world.fold()


def counted(world: World) -> Counting:
    world.runtime.log = log = Counting(world.runtime.log)
    return log


def but_for_the_log(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: told for name, told in answer.items() if name not in OF_THE_LOG}


def later(answer: dict[str, Any]) -> int:
    counts = {one["reason"]: one["count"] for one in answer["left_out_facts"]}
    return int(counts.get("recorded_later", 0))


async def test_the_next_page_reads_nothing_of_the_log(world: World) -> None:
    log = counted(world)
    first = await world.get("why", **WHY, limit=1)
    assert log.reads
    log.reads.clear()
    second = await world.get("why", **WHY, limit=1, cursor=first["next_cursor"])
    assert [one["stream"] for one in second["contributions"]] == ["opportunity-2"]
    await world.get("why", by="seller", key=KIM, **AT)
    await world.rows(by="stage", **AT)
    assert log.reads == []
    await world.rows(by="stage", **(AT | {"known_at": "2028-06-02T00:00:00Z"}))
    assert log.of("touches") == [0] * len(await log.ends("touches"))


async def test_who_asks_at_the_same_time_waits_for_the_same_fold(world: World) -> None:
    log = counted(world)
    asked = [world.get("why", **WHY), world.rows(by="stage", **AT), world.get("inflow", **AT)]
    await asyncio.gather(*asked, *(world.get("why", **WHY) for _ in range(3)))
    assert log.of("touches") == [0] * len(await log.ends("touches"))


async def test_what_was_recorded_later_is_looked_at_and_changes_nothing(world: World) -> None:
    before = await world.get("why", **WHY)
    log = counted(world)
    await learnt(world, "opportunity-4", won("9", "02-03"), at=LATER, after=1)
    await learnt(world, "opportunity-5", found(KIM, "01-05"), at=LATER)
    await learnt(world, KIM, EmployeeAssigned(unit="unit-red", on=on("05-01")), at=LATER, after=3)
    headers = {"X-At-Least": Token(KIM, 4).encode()}
    assert (await world.client.get("/analytics/touches", headers=headers)).status_code == 200
    log.reads.clear()
    after = await world.get("why", **WHY)
    assert but_for_the_log(after) == but_for_the_log(before)
    assert (later(before), later(after)) == (0, 2)
    assert after["positions"] != before["positions"]
    # Of touches nothing came: they would be read if anything was folded again.
    assert log.of("opportunities")
    assert not log.of("touches")
    # What follows in its stream was not known either, whatever a clock says.
    await learnt(world, "opportunity-5", won("9", "02-03"), at=EARLIER, after=1)
    log.reads.clear()
    again = await world.get("why", **WHY)
    assert but_for_the_log(again) == but_for_the_log(before)
    assert later(again) == 3
    assert not log.of("touches")


async def test_what_had_been_recorded_by_then_is_known_whenever_it_comes(world: World) -> None:
    before = await world.get("why", **WHY)
    await learnt(world, "opportunity-4", won("9", "02-03"), at=EARLIER, after=1)
    after = await world.get("why", **WHY)
    assert after["total"]["won"] == before["total"]["won"] + 1


async def test_what_lay_aside_is_known_once_it_is_folded(world: World) -> None:
    for fact in reversed(
        recorded(
            found(KIM, "01-05"), won("9", "02-03"), stream="opportunity-9", recorded_at=EARLIER
        )
    ):
        await world.append([fact])
    await world.fold()
    before = await world.get("why", **WHY)
    await world.projector.unpark("opportunity-9")
    after = await world.get("why", **WHY)
    assert after["positions"] == before["positions"]
    assert after["total"]["won"] == before["total"]["won"] + 1


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_kept_is_what_is_folded_anew(world: World, seed: int) -> None:
    """Facts come late, twice, in another order, and dated back."""
    random = Random(seed)
    waiting = [_dated(random, renamed(random.choice(drawn()), f"k{n}")) for n in range(30)]
    lying: list[Envelope] = []
    while any(waiting):
        for _ in range(random.randrange(1, 12)):
            history = random.choice([one for one in waiting if one] or [[]])
            if history:
                place = random.choice([0, 0, 0, 0, min(1, len(history) - 1)])
                fact = history.pop(place)
                lying.append(fact)
                await world.append([fact])
            if random.random() < 0.2 and lying:
                await world.append([random.choice(lying)])
        await world.fold()
        aside = await world.runtime.store.find(Collections(COLLECTION).parked, {})
        if aside and random.random() < 0.5:
            await world.projector.unpark(random.choice(aside)["stream"])
        kept = await world.get("why", **WHY, limit=200)
        world.runtime.remembered.pop("known then")
        assert await world.get("why", **WHY, limit=200) == kept
    assert later(kept)
    assert kept["contributions"]


def _dated(random: Random, history: Sequence[Envelope]) -> list[Envelope]:
    return [
        replace(fact, recorded_at=random.choice([EARLIER, EARLIER, EARLIER, LATER]))
        for fact in history
    ]


async def test_few_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each instant the figures, our organisation and the names."""
    log = counted(world)
    monkeypatch.setattr(known_then, "KEPT_MAX", 3)
    other = AT | {"known_at": "2028-06-02T00:00:00Z"}
    for asked, folded in ((AT, 1), (AT, 0), (other, 1), (AT, 1), (AT, 0)):
        log.reads.clear()
        await world.get("why", **TOTAL, **asked)
        assert len(log.of("touches")) == folded * len(await log.ends("touches"))
    monkeypatch.setattr(known_then, "KEPT_BYTES_MAX", 0)
    for _ in range(3):  # What is kept is used once more.
        await world.get("why", **TOTAL, **AT)
    assert len(log.of("touches")) == 2 * len(await log.ends("touches"))


async def test_of_what_was_recorded_later_few_are_asked_about_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "READ_MAX", 2)
    for number in range(7):
        await learnt(world, f"opportunity-z{number}", found(KIM, "01-05"), at=LATER)
    asked: list[int] = []

    async def noted(collection: str, where: Any) -> None:
        if collection == entities_of(COLLECTION):
            asked.append(len(where["_id"]["$in"]))

    watched = watch(world, noted)
    assert later(await world.get("why", **WHY)) == 7
    assert asked == [2, 2, 2, 1]
    # Looking at the build is all that needs a moment.
    assert max(watched.read_within) <= 4
