"""Timers of the real domain that has them, while virtual time passes.

A deadline that passes is recorded once, by whoever scans; one that was moved or met never is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import wraps
from random import Random
from typing import Any, ClassVar

import pytest

from services.issues.main import domain
from services.issues.model import GiveFeedback, Register, SetDeadline
from services.issues.projections import IssueCard, issue_card
from services.issues.timers import answer_deadline
from shared import builds
from shared.events import Envelope, decode
from shared.events.issues import DeadlineMissed, DeadlineSet
from shared.firing import LEASE_S, PAGE, SCAN_S, TimerRunner
from shared.journal import JOURNAL
from shared.memory import MemoryLog, MemoryStore
from shared.reading import Token
from shared.runtime import Runtime
from shared.service import Accepted, Request
from shared.settings import Settings
from shared.store import TransientStoreError
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import BEGIN, SimulatedClock

ONE = "issue-1"
FOLDING = ("follow issue_card", f"fold issue_card_v{issue_card.version}")
# After so long whoever scans has scanned, and what was recorded has been folded.
SOON_S = 3 * SCAN_S

Story = Callable[..., Awaitable[None]]


def virtually(story: Story) -> Callable[..., None]:
    """Run a test on the loop whose waiting costs nothing."""

    @wraps(story)
    def test(*args: Any, **told: Any) -> None:
        loop, Connection.over = VirtualLoop(Random(7)), False
        try:
            loop.run_until_complete(story(*args, **told))
        finally:
            Connection.over = True
            loop.end_tasks()
            loop.close()

    return test


@dataclass
class Connection:
    """One process's way to store and log: it may break, or be the last thing the process does."""

    over: ClassVar[bool] = False
    last_words: list[str] = field(default_factory=list)
    broken: bool = False
    died_at_s: float | None = None

    async def step(self, operation: str) -> None:
        if self.over:
            raise asyncio.CancelledError
        await asyncio.sleep(0.001)
        loop = asyncio.get_running_loop()
        if self.last_words and operation == self.last_words[0]:
            self.last_words.pop(0)
            if not self.last_words:
                self.died_at_s = loop.time()
        if self.died_at_s is not None:
            await loop.create_future()
        if self.broken:
            raise TransientStoreError(f"the store did not answer to {operation}")


@dataclass
class Place:
    """A log, a database, and the processes of the issues domain that were started over them."""

    log: MemoryLog = field(default_factory=lambda: MemoryLog(2))
    store: MemoryStore = field(default_factory=MemoryStore)
    processes: int = 0

    async def start(self, connection: Connection | None = None, *, skew_s: float = 0) -> Runtime:
        self.processes += 1
        step = (connection or Connection()).step
        clock = SimulatedClock(asyncio.get_running_loop(), f"p{self.processes}", skew_s)
        settings = Settings(instance=clock.name)
        store, log = self.store.seen_by(step), self.log.seen_by(step)
        runtime = Runtime(domain, store, log, clock, settings)
        await runtime.start()
        await runtime.service.ready.wait()
        return runtime

    def facts(self, kind: type[Any]) -> list[Envelope]:
        documents = self.store.documents(JOURNAL).values()
        facts = [decode(document["fact"]) for document in documents]
        return [fact for fact in facts if isinstance(fact.data, kind)]

    @property
    def missed(self) -> list[Envelope]:
        return self.facts(DeadlineMissed)


def in_(seconds: float) -> datetime:
    """Return the instant so many virtual seconds from now."""
    return BEGIN + timedelta(seconds=asyncio.get_running_loop().time() + seconds)


async def ask(runtime: Runtime, command: Any, stream: str = ONE) -> Accepted:
    """Send a command and wait until the card knows of it, if somebody folds it."""
    accepted = await runtime.service.handle(Request(stream=stream, command=command, actor="Kim"))
    if FOLDING[0] in runtime.tasks._running:
        await card(runtime, stream, accepted.version)
    return accepted


async def owe(runtime: Runtime, seconds: float, stream: str = ONE) -> Accepted:
    """Register an issue that has to be answered within so many seconds."""
    register = Register(
        kind="complaint", words="It came late.", person="person-1", answer_by=in_(seconds)
    )
    return await ask(runtime, register, stream)


async def tell_all(runtime: Runtime, command: Any, streams: Sequence[str]) -> None:
    asked = [Request(stream=stream, command=command, actor="Kim") for stream in streams]
    assert all(isinstance(o, Accepted) for o in await runtime.service.handle_many(asked))


async def card(runtime: Runtime, stream: str = ONE, version: int = 1) -> IssueCard:
    seen = await runtime.reader(issue_card).get(stream, Token(stream, version))
    assert seen is not None
    return seen.value


def timer(runtime: Runtime) -> TimerRunner[IssueCard]:
    return runtime.timers[answer_deadline.name]


async def crash(runtime: Runtime) -> None:
    """What is left of a killed process is ended by the next one, and by the groups' coordinator."""
    runtime.store.abandon()  # type: ignore[attr-defined]
    runtime.log.abandon()  # type: ignore[attr-defined]


@virtually
async def test_a_deadline_that_passes_is_recorded_once_with_its_cause() -> None:
    place = Place()
    runtime = await place.start()
    await owe(runtime, 60)
    await asyncio.sleep(59)
    assert place.missed == []
    await asyncio.sleep(1 + SOON_S)
    (missed,), (cause,) = place.missed, place.facts(DeadlineSet)
    assert missed.data == DeadlineMissed(answer_by=cause.data.answer_by, set_by=cause.id)  # type: ignore[attr-defined]
    assert missed.occurred_at == cause.data.answer_by <= missed.recorded_at  # type: ignore[attr-defined]
    assert (missed.causation_id, missed.actor) == (cause.id, "timer:answer_deadline")
    assert (missed.correlation_id, missed.depth) == (cause.correlation_id, 1)
    shown = await card(runtime, version=3)
    assert (shown.missed_at, shown.due_at) == (cause.data.answer_by, None)  # type: ignore[attr-defined]
    await asyncio.sleep(600)
    assert len(place.missed) == 1


@virtually
async def test_a_moved_deadline_is_not_fired_for_the_old_one() -> None:
    place = Place()
    runtime = await place.start()
    await owe(runtime, 60)
    await ask(runtime, SetDeadline(answer_by=in_(120)))
    await asyncio.sleep(110)
    assert place.missed == []
    await asyncio.sleep(10 + SOON_S)
    (missed,) = place.missed
    assert missed.causation_id == place.facts(DeadlineSet)[1].id


@virtually
async def test_a_deadline_that_was_met_is_never_fired() -> None:
    place = Place()
    runtime = await place.start()
    await owe(runtime, 60)
    await ask(runtime, GiveFeedback(result="We changed the carrier."))
    await asyncio.sleep(600)
    assert place.missed == []


@pytest.mark.parametrize(
    "meanwhile",
    [GiveFeedback(result="Done."), SetDeadline(answer_by=datetime(2027, 1, 1, tzinfo=UTC))],
)
@virtually
async def test_a_view_that_is_behind_fires_nothing_that_was_met_or_moved(meanwhile: Any) -> None:
    place = Place()
    runtime = await place.start()
    await owe(runtime, 60)
    await runtime.tasks.stop(*FOLDING)
    await ask(runtime, meanwhile)
    await asyncio.sleep(60 + SOON_S)
    assert (await timer(runtime).status()).overdue == 1
    assert timer(runtime)._refused
    assert place.missed == []
    assert runtime.tasks.failures == {}, "a refusal is an outcome, no failure"


@virtually
async def test_two_who_scan_at_the_same_moment_record_it_once() -> None:
    place = Place()
    both = [await place.start(), await place.start()]
    await owe(both[0], 60)
    for runtime in both:
        await runtime.tasks.stop("timer answer_deadline")
        timer(runtime).lease._renewed_at = float("inf")  # Neither asks whose turn it is.
    await asyncio.sleep(60)
    await asyncio.gather(*(timer(runtime).scan() for runtime in both))
    assert len(place.missed) == 1


@virtually
async def test_one_of_two_processes_scans() -> None:
    place = Place()
    both = [await place.start(), await place.start()]
    await asyncio.sleep(3 * LEASE_S)
    held = [await timer(runtime).lease.held() for runtime in both]
    assert sorted(held) == [False, True]
    told = {(await timer(runtime).status()).holder for runtime in both}
    assert told == {timer(both[held.index(True)]).lease.holder}


@virtually
async def test_a_process_that_stops_leaves_the_lease_to_the_next() -> None:
    place = Place()
    first, second = await place.start(), await place.start()
    await asyncio.sleep(SOON_S)
    await first.stop()
    await asyncio.sleep(SOON_S)
    assert (await timer(second).status()).holder == timer(second).lease.holder


@pytest.mark.parametrize(
    "last_words",
    [
        ("store.get_many",),
        ("store.insert_many",),
        ("store.insert_many", "store.commit"),
        ("store.insert_many", "store.commit.done"),
    ],
)
@virtually
async def test_a_crash_between_scan_and_answer_loses_nothing_and_repeats_nothing(
    last_words: Sequence[str],
) -> None:
    place, connection = Place(), Connection()
    first = await place.start(connection)
    await owe(first, 60)
    await asyncio.sleep(59.5)
    connection.last_words = list(last_words)
    await asyncio.sleep(SOON_S)
    assert connection.died_at_s is not None
    assert connection.died_at_s >= 60
    await crash(first)
    second = await place.start()
    await asyncio.sleep(LEASE_S + SOON_S)
    assert len(place.missed) == 1
    assert (await card(second, version=3)).missed_at is not None


@virtually
async def test_what_fell_due_while_nobody_ran_is_recorded_at_its_deadline() -> None:
    place = Place()
    first = await place.start()
    await owe(first, 60)
    await first.stop()
    await asyncio.sleep(3600)
    await place.start()
    await asyncio.sleep(SOON_S)
    (missed,) = place.missed
    assert missed.recorded_at - missed.occurred_at > timedelta(minutes=50)


@virtually
async def test_clocks_that_differ_by_an_hour_do_not_fight_for_the_lease() -> None:
    place = Place()
    first = await place.start()
    await asyncio.sleep(SOON_S)
    second = await place.start(skew_s=3600)
    holders = set()
    for _ in range(60):
        await asyncio.sleep(1)
        holders.add((await timer(second).status()).holder)
    assert holders == {timer(first).lease.holder}


@virtually
async def test_a_store_that_is_away_is_asked_again() -> None:
    place, connection = Place(), Connection()
    runtime = await place.start(connection)
    await owe(runtime, 30)
    await asyncio.sleep(29)
    connection.broken = True
    await asyncio.sleep(30)
    assert place.missed == []
    assert "timer answer_deadline" in runtime.tasks.failures
    connection.broken = False
    await asyncio.sleep(30)
    assert len(place.missed) == 1
    assert runtime.tasks.failures == {}


@virtually
async def test_a_rebuilt_view_fires_nothing_again_and_is_scanned_from_then_on() -> None:
    place = Place()
    runtime = await place.start()
    await owe(runtime, 10)
    await asyncio.sleep(10 + SOON_S)
    build = await builds.begin(runtime.store, runtime.runner("issue_card").projection)
    await asyncio.sleep(60)
    assert await runtime.runner("issue_card").active() == build
    assert len(place.missed) == 1
    await ask(runtime, SetDeadline(answer_by=in_(10)))
    await asyncio.sleep(10 + SOON_S)
    assert len(place.missed) == 2


@virtually
async def test_more_than_a_page_is_fired_also_behind_what_is_refused() -> None:
    place = Place()
    runtime = await place.start()
    at, count = in_(60), 2 * PAGE + 10
    register = Register(kind="advice", words="Smaller boxes.", person="person-1", answer_by=at)
    streams = [f"issue-{number:04}" for number in range(count)]
    await tell_all(runtime, register, streams)
    await card(runtime, streams[-1], 2)
    await asyncio.sleep(SOON_S)
    await runtime.tasks.stop(*FOLDING)
    answered = streams[: PAGE + 5]
    await tell_all(runtime, GiveFeedback(result="Done."), answered)
    await owe(runtime, 50, "issue-unfolded")
    await asyncio.sleep(60 + SOON_S)
    assert len(place.missed) == count - len(answered)
    assert not {fact.stream for fact in place.missed} & set(answered)


@virtually
async def test_what_is_due_is_told() -> None:
    place = Place()
    runtime = await place.start()
    await runtime.tasks.stop("timer answer_deadline")
    await owe(runtime, 5, "issue-1")
    await owe(runtime, 9, "issue-2")
    await owe(runtime, 500, "issue-3")
    await asyncio.sleep(15)
    status = await timer(runtime).status()
    assert (status.timer, status.overdue) == ("answer_deadline", 2)
    assert status.overdue_since is not None
    assert status.next_due_at is not None
    assert status.overdue_since < status.next_due_at
    assert 9 < timer(runtime).lag_s(status) < 11
