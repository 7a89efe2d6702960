"""What the journal remembers, hands to the log, and takes back from it."""

from __future__ import annotations

from collections import Counter

import pytest

from shared.clock import SystemClock
from shared.errors import CommandReusedError, UnavailableError
from shared.events import Envelope, encode
from shared.events.organization import EmployeeAssigned, EmployeeJoined
from shared.journal import COMMANDS, Commanded, Entry, Journal, entry_of, split_command_id
from shared.memory import MemoryLog, MemoryStore
from shared.store import TransientStoreError
from shared.testing import recorded
from shared.tests.tiny import PARTITIONS, assign, build, join, running, tiny_domain

ADA, BO = "employee-ada", "employee-bo"
ROW = "row:crm/deals.csv#a#b"


def entries(*streams: str) -> list[Entry]:
    facts = [recorded(EmployeeJoined(name="Ada"), stream=stream)[0] for stream in streams]
    return [entry_of(fact, encode(fact)) for fact in facts]


def moved(version: int, command_id: str) -> Envelope:
    (fact,) = recorded(EmployeeAssigned(unit=f"unit-{version}"), stream=ADA, after=version - 1)
    named = {name: getattr(fact, name) for name in Envelope.__dataclass_fields__}
    return Envelope(**named | {"command_id": command_id, "command_hash": f"of {version}"})


async def test_each_outbox_entry_brings_its_own_facts_of_a_stream() -> None:
    runtime = build(tiny_domain(), MemoryStore(), MemoryLog(PARTITIONS))
    await runtime.journal.prepare()
    runtime.service.ready.set()
    runtime.service.announce = lambda _: None
    await runtime.service.handle(join(ADA))
    await runtime.service.handle_many([assign(ADA), assign(BO), assign(ADA)])
    await runtime.service.handle(assign(ADA))
    pending = await runtime.journal.pending(10)
    versions = [sorted((e.stream, e.version) for e in each.entries) for each in pending]
    assert versions == [[(ADA, 1)], [(ADA, 2), (ADA, 3), (BO, 1)], [(ADA, 4)]]


async def test_what_was_journaled_before_is_not_journaled_again() -> None:
    journal = Journal(MemoryStore(), SystemClock())
    await journal.prepare()
    (ada,) = entries(ADA)
    assert await journal.accept([[ada]]) != [None]
    assert await journal.accept([[ada]]) == [None]
    told = await journal.accept([[ada, *entries(BO)], entries(BO), [*entries("employee-cy"), ada]])
    streams = [each and [entry.stream for entry in each.entries] for each in told]
    assert streams == [[BO], None, ["employee-cy"]]


async def test_what_nothing_follows_is_found_by_its_age_alone() -> None:
    journal = Journal(MemoryStore(), SystemClock())
    await journal.prepare()
    for accepted in (await journal.accept([entries(ADA)]), await journal.accept_new([entries(BO)])):
        assert accepted != [None]
    assert await journal.pending_of([ADA, BO]) == []
    pending = await journal.pending(10)
    assert [entry.stream for each in pending for entry in each.entries] == [ADA, BO]


async def test_what_is_accepted_within_a_transaction_is_there_with_it_or_not_at_all() -> None:
    store = MemoryStore()
    journal = Journal(store, SystemClock())
    await journal.prepare()
    with pytest.raises(RuntimeError):
        async with store.transaction() as tx:
            assert await journal.accept_within(tx, entries(ADA)) is not None
            raise RuntimeError("the cursor could not be written")
    assert await journal.backlog() == 0
    async with store.transaction() as tx:
        accepted = await journal.accept_within(tx, [*entries(ADA), *entries(ADA)])
    assert accepted is not None
    assert len(accepted.entries) == await journal.backlog() == 1
    async with store.transaction() as tx:
        assert await journal.accept_within(tx, entries(ADA)) is None


def test_a_fact_is_known_at_its_own_place_only_and_not_for_ever() -> None:
    journal = Journal(MemoryStore(), SystemClock(), remembered=2)
    first, second = recorded(
        EmployeeJoined(name="Ada"), EmployeeAssigned(unit="unit-1"), stream=ADA
    )
    journal.committed([entry_of(first, b""), entry_of(second, b"")])
    assert journal.lookup([first, second]) == []
    elsewhere = [
        Entry(first.id, "organization", ADA, 2, b""),
        Entry(second.id, "organization", BO, 2, b""),
    ]
    journal.committed(elsewhere)
    assert journal.lookup([first, second]) == [first, second]
    journal.committed(entries(*(f"employee-{number}" for number in range(3))))
    assert len(journal._seen) == 2


async def test_commands_come_back_from_the_log_with_their_answers() -> None:
    """The newest state of a row, with all the facts of that decision and none of the one before."""
    facts = [moved(1, f"{ROW}#1"), moved(2, f"{ROW}#2"), moved(3, f"{ROW}#2"), moved(4, "id:k#5")]
    journal = Journal(MemoryStore(), SystemClock())
    async with journal.store.transaction() as tx:
        await journal.restore(tx, facts)
    known = await journal.commanded(journal.store, [ROW, "id:k#5", "id:k"])
    assert known == {
        ROW: Commanded(ROW, "of 3", ADA, last=3, times=2),
        "id:k#5": Commanded("id:k#5", "of 4", ADA, last=4),
    }


@pytest.mark.parametrize(
    ("written", "key", "times"),
    [(f"{ROW}#12", ROW, 12), ("id:k#5", "id:k#5", 1), ("id:row:x#2", "id:row:x#2", 1)],
)
def test_only_a_rows_id_counts_its_changes(written: str, key: str, times: int) -> None:
    assert split_command_id(written) == (key, times)


async def test_one_id_for_two_streams_is_two_requests() -> None:
    async with running(build(tiny_domain())) as runtime:
        await runtime.service.handle(join(ADA, id="k"))
        with pytest.raises(CommandReusedError):
            await runtime.service.handle(join(BO, id="k"))


async def test_a_command_of_which_the_log_does_not_say_what_it_asked_is_decided_again() -> None:
    async with running(build(tiny_domain())) as runtime:
        unknown = Commanded("id:k", "", ADA, 1, 1)
        await runtime.store.insert_many(COMMANDS, [unknown.document()])
        assert (await runtime.service.handle(join(ADA, id="k"))).recorded == 1


async def test_a_store_that_never_takes_it_is_an_outage_and_not_for_ever() -> None:
    tried = Counter[str]()

    async def conflicting(operation: str) -> None:
        tried[operation] += 1
        if operation == "store.commit":
            raise TransientStoreError("somebody else was first")

    async def at_once(_attempt: int) -> None:
        tried["backoff"] += 1

    runtime = build(tiny_domain(), MemoryStore(step=conflicting))
    runtime.service.ready.set()
    runtime.service.backoff = at_once
    with pytest.raises(UnavailableError, match="somebody else was first"):
        await runtime.service.handle(join(ADA))
    assert tried["store.commit"] == tried["backoff"] + 1 == 8
