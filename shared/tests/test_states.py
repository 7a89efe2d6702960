"""Where streams stand: remembered, and yet what the journal and the keys say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.cipher import LocalKms, fresh_key
from shared.clock import SystemClock
from shared.decider import Decider
from shared.events import Envelope, Event, encode
from shared.events.contacts import PersonDetailsStated
from shared.journal import Journal, entry_of
from shared.keyring import KEPT_S, KeyRing
from shared.memory import MemoryStore
from shared.memory.store import Point
from shared.personal import ERASED
from shared.seals import Seals
from shared.states import Stand, States
from shared.testing import recorded

ADA, BO = "person-ada", "person-bo"


def noted(heard: tuple[str, ...], event: Event) -> tuple[str, ...]:
    assert isinstance(event, PersonDetailsStated)
    return (*heard, event.phone or "")


HEARD: Decider[tuple[str, ...], object, Event] = Decider((), lambda _, __: [], noted)


@dataclass
class Book:
    """One database with a journal, and how many facts were read from it."""

    store: MemoryStore = field(default_factory=MemoryStore)
    seals: Seals = field(default_factory=Seals)
    read: list[int] = field(default_factory=list)
    # Whose key is destroyed while the journal is read.
    erasing: str | None = None

    def __post_init__(self) -> None:
        book = self

        class Counting(Journal):
            async def histories(self, *asked: object) -> dict[str, list[Envelope]]:
                found = await super().histories(*asked)  # type: ignore[arg-type]
                book.read.append(sum(map(len, found.values())))
                return found

            async def since(self, *asked: object) -> list[Envelope]:
                if book.erasing is not None:
                    assert book.seals.ring is not None
                    await book.seals.ring.erase(book.erasing)
                found = await super().since(*asked)  # type: ignore[arg-type]
                book.read.append(len(found))
                return found

        self.journal = Counting(self.store, SystemClock())

    def process(self, remembered: int = 2_000) -> States:
        return States(self.journal, self.seals, remembered)

    async def tell(self, stream: str, *phones: str) -> None:
        there = len((await self.journal.histories(self.store, [stream]))[stream])
        told = recorded(*(PersonDetailsStated(phone=phone) for phone in phones), stream=stream)
        facts = [replace(f, id=SystemClock().new_id(), version=f.version + there) for f in told]
        sealed = await self.seals.seal(facts)
        await self.journal.accept([[entry_of(fact, encode(fact)) for fact in sealed]])
        self.read.clear()

    async def stand(self, states: States, stream: str = ADA) -> Stand:
        return (await states.read(self.store, {stream: HEARD}))[stream]

    async def heard(self, states: States, stream: str = ADA) -> Sequence[str]:
        found = await self.stand(states, stream)
        heard: tuple[str, ...] = found.state
        assert found.version == len(heard)
        return heard


async def test_of_a_stream_that_was_read_only_what_came_since_is_read_again() -> None:
    book = Book()
    one, other = book.process(), book.process()
    await book.tell(ADA, *(str(number) for number in range(200)))
    assert len(await book.heard(one)) == len(await book.heard(other)) == 200
    await book.tell(ADA, "new")
    for states in (one, other):
        assert (await book.heard(states))[-1] == "new"
    assert book.read == [2, 2]  # With the one that is remembered, which must be there still.


async def test_what_a_command_changes_is_not_remembered_before_it_is_recorded() -> None:
    book = Book()
    states = book.process()
    await book.tell(ADA, "old")
    stand = await book.stand(states)
    stand.follow(
        [replace(f, version=2) for f in recorded(PersonDetailsStated(phone="x"), stream=ADA)]
    )
    assert await book.heard(states) == ("old",)


async def test_what_a_restored_journal_lost_is_not_remembered() -> None:
    book = Book()
    states = book.process()
    await book.tell(ADA, "one")
    kept = book.store.point()
    await book.tell(ADA, "two", "three")
    assert await book.heard(states) == ("one", "two", "three")
    book.store.restore(kept)
    assert await book.heard(states) == ("one",)
    await book.tell(ADA, "other", "three")
    assert await book.heard(states) == ("one", "other", "three")
    book.store.restore(kept)
    await book.tell(ADA, "again", "once more")  # As long as what is remembered, and not that.
    assert await book.heard(states) == ("one", "again", "once more")


async def test_of_who_was_erased_nothing_is_remembered() -> None:
    ring = KeyRing(MemoryStore(), LocalKms.of(fresh_key()), SystemClock())
    book = Book(seals=Seals(ring))
    states = book.process()
    await book.tell(ADA, "+82 10")
    assert await book.heard(states) == ("+82 10",)
    await ring.erase(ADA)
    assert await book.heard(states) == (ERASED,)
    await book.tell(ADA, "+82 11")
    assert await book.heard(states) == (ERASED, ERASED)
    assert "+82" not in str(states._held)


async def test_of_who_was_erased_amid_a_decision_nothing_is_remembered_after_it() -> None:
    ring = KeyRing(MemoryStore(), LocalKms.of(fresh_key()), SystemClock())
    book = Book(seals=Seals(ring), erasing=ADA)
    states = book.process()
    await book.tell(ADA, "+82 10")
    for _ in range(2):  # The first time the journal is read whole: nothing was remembered.
        assert await book.heard(states) == ("+82 10",)
    assert await book.heard(states) == (ERASED,)
    assert "+82" not in str(states._held)


async def test_so_many_are_remembered_and_no_longer_than_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = Book()
    states = book.process(remembered=2)
    for stream in (ADA, BO, "person-cy"):
        await book.tell(stream, "one", "two")
        await book.heard(states, stream)
    book.read.clear()
    for stream in ("person-cy", BO, ADA):
        await book.heard(states, stream)
    assert book.read == [1, 1, 2]
    assert list(states._held) == [BO, ADA]
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr("shared.states._now", lambda: now + KEPT_S - 1)
    await book.heard(states, ADA)
    monkeypatch.setattr("shared.states._now", lambda: now + KEPT_S + 1)
    states._forget()  # Called when the time of the oldest has come, whether anybody decides or not.
    assert list(states._held) == [ADA]
    assert states._forgetting is not None
    assert states._forgetting.when() <= now + 2 * KEPT_S
    states._forgetting.cancel()


STEPS = st.lists(
    st.sampled_from(["tell", "read one", "read other", "both", "keep", "restore", "erase"]),
    max_size=25,
)


@settings(max_examples=150)
@given(STEPS)
async def test_whatever_happens_it_stands_where_all_of_its_facts_lead(steps: list[str]) -> None:
    ring = KeyRing(MemoryStore(), LocalKms.of(fresh_key()), SystemClock())
    book = Book(seals=Seals(ring))
    one, other = book.process(), book.process()
    kept: Point = book.store.point()
    for number, step in enumerate(steps):
        match step:
            case "tell":
                await book.tell(ADA, str(number))
            case "read one" | "read other":
                await book.heard(one if step == "read one" else other)
            case "both":
                told = await one.read(book.store, {ADA: HEARD, BO: HEARD})
                assert told[ADA] == await book.stand(book.process())
            case "keep":
                kept = book.store.point()
            case "restore":
                book.store.restore(kept)
            case "erase":
                await ring.erase(ADA)
    for states in (one, other):
        assert await book.stand(states) == await book.stand(book.process())
