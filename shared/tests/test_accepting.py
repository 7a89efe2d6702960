"""Touches that come at once: in one transaction, and each for itself where that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.accepting import FACTS_MAX, Accepting
from shared.clock import SystemClock
from shared.journal import JOURNAL, Entry, Journal, Outgoing
from shared.memory import MemoryStore
from shared.store import (
    DocumentTooLargeError,
    DuplicateKeyError,
    TransientStoreError,
    WriteConflictError,
)


def entry(name: str, value: bytes = b"{}") -> Entry:
    return Entry(name, "touches", f"touch-{name}", 1, value)


@dataclass(slots=True)
class Slow(Journal):
    """A journal that tells what went into one transaction, and fails when it is told to."""

    groups: list[list[str]] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)
    going_on: asyncio.Event = field(default_factory=asyncio.Event)
    looked_up: list[int] = field(default_factory=list)

    async def accept(self, requests: Sequence[Sequence[Entry]]) -> list[Outgoing | None]:
        self.looked_up.append(len(requests))
        return await Journal.accept(self, requests)

    async def accept_new(self, requests: Sequence[Sequence[Entry]]) -> list[Outgoing]:
        self.groups.append([entry.id for entries in requests for entry in entries])
        await self.going_on.wait()
        if self.failing:
            raise self.failing.pop()
        return await Journal.accept_new(self, requests)


async def began(*failing: Exception, held: bool = False) -> tuple[Slow, Accepting]:
    journal = Slow(MemoryStore(), SystemClock(), failing=list(failing))
    await journal.prepare()
    if not held:
        journal.going_on.set()
    return journal, Accepting(journal)


def ids(found: Any) -> list[str] | None:
    return None if found is None else [each.id for each in found.entries]


async def test_what_comes_while_one_is_written_goes_into_one_transaction() -> None:
    journal, accepting = await began(held=True)
    asked = [asyncio.create_task(accepting.accept([entry(str(n))])) for n in range(20)]
    await asyncio.sleep(0)
    journal.going_on.set()
    found = await asyncio.gather(*asked)
    assert [ids(each) for each in found] == [[str(n)] for n in range(20)]
    assert len({each.id for each in found if each}) == await journal.backlog() == 20
    assert journal.groups == [[str(n) for n in range(20)]]
    later = [asyncio.create_task(accepting.accept([entry(name)])) for name in "ab"]
    await asyncio.gather(*later)
    assert journal.groups[1:] == [["a", "b"]]


async def test_no_transaction_is_larger_than_one_can_be() -> None:
    journal, accepting = await began()
    sizes = (FACTS_MAX - 1, 1, 1, FACTS_MAX + 5, 1)
    asked = [[entry(f"{n}-{m}") for m in range(size)] for n, size in enumerate(sizes)]
    await asyncio.gather(*map(accepting.accept, asked))
    assert [len(group) for group in journal.groups] == [FACTS_MAX, 1, FACTS_MAX + 5, 1]
    large = [[entry(f"large-{n}", b"x" * 1_500_000)] for n in range(3)]
    await asyncio.gather(*map(accepting.accept, large))
    assert [len(group) for group in journal.groups[4:]] == [2, 1]


async def test_what_was_there_before_keeps_nobody_else_from_being_written() -> None:
    journal, accepting = await began()
    await accepting.accept([entry("old")])
    asked = [[entry("old")], [entry("new"), entry("old")], [entry("new")], [entry("other")], []]
    found = await asyncio.gather(*map(accepting.accept, asked))
    assert [ids(each) for each in found] == [None, ["new"], None, ["other"], None]
    assert await journal.store.count(JOURNAL, {}) == await journal.backlog() == 3
    assert journal.looked_up == [4]  # All of them at once.


@pytest.mark.parametrize("error", [WriteConflictError("x"), DocumentTooLargeError("x")])
async def test_one_that_cannot_be_written_fails_alone(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, accepting = await began(error)
    accept = Journal.accept

    async def refusing(self: Journal, requests: Sequence[Sequence[Entry]]) -> list[Outgoing | None]:
        if requests[0][0].id == "bad":
            raise error
        return await accept(self, requests)

    monkeypatch.setattr(Journal, "accept", refusing)
    asked = [[entry("one")], [entry("bad")], [entry("two")]]
    found = await asyncio.gather(*map(accepting.accept, asked), return_exceptions=True)
    assert found[1] is error
    assert [ids(found[0]), ids(found[2])] == [["one"], ["two"]]


@pytest.mark.parametrize("error", [TransientStoreError("away"), ValueError("a mistake of ours")])
async def test_everybody_hears_of_a_store_that_is_away_and_the_next_is_served(
    error: Exception,
) -> None:
    journal, accepting = await began(error)
    asked = map(accepting.accept, [[entry("one")], [entry("two")]])
    assert await asyncio.gather(*asked, return_exceptions=True) == [error, error]
    assert ids(await accepting.accept([entry("one")])) == ["one"]
    assert await journal.backlog() == 1


async def test_who_leaves_takes_nobody_with_them() -> None:
    journal, accepting = await began(held=True)
    left = asyncio.create_task(accepting.accept([entry("left")]))
    stays = asyncio.create_task(accepting.accept([entry("stays")]))
    await asyncio.sleep(0)
    left.cancel()
    journal.going_on.set()
    assert ids(await stays) == ["stays"]
    assert left.cancelled()
    assert await journal.backlog() == 2


async def test_two_of_one_touch_are_one_and_nothing_is_written_twice() -> None:
    journal, accepting = await began()
    with pytest.raises(DuplicateKeyError):
        await journal.accept_new([[entry("one")], [entry("one")]])
    found = await asyncio.gather(*(accepting.accept([entry("one")]) for _ in range(5)))
    assert sorted(map(str, map(ids, found))) == ["None"] * 4 + ["['one']"]
    assert await journal.backlog() == 1


async def test_nobody_waits_for_one_that_was_ended() -> None:
    _, accepting = await began(held=True)
    asked = [asyncio.create_task(accepting.accept([entry(name)])) for name in "ab"]
    await asyncio.sleep(0)
    await accepting.settled(0.01)
    assert accepting._working is not None
    accepting._working.cancel()
    await asyncio.wait(asked, timeout=1)
    assert all(task.cancelled() for task in asked)
