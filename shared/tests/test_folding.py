"""Whoever is waited for goes first, whoever waits is told, and no turn is ever lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.folding import ATTENTIVE_S, BEFORE_OTHERS, HELD_S, LINGERS_S, MANY, Foldings


async def settle() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


class Folding:
    """Projectors that ask for turns, and say in which order they have them."""

    def __init__(self, foldings: Foldings) -> None:
        self.foldings = foldings
        self.had: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def _fold(self, collection: str) -> None:
        async with self.foldings.turn(collection):
            self.had.append(collection)
            await asyncio.sleep(0)

    async def ask(self, *collections: str) -> None:
        self.tasks += [asyncio.create_task(self._fold(name)) for name in collections]
        await asyncio.sleep(0)


@contextmanager
def waited_for(foldings: Foldings, collection: str) -> Iterator[None]:
    task = asyncio.create_task(foldings.beyond(collection, foldings.times(collection), 30))
    try:
        yield
    finally:
        task.cancel()


async def test_turns_are_taken_in_the_order_of_asking() -> None:
    folding = Folding(Foldings(1))
    await folding.ask("a", "b", "c", "d")
    await settle()
    assert folding.had == ["a", "b", "c", "d"]


async def test_no_more_at_once_than_there_are_turns() -> None:
    foldings, inside, most = Foldings(2), 0, 0

    async def fold() -> None:
        nonlocal inside, most
        async with foldings.turn("a"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(fold() for _ in range(9)))
    assert most == 2


async def test_who_is_waited_for_goes_first() -> None:
    folding = Folding(Foldings(1))
    with waited_for(folding.foldings, "d"):
        await folding.ask("a", "b", "c", "d")
        await settle()
    assert folding.had == ["a", "d", "b", "c"]


async def test_the_others_have_their_turn_however_much_one_is_waited_for() -> None:
    folding = Folding(Foldings(1))
    with waited_for(folding.foldings, "z"):
        await folding.ask("a", "b", *"z" * 10)
        # Whoever waits goes on waiting: for what comes after.
        folding.foldings._waiting["z"].add(asyncio.get_running_loop().create_future())
        await settle()
    assert folding.had.index("b") == 1 + BEFORE_OTHERS
    assert len(folding.had) == 12


async def test_what_nobody_waits_for_is_held_until_what_was_written_is_read() -> None:
    folding = Folding(Foldings(3))
    with folding.foldings.read():
        with waited_for(folding.foldings, "b"):
            await folding.ask("a", "b", "c")
            await settle()
            assert folding.had == ["b"]
        await settle()
        assert folding.had == ["b"]  # It is waited for no more, but being read.
    # The next read of the same answer begins before the others do.
    with folding.foldings.read():
        await asyncio.sleep(2 * LINGERS_S)
        assert folding.had == ["b"]
    await asyncio.sleep(2 * LINGERS_S)
    await settle()
    assert folding.had == ["b", "a", "c"]


async def test_what_is_held_is_waited_for_later() -> None:
    folding = Folding(Foldings(1))
    with folding.foldings.read():
        await folding.ask("a", "b")
        await settle()
        assert folding.had == []
        with waited_for(folding.foldings, "b"):
            await settle()
            assert folding.had == ["b"]


async def test_nothing_is_held_for_long_and_much_is_not_held() -> None:
    folding = Folding(Foldings(2))
    with folding.foldings.read():
        await folding.ask("a")
        async with folding.foldings.turn("backlog", MANY):
            assert folding.had == []
        await asyncio.sleep(2 * HELD_S)
        await settle()
        assert folding.had == ["a"]


async def test_nothing_is_held_for_long_either_that_asked_before_the_read() -> None:
    folding = Folding(Foldings(1))
    async with folding.foldings.turn("inside"):
        await folding.ask("a")
        reading = folding.foldings.read()
        reading.__enter__()
    assert folding.had == []
    await asyncio.sleep(2 * HELD_S)
    await settle()
    assert folding.had == ["a"]
    reading.__exit__(None, None, None)


async def test_a_read_that_takes_long_holds_nothing() -> None:
    folding = Folding(Foldings(1))
    with folding.foldings.read():
        await asyncio.sleep(ATTENTIVE_S)
        await folding.ask("a")
        await settle()
        assert folding.had == ["a"]


async def test_who_waits_is_told_at_once() -> None:
    foldings = Foldings()
    times = foldings.times("a")
    waiting = asyncio.create_task(foldings.beyond("a", times, 30))
    await asyncio.sleep(0)
    async with foldings.turn("b"):
        pass
    await settle()
    assert not waiting.done()
    async with foldings.turn("a"):
        await settle()
        assert not waiting.done()  # It is not written yet.
    await waiting
    assert foldings.times("a") == times + 1


async def test_what_was_folded_meanwhile_is_not_missed() -> None:
    foldings = Foldings()
    times = foldings.times("a")
    async with foldings.turn("a"):
        pass
    async with asyncio.timeout(5):
        await foldings.beyond("a", times, 30)


async def test_who_is_told_nothing_looks_after_a_while() -> None:
    began = time.perf_counter()
    async with asyncio.timeout(5):
        await Foldings().beyond("a", 0, 0.05)
    assert time.perf_counter() - began > 0.04


async def test_what_failed_was_not_folded() -> None:
    foldings = Foldings(1)
    with pytest.raises(ValueError, match="broken"):
        async with foldings.turn("a"):
            raise ValueError("broken")
    assert foldings.times("a") == 0
    async with asyncio.timeout(5), foldings.turn("a"):
        pass


# Of those who ask, some are told to end: while they wait, when they were just let in, or inside.
ENDED = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 8)), max_size=8)


@given(ENDED, st.integers(1, 3))
def test_no_turn_is_lost_whoever_is_told_to_end(ended: list[tuple[int, int]], turns: int) -> None:
    async def play() -> None:
        folding = Folding(Foldings(turns))
        await folding.ask(*(f"c{n}" for n in range(12)))
        for number, steps in ended:
            with folding.foldings.read():
                folding.tasks[number].cancel()
            for _ in range(steps):
                await asyncio.sleep(0)
        await asyncio.gather(*folding.tasks, return_exceptions=True)
        # As many may be inside at once as ever, and no more.
        for _ in range(2):
            async with asyncio.timeout(5), asyncio.TaskGroup() as group:
                barrier = asyncio.Barrier(turns)

                async def inside(barrier: asyncio.Barrier = barrier) -> None:
                    async with folding.foldings.turn("x"):
                        await barrier.wait()

                for _ in range(turns):
                    group.create_task(inside())
        assert folding.foldings._free == turns

    asyncio.run(play())
