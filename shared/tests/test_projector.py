"""Folding exactly once, parking by stream, rebuilding beside, verifying against the log."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import orjson
import pytest

from shared import builds
from shared.clock import SystemClock
from shared.errors import NotFoundError, UnavailableError
from shared.events import Envelope, encode
from shared.events.organization import EmployeeAssigned, EmployeeJoined, EmployeeLeft
from shared.journal import JOURNAL, Outgoing, entry_of
from shared.log import partition_of
from shared.memory import MemoryLog, MemoryStore
from shared.policies import Policy, Reaction
from shared.projector import DROPPED, BuildDroppedError, Collections, Projector, Span
from shared.published import Build, Rev, headers_of, topic_of
from shared.reading import Reader, Token
from shared.runtime import Runtime
from shared.sinks import ViewSink
from shared.testing import recorded
from shared.tests.tiny import (
    PARTITIONS,
    Assign,
    Card,
    assign,
    build,
    card_projection,
    join,
    running,
    tiny_domain,
)
from shared.verify import verify_domain

ADA, BO = "employee-ada", "employee-bo"


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition that is a position or a state, never for time to pass."""
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 - the state lies in a store, which tells nobody.
            await asyncio.sleep(0.01)


async def card_of(runtime: Runtime, stream: str, version: int) -> Card | None:
    projection = runtime.domain.projections[0]
    seen = await runtime.reader(projection).get(stream, Token(stream, version))
    return None if seen is None else seen.value


async def differences(runtime: Runtime) -> list[str]:
    return [text async for check in verify_domain(runtime) for text in check.differences]


async def test_what_was_decided_is_read_back() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle(join(ADA))
        accepted = await runtime.service.handle(assign(ADA))
        card = await card_of(runtime, ADA, accepted.version)
        assert await differences(runtime) == []
    assert card is not None
    assert (card.name, card.moves) == ("Ada", 1)


async def test_facts_sent_twice_count_once() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    facts = recorded(EmployeeJoined(name="Ada"), EmployeeAssigned(unit="unit-1"), stream=ADA)
    for fact in [facts[0], facts[0], facts[1], facts[0], facts[1]]:
        await log.append("organization", fact.stream, encode(fact))
    async with running(build(tiny_domain(), store, log)) as runtime:
        card = await card_of(runtime, ADA, 2)
        assert await differences(runtime) == []
    assert card is not None
    assert card.moves == 1


async def test_a_deleted_view_leaves_a_stub_whose_count_of_changes_goes_on() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle_many([join(ADA), assign(ADA, "nowhere")])
        assert await card_of(runtime, ADA, 2) is None
        await runtime.service.handle(assign(ADA))
        seen = await runtime.reader(runtime.domain.projections[0]).get(ADA, Token(ADA, 3))
    assert seen is not None
    assert (seen.version, seen.rev) == (3, 3)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff not json", "not JSON"),
        (b'{"specversion": "0.3"}', "specversion"),
        (None, "no value"),
    ],
)
async def test_bytes_that_are_no_fact_park_their_stream_only(
    value: bytes | None, reason: str
) -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    await log.append("organization", ADA, value)
    for stream in (ADA, BO):
        (fact,) = recorded(EmployeeJoined(name=stream), stream=stream)
        await log.append("organization", stream, encode(fact))
    async with running(build(tiny_domain(), store, log)) as runtime:
        card = await card_of(runtime, BO, 1)
        await until(lambda: _parked(runtime, "card_v1", 2))
        held = (await runtime.parked())["card_v1"]
        with pytest.raises(UnavailableError, match="parked"):
            await card_of(runtime, ADA, 1)
    assert card is not None
    assert [(fact["stream"], fact["version"]) for fact in held] == [(ADA, None), (ADA, 1)]
    assert reason in held[0]["reason"]
    assert "behind a parked fact" in held[1]["reason"]


async def _parked(runtime: Runtime, collection: str, count: int) -> bool:
    return len((await runtime.parked()).get(collection, [])) == count


async def test_a_version_from_the_future_waits_for_the_ones_between() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    first, second, third = recorded(
        EmployeeJoined(name="Ada"),
        EmployeeAssigned(unit="unit-1"),
        EmployeeAssigned(unit="unit-2"),
        stream=ADA,
    )
    for fact in (first, third, second):
        await log.append("organization", ADA, encode(fact))
    async with running(build(tiny_domain(), store, log)) as runtime:
        await until(lambda: _parked(runtime, "card_v1", 2))
        assert await runtime.projector_of("card_v1").unpark(ADA) == 0
        card = await card_of(runtime, ADA, 3)
        assert await differences(runtime) == []
    assert card is not None
    assert card.moves == 2


async def test_another_fact_at_a_folded_version_is_a_fork_and_not_a_duplicate() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    (one,) = recorded(EmployeeJoined(name="Ada"), stream=ADA)
    await log.append("organization", ADA, encode(one))
    async with running(build(tiny_domain(), store, log)) as runtime:
        await card_of(runtime, ADA, 1)
        (other,) = recorded(EmployeeJoined(name="Eve"), stream=ADA, after=0)
        forged = encode(other).replace(other.id.encode(), b"another-id")
        await log.append("organization", ADA, forged)
        await until(lambda: _parked(runtime, "card_v1", 1))
        (held,) = (await runtime.parked())["card_v1"]
        (kept,) = (await runtime.parked())["keeper_v1"]
    assert "fork" in held["reason"]
    assert "fork" in kept["reason"]


async def test_a_fold_that_raises_stops_its_stream_and_a_replay_after_the_fix_goes_on() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle_many([join(ADA, "poison"), assign(ADA), join(BO)])
        assert await card_of(runtime, BO, 1) is not None
        await until(lambda: _parked(runtime, "card_v1", 2))
        assert await runtime.projector_of("card_v1").unpark(ADA) == 2
        card = runtime.domain.projections[0]
        card.folds[EmployeeJoined] = (card.folds[EmployeeJoined][0], lambda view, _, __: view)
        assert await runtime.projector_of("card_v1").unpark(ADA) == 0
        assert await card_of(runtime, ADA, 2) is not None


async def test_too_much_parked_too_fast_stops_the_projection_and_says_so() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    runtime = build(tiny_domain(), store, log, parked_max=3)
    for number in range(4):
        await log.append("organization", f"employee-{number}", b"garbage")
    async with running_unready(runtime):
        await until(lambda: _failed(runtime, "fold card_v1"))
        assert "more than 3" in runtime.tasks.failures["fold card_v1"]


async def _failed(runtime: Runtime, task: str) -> bool:
    return task in runtime.tasks.failures


async def test_a_rebuild_folds_beside_and_then_answers_in_its_place() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle_many([join(ADA), assign(ADA)])
        before = await card_of(runtime, ADA, 2)
        building = await builds.begin(runtime.store, runtime.domain.projections[0])
        await until(lambda: _active(runtime, building))
        assert await card_of(runtime, ADA, 2) == before
        accepted = await runtime.service.handle(assign(ADA))
        after = await card_of(runtime, ADA, accepted.version)
        assert await differences(runtime) == []
    assert after is not None
    assert after.moves == 2


async def _active(runtime: Runtime, build_wanted: Build) -> bool:
    return await runtime.runner("card").active() == build_wanted


async def test_a_release_with_a_new_version_builds_it_from_the_first_fact() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    async with running(build(tiny_domain(), store, log)) as runtime:
        await runtime.service.handle_many([join(ADA), assign(ADA), assign(ADA, "unit-2")])
        await card_of(runtime, ADA, 3)
    async with running(build(tiny_domain(card_projection(2)), store, log)) as runtime:
        await until(lambda: _active(runtime, Build("card", 2)))
        card = await card_of(runtime, ADA, 3)
    assert card is not None
    assert card.moves == 4


async def test_absorbing_needs_no_help_from_whoever_delivers() -> None:
    """Prefixes are dropped and holes are read from the log, as Faust's restarts need."""
    log, store = MemoryLog({"organization": 1}), MemoryStore()
    facts = recorded(
        EmployeeJoined(name="Ada"), *(EmployeeAssigned(unit=f"u{n}") for n in range(5)), stream=ADA
    )
    for fact in facts:
        await log.append("organization", ADA, encode(fact))
    runtime = build(tiny_domain(), store, log)
    projector = runtime.projector(ViewSink(card_projection(), "card_v1"))
    (partition,) = await log.ends("organization")
    records = [r async for batch in log.read(partition, 0, 6) for r in batch]
    for piece in (records[2:3], records[0:4], records[5:6], records[0:6]):
        await projector.absorb(piece)
    document = await store.get("card_v1", ADA)
    assert document is not None
    assert document["view"]["moves"] == 5


async def test_a_corrupted_field_is_found_and_named() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle(join(ADA))
        await card_of(runtime, ADA, 1)
        document = await runtime.store.get("card_v1", ADA)
        assert document is not None
        document["view"]["name"] = "Eve"
        await runtime.store.put_many("card_v1", [document])
        (found,) = await differences(runtime)
    assert ADA in found
    assert "name is 'Eve', the log says 'Ada'" in found


async def test_a_policy_acts_once_and_only_on_facts_after_it_was_registered() -> None:
    policy: Policy[EmployeeJoined] = Policy("welcome")

    @policy.on(EmployeeJoined)
    def welcome(event: EmployeeJoined, at: object) -> list[Reaction]:
        return [Reaction(f"employee-welcomed-{event.name}", Assign(unit="unit-welcome"))]

    log, store = MemoryLog(PARTITIONS), MemoryStore()
    async with running(build(tiny_domain(), store, log)) as runtime:
        await runtime.service.handle(join(ADA, "early"))
        await card_of(runtime, ADA, 1)
    domain = tiny_domain(card_projection(), policies=(policy,))
    histories: dict[str, list[Envelope]] = {}
    for _ in range(2):
        async with running(build(domain, store, log)) as runtime:
            await until(lambda: _failed_or_folded(runtime, "policy_welcome_v1"))
            await runtime.service.handle(join(BO, "late", id="once"))
            await card_of(runtime, "employee-welcomed-late", 1)
            histories = await runtime.journal.histories(
                runtime.store, ["employee-welcomed-early", "employee-welcomed-late"]
            )
    assert [len(history) for history in histories.values()] == [0, 1]
    (reaction,) = histories["employee-welcomed-late"]
    assert reaction.depth == 1
    assert reaction.actor == "policy:welcome"
    assert reaction.causation_id is not None


async def test_a_policy_since_ever_answers_what_was_recorded_before_it_was_there() -> None:
    policy: Policy[EmployeeJoined] = Policy("remember", since_ever=True)

    @policy.on(EmployeeJoined)
    def remember(event: EmployeeJoined, at: object) -> list[Reaction]:
        return [Reaction(f"employee-remembered-{event.name}", Assign(unit="unit-known"))]

    log, store = MemoryLog(PARTITIONS), MemoryStore()
    async with running(build(tiny_domain(), store, log)) as runtime:
        await runtime.service.handle(join(ADA, "early"))
        await card_of(runtime, ADA, 1)
    domain = tiny_domain(card_projection(), policies=(policy,))
    for _ in range(2):
        async with running(build(domain, store, log)) as runtime:
            await card_of(runtime, "employee-remembered-early", 1)
            await until(lambda: _failed_or_folded(runtime, "policy_remember_v1"))
            histories = await runtime.journal.histories(
                runtime.store, ["employee-remembered-early"]
            )
            assert [len(history) for history in histories.values()] == [1]


async def _failed_or_folded(runtime: Runtime, collection: str) -> bool:
    progress = await runtime.progress(collection, ("organization",))
    return progress.lag == 0


async def test_a_published_view_is_on_its_topic_and_a_deleted_one_is_a_tombstone() -> None:
    card = card_projection(published=True)
    async with running(build(tiny_domain(card))) as runtime:
        await runtime.service.handle_many([join(ADA), join(BO), assign(BO, "nowhere")])
        await card_of(runtime, BO, 2)
        await until(lambda: _clean(runtime))
        newest: dict[bytes | None, bytes | None] = {}
        for partition, end in (await runtime.log.ends(topic_of(card))).items():
            async for records in runtime.log.read(partition, 0, end):
                newest |= {record.key: record.value for record in records}
    assert newest[BO.encode()] is None
    assert b'"name":"Ada"' in (newest[ADA.encode()] or b"")


async def _clean(runtime: Runtime) -> bool:
    names = Collections("card_v1")
    views = await runtime.store.count(names.views, {})
    return views == 2 and await runtime.store.count(names.dirty, {}) == 0


async def test_what_another_process_left_in_the_outbox_is_published_in_order() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    first = build(tiny_domain(), store, log)
    await first.journal.prepare()
    first.service.ready.set()
    first.service.announce = lambda _: None  # It dies before it publishes.
    await first.service.handle(join(ADA))
    async with running(build(tiny_domain(), store, log)) as second:
        await second.service.handle(assign(ADA))
        card = await card_of(second, ADA, 2)
        assert await second.parked() == {}
    assert card is not None
    assert (card.name, card.moves) == ("Ada", 1)


async def test_a_journal_restored_from_an_old_backup_is_completed_from_the_log() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    async with running(build(tiny_domain(), store, log)) as runtime:
        await runtime.service.handle_many([join(ADA, id="k"), assign(ADA)])
        await card_of(runtime, ADA, 2)
    async with running(build(tiny_domain(), MemoryStore(), log)) as restored:
        again = await restored.service.handle(join(ADA, id="k"))
        accepted = await restored.service.handle(assign(ADA))
        assert await differences(restored) == []
    assert again.duplicate
    assert accepted.version == 3


async def test_what_the_relay_has_published_is_not_sent_again_when_it_is_announced() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    runtime = build(tiny_domain(), store, log)
    await runtime.journal.prepare()
    runtime.service.ready.set()
    slow: list[Outgoing] = []
    runtime.service.announce = slow.append  # The commit is visible long before it is announced.
    await runtime.service.handle(join(ADA))
    await runtime.publisher.publish(await runtime.journal.pending(10))
    await runtime.publisher.publish(slow)
    assert sum((await log.ends("organization")).values()) == 1
    assert await runtime.journal.backlog() == 0


@pytest.mark.parametrize("offset", [None, 1])
async def test_a_view_equals_its_log_also_while_it_is_read_again(offset: int | None) -> None:
    """After a log that forgot was repaired: the views are ahead of the cursors then."""
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle_many([join(ADA), join(BO), *(assign(ADA) for _ in range(5))])
        await card_of(runtime, ADA, 6)
        await card_of(runtime, BO, 1)
        await runtime.tasks.stop("fold card_v1")
        names = Collections("card_v1")
        cursors = await runtime.store.find(names.cursors, {})
        await runtime.store.delete_many(names.cursors, [cursor["_id"] for cursor in cursors])
        if offset is not None:
            again = [cursor | {"offset": offset} for cursor in cursors]
            await runtime.store.put_many(names.cursors, again)
        assert await differences(runtime) == []
        (card,) = await runtime.store.find("card_v1", {"_id": ADA})
        card["view"]["moves"] = 4
        await runtime.store.put_many("card_v1", [card])
        (found,) = await differences(runtime)
        assert "moves is 4, the log says 5" in found


async def test_a_fact_dropped_for_good_is_left_out_of_every_rebuild_and_written_down() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle_many([join(ADA, "poison"), assign(ADA), join(BO)])
        await until(lambda: _parked(runtime, "card_v1", 2))
        poison, _ = (await runtime.parked())["card_v1"]
        projector = runtime.projector_of("card_v1")
        left = await projector.drop(ADA, poison["_id"], reason="a typing mistake", by="kim")
        dropped = await card_of(runtime, ADA, 2)
        again = await builds.begin(runtime.store, runtime.domain.projections[0])
        await until(lambda: _switched(runtime, again))
        rebuilt = await card_of(runtime, ADA, 2)
        assert await differences(runtime) == []
        (kept,) = await runtime.store.find(DROPPED, {})
        assert await runtime.parked() == {}
    assert left == 0
    assert dropped == rebuilt == Card(ADA, name=None, moves=1)
    assert (kept["by"], kept["reason"], kept["version"]) == ("kim", "a typing mistake", 1)
    assert "fold failed" in kept["parked_for"]


async def test_a_fact_dropped_during_a_rebuild_is_not_in_what_takes_over() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle_many([join(ADA, "poison"), assign(ADA), join(BO)])
        await until(lambda: _parked(runtime, "card_v1", 2))
        coming = await builds.begin(runtime.store, runtime.domain.projections[0])
        poison, _ = (await runtime.parked())["card_v1"]
        projector = runtime.projector_of("card_v1")
        assert await projector.drop(ADA, poison["_id"], reason="a mistake", by="kim") == 0
        again = coming._replace(generation=coming.generation + 1)
        await until(lambda: _switched(runtime, again))
        assert await card_of(runtime, ADA, 2) == Card(ADA, name=None, moves=1)
        assert await runtime.parked() == {}
        assert await differences(runtime) == []


async def test_a_rebuild_ends_over_a_log_that_is_shorter_than_what_was_folded_of_it() -> None:
    store, log = MemoryStore(), MemoryLog(PARTITIONS)
    async with running(build(tiny_domain(), store, log)) as runtime:
        await runtime.service.handle_many([join(ADA), *[assign(ADA)] * 3])
        await card_of(runtime, ADA, 4)
    lies_in = partition_of(ADA, PARTITIONS["organization"])
    log.truncate("organization", lies_in, 2)
    runtime = build(tiny_domain(), store, log)
    await runtime.start(writes=False)
    try:
        again = await builds.begin(store, runtime.domain.projections[0])
        await until(lambda: _switched(runtime, again))
    finally:
        await runtime.stop()


async def _switched(runtime: Runtime, build: Build) -> bool:
    return await runtime.runners["card"].collection() == build.collection


async def test_bytes_that_are_no_fact_can_be_dropped_and_their_stream_goes_on() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    await log.append("organization", ADA, b"no fact")
    (fact,) = recorded(EmployeeJoined(name="Ada"), stream=ADA)
    await log.append("organization", ADA, encode(fact))
    async with running(build(tiny_domain(), store, log)) as runtime:
        await until(lambda: _parked(runtime, "card_v1", 2))
        (held, _) = (await runtime.parked())["card_v1"]
        projector = runtime.projector_of("card_v1")
        with pytest.raises(NotFoundError, match="nothing of employee-bo"):
            await projector.drop(BO, held["_id"], reason="of another stream", by="kim")
        assert await projector.drop(ADA, held["_id"], reason="a test of theirs", by="kim") == 0
        assert await card_of(runtime, ADA, 1) is not None


async def test_a_view_says_which_streams_it_lacks_facts_of() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle_many([join(ADA), join(BO, "poison")])
        await card_of(runtime, ADA, 1)
        reader = runtime.reader(runtime.domain.projections[0])
        with pytest.raises(UnavailableError, match="employee-bo is parked"):
            await until(lambda: _nothing_of(reader, BO))
        await runtime.log.append("organization", ADA, b"no fact")
        await until(lambda: _lacks(reader, ADA))
        page = await reader.page({}, limit=10)
    assert page.parked == (ADA,)


async def _nothing_of(reader: Reader[Card], stream: str) -> bool:
    await reader.get(stream)
    return False


async def _lacks(reader: Reader[Card], stream: str) -> bool:
    seen = await reader.get(stream)
    return seen is not None and seen.parked == (stream,)


async def _joined(log: MemoryLog, *streams: str) -> None:
    for stream in streams:
        (fact,) = recorded(EmployeeJoined(name=stream), stream=stream)
        await log.append("organization", stream, encode(fact))


def _said_differently(fact: Envelope, **attributes: object) -> bytes:
    return orjson.dumps(orjson.loads(encode(fact)) | attributes)


async def test_a_version_that_no_store_can_keep_parks_its_stream_only() -> None:
    log, store = MemoryLog({"organization": 1}), MemoryStore()
    (fact,) = recorded(EmployeeJoined(name="Ada"), stream=ADA)
    await log.append("organization", ADA, _said_differently(fact, streamversion=2**64 - 1))
    await _joined(log, BO)
    async with running(build(tiny_domain(), store, log)) as runtime:
        assert await card_of(runtime, BO, 1) is not None
        (held,) = (await runtime.parked())["card_v1"]
        await until(lambda: _parked(runtime, "keeper_v1", 1))
        (kept,) = (await runtime.parked())["keeper_v1"]
        assert runtime.tasks.failures == {}
    assert (held["stream"], held["version"]) == (ADA, None)
    assert "not a positive integer of 32 bits" in held["reason"]
    assert "not a positive integer of 32 bits" in kept["reason"]


async def test_a_view_that_no_store_can_keep_parks_its_stream_and_is_replayed_in_vain() -> None:
    card = card_projection()

    @card.on(EmployeeLeft)
    def left(view: Card, event: EmployeeLeft, at: Envelope) -> Card:
        return replace(view, moves=2**64)

    log, store = MemoryLog({"organization": 1}), MemoryStore()
    for fact in recorded(EmployeeJoined(name="Ada"), EmployeeLeft(), stream=ADA):
        await log.append("organization", ADA, encode(fact))
    await _joined(log, BO)
    async with running(build(tiny_domain(card), store, log)) as runtime:
        assert await card_of(runtime, BO, 1) is not None
        assert await card_of(runtime, ADA, 1) is not None
        await until(lambda: _parked(runtime, "card_v1", 1))
        (held,) = (await runtime.parked())["card_v1"]
        assert await runtime.projector_of("card_v1").unpark(ADA) == 1
    assert (held["version"], "cannot be written" in held["reason"]) == (2, True)


async def test_a_batch_that_would_park_too_much_parks_nothing_however_often_it_is_tried() -> None:
    log, store = MemoryLog({"organization": 1}), MemoryStore()
    await log.append("organization", "employee-0", b"garbage")
    async with running_unready(runtime := build(tiny_domain(), store, log, parked_max=3)):
        await until(lambda: _parked(runtime, "card_v1", 1))
    for number in range(1, 4):
        await log.append("organization", f"employee-{number}", b"garbage")
    for _ in range(2):
        await _stops(build(tiny_domain(), store, log, parked_max=3))
        assert await store.count(Collections("card_v1").parked, {}) == 1


async def _stops(runtime: Runtime) -> None:
    async with running_unready(runtime):
        await until(lambda: _failed(runtime, "fold card_v1"))
        assert "4 streams" in runtime.tasks.failures["fold card_v1"]
        assert "not JSON" in runtime.tasks.failures["fold card_v1"]


@asynccontextmanager
async def running_unready(runtime: Runtime) -> AsyncIterator[None]:
    """Start what cannot get as far as deciding."""
    await runtime.start()
    try:
        yield
    finally:
        await runtime.stop()


async def test_a_fact_that_the_journal_holds_at_another_version_is_a_fork() -> None:
    """An old backup came back, and what the third command said was decided again as the second."""
    log, store = MemoryLog({"organization": 1}), MemoryStore()
    first, second, third = recorded(
        EmployeeJoined(name="Ada"),
        EmployeeAssigned(unit="unit-1"),
        EmployeeAssigned(unit="unit-2"),
        stream=ADA,
    )
    for fact in (first, second, third):
        await log.append("organization", ADA, encode(fact))
    runtime = build(tiny_domain(), store, log)
    await runtime.journal.prepare()
    again = replace(third, version=2)
    entries = [entry_of(fact, encode(fact)) for fact in (first, again)]
    async with store.transaction() as tx:
        await tx.insert_many(
            JOURNAL,
            [
                {
                    "_id": e.id,
                    "topic": e.topic,
                    "stream": ADA,
                    "version": e.version,
                    "fact": e.value,
                }
                for e in entries
            ],
        )
    async with running(runtime):
        await until(lambda: _parked(runtime, "keeper_v1", 2))
        held = (await runtime.parked())["keeper_v1"]
        assert runtime.tasks.failures == {}
    assert [fact["version"] for fact in held] == [2, 3]
    assert all("fork" in fact["reason"] for fact in held)


async def test_a_batch_that_fails_again_and_again_is_a_failure_until_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.projector.TRIES_UNHEARD", 3)
    store = MemoryStore()
    runtime = build(tiny_domain(), store)
    projector = runtime.projector(ViewSink(card_projection(), "card_v1"))
    await _joined(runtime.log, ADA)  # type: ignore[arg-type]
    await store.insert_many("card_v1", [{"_id": ADA, "rev": 1, "view": None}])
    folding = asyncio.create_task(projector.run())
    await until(lambda: _failed(runtime, "fold card_v1"))
    assert "already there" in runtime.tasks.failures["fold card_v1"]
    await store.delete_many("card_v1", [ADA])
    await until(lambda: _recovered(runtime))
    folding.cancel()
    await asyncio.gather(folding, return_exceptions=True)


async def _recovered(runtime: Runtime) -> bool:
    return not runtime.tasks.failures


async def test_what_ailed_a_task_is_forgotten_when_it_is_stopped() -> None:
    log = MemoryLog(PARTITIONS)
    await log.append("organization", ADA, b"garbage")
    async with running_unready(runtime := build(tiny_domain(), None, log, parked_max=0)):
        await until(lambda: _failed(runtime, "fold card_v1"))
        await runtime.tasks.stop("fold card_v1")
        assert "fold card_v1" not in runtime.tasks.failures


async def test_a_zombie_does_not_make_a_dropped_build_anew() -> None:
    log, store, card = MemoryLog({"organization": 1}), MemoryStore(), card_projection()
    await _joined(log, *(f"employee-{number}" for number in range(20)))
    old = Build("card", 1)
    await builds.register(store, card)
    zombie = build(tiny_domain(), store, log).projector(ViewSink(card, old.collection))
    zombie.dropped = partial(builds.is_dropped, card, old)
    (partition,) = await log.ends("organization")
    records = [r async for batch in log.read(partition, 0, 20) for r in batch]
    await zombie.absorb(records[:10])
    await builds.switch(store, card, await builds.begin(store, card))
    await zombie.absorb(records[10:12])  # Whoever still reads it may read on.
    await builds.drop(store, card, old)
    with pytest.raises(BuildDroppedError):
        await zombie.absorb(records[15:])
    with pytest.raises(BuildDroppedError):
        await zombie.positions([partition])
    assert not [name for name in await store.collections() if name.startswith("card_v1")]


async def test_a_hole_is_folded_in_batches_as_small_as_any() -> None:
    sizes: list[int] = []

    class Counting(Projector):
        async def _transact(self, spans: Sequence[Span], park: str | None) -> None:
            sizes.append(sum(len(span.records) for span in spans))
            await super()._transact(spans, park)

    log, store = MemoryLog({"organization": 1}), MemoryStore()
    await _joined(log, *(f"employee-{number}" for number in range(50)))
    sink = ViewSink(card_projection(), "card_v1")
    projector = Counting(sink, store, log, SystemClock(), batch_max=20)
    (partition,) = await log.ends("organization")
    records = [r async for batch in log.read(partition, 0, 50) for r in batch]
    await projector.absorb(records[49:])
    assert sizes == [20, 20, 9, 1]
    assert await store.count("card_v1", {}) == 50


async def test_a_rebuild_answers_although_facts_come_all_the_time() -> None:
    async def slowly(_operation: str) -> None:
        await asyncio.sleep(0.004)

    log, store = MemoryLog(PARTITIONS), MemoryStore(step=slowly)
    coming_in = asyncio.Event()
    async with running(build(tiny_domain(), store, log)) as runtime:

        async def load() -> None:
            for number in itertools.count():
                await _joined(log, f"employee-{number}")
                coming_in.set()
                await asyncio.sleep(0.01)

        loading = asyncio.create_task(load())
        await coming_in.wait()
        building = await builds.begin(store, runtime.domain.projections[0])
        await until(lambda: _active(runtime, building))
        loading.cancel()


async def test_a_build_does_not_take_over_before_it_has_passed_the_active_one() -> None:
    log, store = MemoryLog(PARTITIONS), MemoryStore()
    streams = [f"employee-{number}" for number in range(300)]
    await _joined(log, *streams)
    async with running(build(tiny_domain(), store, log)) as runtime:
        await until(lambda: _failed_or_folded(runtime, "card_v1"))
        building = await builds.begin(store, runtime.domain.projections[0])
        await until(lambda: _active(runtime, building))
        assert await store.count(building.collection, {}) == len(streams)


async def test_a_view_too_large_for_its_topic_is_noted_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = card_projection(published=True)
    log = MemoryLog(PARTITIONS)
    async with running(build(tiny_domain(card), None, log)) as runtime:
        monkeypatch.setattr("shared.memory.log.RECORD_BYTES_MAX", 600)
        (fact,) = recorded(EmployeeJoined(name="x" * 700), stream=ADA)
        monkeypatch.setattr("shared.memory.log.RECORD_BYTES_MAX", 10_000)
        await log.append("organization", ADA, encode(fact))
        monkeypatch.setattr("shared.memory.log.RECORD_BYTES_MAX", 600)
        await until(lambda: _unpublished(runtime, {"card": 1}))
        await runtime.service.handle(join(BO))
        await until(lambda: _clean(runtime))
        assert runtime.tasks.failures == {}
        assert [record.key for record in log.records("views.card")] == [BO.encode()]
        await runtime.service.handle(assign(ADA, "nowhere"))
        await until(lambda: _unpublished(runtime, {}))


async def _unpublished(runtime: Runtime, wanted: dict[str, int]) -> bool:
    return await runtime.unpublished() == wanted


def test_what_is_published_is_of_the_version_that_it_was_folded_with() -> None:
    headers = dict(headers_of(card_projection(2), ADA, Rev(1, 3, 7)))
    assert headers["ce_type"] == b"views.card.v1"


async def test_what_is_parked_is_counted_and_read_page_by_page() -> None:
    log = MemoryLog({"organization": 1})
    for number in range(3):
        await log.append("organization", f"employee-{number}", b"garbage")
    async with running(build(tiny_domain(), None, log)) as runtime:
        await until(lambda: _parked(runtime, "card_v1", 3))
        await until(lambda: _parked(runtime, "keeper_v1", 3))
        assert await runtime.parked_counts() == {"card_v1": 3, "keeper_v1": 3}
        pages, after = [], ("", "")
        while page := await runtime.parked(2, after):
            pages.append({collection: len(held) for collection, held in page.items()})
            collection = next(reversed(page))
            after = (collection, page[collection][-1]["_id"])
    assert pages == [{"card_v1": 2}, {"card_v1": 1, "keeper_v1": 1}, {"keeper_v1": 2}]


async def test_what_is_properly_parked_is_skipped_by_verify_and_counted() -> None:
    log = MemoryLog({"organization": 1})
    (eve,) = recorded(EmployeeJoined(name="Eve"), stream=ADA)
    await log.append("organization", BO, encode(eve))  # Under another stream's key: no fact.
    await _joined(log, ADA)
    async with running(build(tiny_domain(), None, log)) as runtime:
        await card_of(runtime, ADA, 1)
        checks = {check.name: check async for check in verify_domain(runtime)}
    assert [check.differences for check in checks.values()] == [[], []]
    assert [check.skipped for check in checks.values()] == [1, 1]
    assert checks["organization/card_v1"].document()["skipped"] == 1


async def test_verify_lets_others_have_their_turn() -> None:
    log = MemoryLog({"organization": 1})
    await _joined(log, *(f"employee-{number}" for number in range(2_000)))
    async with running(build(tiny_domain(), None, log)) as runtime:
        await card_of(runtime, "employee-1999", 1)
        turns = 0

        async def take_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        others = asyncio.create_task(take_turns())
        assert await differences(runtime) == []
        others.cancel()
    assert turns > 60
