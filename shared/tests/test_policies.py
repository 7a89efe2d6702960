"""How domains react: each policy for itself, once for each fact, and never in a circle for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.events import Envelope
from shared.events.organization import EmployeeAssigned, EmployeeJoined
from shared.memory import MemoryLog, MemoryStore
from shared.policies import DEPTH_MAX, Policy, Reaction
from shared.runtime import Runtime
from shared.testing import recorded
from shared.tests.tiny import Assign, assign, build, card_projection, join, running, tiny_domain

ADA = "employee-ada"


def moving(name: str, to: str, *units: str) -> Policy[EmployeeJoined]:
    policy: Policy[EmployeeJoined] = Policy(name)

    @policy.on(EmployeeJoined)
    def joined(event: EmployeeJoined, at: Envelope) -> list[Reaction]:
        return [Reaction(to, Assign(unit=unit)) for unit in units]

    return policy


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 - the state lies in a store, which tells nobody.
            await asyncio.sleep(0.01)


async def at_rest(runtime: Runtime, *policies: str) -> None:
    """Wait until these are registered and have answered everything that lies in the log."""

    async def nothing_left() -> bool:
        found = [await runtime.progress(f"policy_{p}_v1", ("organization",)) for p in policies]
        known = [await runtime.store.count(f"policy_{p}_v1.acts_from", {}) for p in policies]
        return all(known) and not any(progress.lag for progress in found)

    await until(nothing_left)


async def history(runtime: Runtime, stream: str, length: int) -> list[Envelope]:
    """Wait until the stream has so many facts, and return those that it has."""
    found: list[Envelope] = []

    async def long_enough() -> bool:
        found[:] = (await runtime.journal.histories(runtime.store, [stream]))[stream]
        return len(found) >= length

    await until(long_enough)
    return found


async def test_each_policy_and_each_of_its_commands_acts_for_itself() -> None:
    """Two policies answer one fact with the very same commands; none is taken for another."""
    first = moving("first", "employee-a", "unit-1", "unit-1")
    second = moving("second", "employee-a", "unit-1")
    domain = tiny_domain(card_projection(), policies=(first, second))
    async with running(build(domain, MemoryStore(), MemoryLog({"organization": 1}))) as runtime:
        await at_rest(runtime, "first", "second")
        await runtime.service.handle(join(ADA))
        facts = await history(runtime, "employee-a", 3)
    (cause,) = {fact.causation_id for fact in facts}
    assert cause is not None
    assert sorted(fact.actor for fact in facts) == ["policy:first", "policy:first", "policy:second"]
    assert len({fact.id for fact in facts}) == 3


@pytest.mark.parametrize(("depth", "reactions"), [(0, 1), (DEPTH_MAX - 1, 1), (DEPTH_MAX, 0)])
def test_a_chain_of_reactions_has_an_end(depth: int, reactions: int) -> None:
    (fact,) = recorded(EmployeeJoined(name="Ada"), stream=ADA, depth=depth)
    assert len(moving("first", ADA, "unit-1").react(fact)) == reactions


async def test_a_policy_that_answers_itself_stops_after_sixteen_links() -> None:
    circle: Policy[EmployeeAssigned] = Policy("circle")

    @circle.on(EmployeeAssigned)
    def again(event: EmployeeAssigned, at: Envelope) -> list[Reaction]:
        return [Reaction(ADA, Assign(unit="unit-1"))]

    domain = tiny_domain(card_projection(), policies=(circle,))  # type: ignore[arg-type]
    async with running(build(domain, MemoryStore(), MemoryLog({"organization": 1}))) as runtime:
        await at_rest(runtime, "circle")
        await runtime.service.handle(assign(ADA))
        await history(runtime, ADA, DEPTH_MAX + 1)
        await until(lambda: _sent(runtime))
        await at_rest(runtime, "circle")
        facts = await history(runtime, ADA, DEPTH_MAX + 1)
    assert [fact.depth for fact in facts] == list(range(DEPTH_MAX + 1)) == list(range(17))


async def _sent(runtime: Runtime) -> bool:
    return await runtime.journal.backlog() == 0
