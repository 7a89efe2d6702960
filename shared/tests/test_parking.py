"""How much may be parked how fast, when it was parked, and what a store refuses altogether."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from shared.batch import BEHIND
from shared.events import Envelope, encode
from shared.events.organization import EmployeeAssigned, EmployeeJoined
from shared.log import Partition, Record
from shared.memory import MemoryLog, MemoryStore
from shared.projection import Projection
from shared.projector import Collections, Projector, TooManyParkedError
from shared.sinks import ViewSink
from shared.store import Document, DocumentTooLargeError
from shared.testing import recorded
from shared.tests.tiny import Card, Hands, card_projection

ADA, BO = "employee-ada", "employee-bo"
ONE = Partition("organization", 0)
NAMES = Collections("card_v1")
WINDOW_S = 60.0


@dataclass
class Bench:
    """One projector that is handed records by the test, as they come."""

    parked_max: int = 2
    projection: Projection[Card] = field(default_factory=card_projection)
    clock: Hands = field(default_factory=Hands)
    store: MemoryStore = field(default_factory=MemoryStore)
    log: MemoryLog = field(default_factory=lambda: MemoryLog({"organization": 1}))
    folded: int = 0

    @property
    def projector(self) -> Projector:
        sink = ViewSink(self.projection, "card_v1")
        return Projector(
            sink,
            self.store,
            self.log,
            self.clock,
            parked_max=self.parked_max,
            parked_window_s=WINDOW_S,
        )

    async def take(self, *records: tuple[str, bytes]) -> None:
        for stream, value in records:
            await self.log.append("organization", stream, value)
        end = (await self.log.ends("organization"))[ONE]
        found: list[Record] = [r async for b in self.log.read(ONE, self.folded, end) for r in b]
        await self.projector.absorb(found)
        self.folded = end

    async def parked(self) -> list[Document]:
        return await self.store.find(NAMES.parked, {}, sort=(("_id", 1),))


def garbage(*streams: str) -> list[tuple[str, bytes]]:
    return [(stream, b"no fact") for stream in streams]


def joined(stream: str, name: str = "Ada", moves: int = 0) -> list[tuple[str, bytes]]:
    moved = (EmployeeAssigned(unit=f"unit-{number}") for number in range(moves))
    facts = recorded(EmployeeJoined(name=name), *moved, stream=stream)
    return [(stream, encode(fact)) for fact in facts]


async def test_as_many_streams_as_may_be_are_parked_and_not_one_more() -> None:
    bench = Bench(parked_max=2)
    await bench.take(*garbage(ADA, BO))
    with pytest.raises(TooManyParkedError, match="parked 3 streams"):
        await bench.take(*garbage("employee-cy"))
    assert len(await bench.parked()) == 2


async def test_what_was_parked_before_the_window_does_not_count() -> None:
    bench = Bench(parked_max=2)
    await bench.take(*garbage(ADA, BO))
    bench.clock.move(WINDOW_S + 1)
    await bench.take(*garbage("employee-cy", "employee-di"))
    assert len(await bench.parked()) == 4


async def test_a_stream_that_stays_parked_is_not_parked_again_by_what_comes_behind() -> None:
    bench = Bench(parked_max=2)
    await bench.take(*garbage(ADA, BO))
    bench.clock.move(WINDOW_S + 1)
    await bench.take(*joined(ADA), *joined(BO))
    await bench.take(*garbage("employee-cy", "employee-di"))
    bench.clock.move(WINDOW_S + 1)
    behind = joined(ADA, moves=1)[1:] + joined(BO, moves=1)[1:]
    await bench.take(*behind, *garbage("employee-ed", "employee-flo"))
    reasons = [document["reason"] for document in await bench.parked()]
    assert reasons.count(BEHIND) == 4


async def test_what_is_replayed_in_vain_was_parked_when_it_was_parked() -> None:
    bench = Bench()
    await bench.take(*joined(ADA, "poison", moves=1))
    before = await bench.parked()
    bench.clock.move(3_600)
    assert await bench.projector.unpark(ADA) == 2
    after = await bench.parked()
    told = [(d["_id"], d["parked_at"]) for d in before]
    assert [(d["_id"], d["parked_at"]) for d in after] == told
    assert {at for _, at in told} == {"2026-01-05T09:00:00.000000Z"}


async def test_a_store_with_no_room_to_set_it_aside_stops_the_batch_and_nothing_is_written() -> (
    None
):
    bench = Bench(store=MemoryStore(document_bytes_max=500))
    await bench.take(*joined(BO))
    with pytest.raises(DocumentTooLargeError):
        await bench.take((ADA, b"no fact" * 200))
    assert bench.folded == 1
    assert await bench.parked() == []


def blown_up(*names: str) -> Projection[Card]:
    """A fold that makes of certain names what no store takes."""
    card = Projection("card", version=1, view=Card)

    @card.on(EmployeeJoined)
    def joined(view: Card, event: EmployeeJoined, at: Envelope) -> Card:
        return replace(view, name=event.name * (1_000 if event.name in names else 1))

    @card.on(EmployeeAssigned)
    def assigned(view: Card, event: EmployeeAssigned, at: Envelope) -> Card:
        return replace(view, moves=view.moves + 1)

    return card


def told(*facts: EmployeeJoined | EmployeeAssigned) -> list[tuple[str, bytes]]:
    return [(ADA, encode(fact)) for fact in recorded(*facts, stream=ADA)]


HUGE, MOVE = EmployeeJoined(name="huge"), EmployeeAssigned(unit="unit-1")


async def test_of_several_facts_that_cannot_be_written_each_is_dropped_by_itself() -> None:
    bench = Bench(projection=blown_up("huge"), store=MemoryStore(document_bytes_max=2_000))
    await bench.take(*told(EmployeeJoined(name="Ada"), HUGE, MOVE, HUGE, MOVE))
    places = [document["_id"] for document in await bench.parked()]
    assert len(places) == 4
    assert await bench.projector.unpark(ADA) == 4
    assert await bench.projector.drop(ADA, places[0], reason="a mistake", by="kim") == 2
    held = await bench.parked()
    assert [document["_id"] for document in held] == places[2:]
    assert held[0]["reason"].startswith("cannot be written")
    assert held[1]["reason"] == BEHIND
    assert await bench.projector.drop(ADA, places[2], reason="a mistake", by="kim") == 0
    view = bench.store.documents("card_v1")[ADA]["view"]
    assert (view["name"], view["moves"]) == ("Ada", 2)


async def test_a_replay_folds_what_stands_before_the_next_fact_that_cannot_be_written() -> None:
    both = blown_up("huge", "vast")
    bench = Bench(projection=both, store=MemoryStore(document_bytes_max=2_000))
    await bench.take(*told(HUGE, MOVE, MOVE, EmployeeJoined(name="vast"), MOVE))
    assert len(await bench.parked()) == 5
    bench.projection = blown_up("vast")
    assert await bench.projector.unpark(ADA) == 2
    assert bench.store.documents("card_v1")[ADA]["view"]["moves"] == 2
    assert (await bench.parked())[0]["reason"].startswith("cannot be written")
    bench.projection = blown_up()
    assert await bench.projector.unpark(ADA) == 0


async def test_failures_are_counted_from_the_last_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.projector.TRIES_UNHEARD", 2)
    bench, heard = Bench(), list[str | None]()
    for stream, value in joined(ADA) + joined(BO):
        await bench.log.append("organization", stream, value)
    projector = bench.projector
    projector.report = heard.append
    records = [r async for batch in bench.log.read(ONE, 0, 2) for r in batch]
    for record, stream in zip(records, (ADA, BO), strict=True):
        await bench.store.insert_many(NAMES.views, [{"_id": stream, "rev": 1, "view": None}])
        assert not await projector._absorbed([record])
        await bench.store.delete_many(NAMES.views, [stream])
        assert await projector._absorbed([record])
    assert heard == []
