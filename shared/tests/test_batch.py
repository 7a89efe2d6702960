"""What one record does to its stream, in memory: folded, a duplicate, or set aside and why."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import pytest
from structlog.testing import CapturingLogger

from shared.batch import REASON_MAX, Batch, Head, decoded, identity, stream_of
from shared.events import Envelope, UndecodableError, encode
from shared.events.organization import EmployeeAssigned, EmployeeJoined
from shared.log import Record
from shared.projection import Projection
from shared.sinks import ViewSink
from shared.testing import recorded
from shared.tests.tiny import Card, card_projection

ADA = "employee-ada"
NOW = "2026-01-05T09:00:00.000000Z"


def record(fact: Envelope, offset: int = 0, **said: object) -> Record:
    told = {"topic": "organization", "key": fact.stream.encode(), "value": encode(fact)} | said
    return Record(partition=0, offset=offset, **told)  # type: ignore[arg-type]


def joined(name: str = "Ada") -> Envelope:
    (fact,) = recorded(EmployeeJoined(name=name), stream=ADA)
    return fact


def folding(
    projection: Projection[Card], head: Head | None = None, dropped: AbstractSet[str] = frozenset()
) -> Batch:
    sink = ViewSink(projection, "card_v1")
    return Batch(sink, sink.begin(), {ADA: head or Head(ADA)}, NOW, dropped)


def reasons(batch: Batch) -> list[str]:
    return [document["reason"] for document in batch.parked]


def by_team(keys: Sequence[str] | None) -> Projection[Card]:
    """Cards of the whole team; None: whose key cannot be told."""
    card = Projection("card", version=1, view=Card)

    def team(_at: Envelope) -> Sequence[str]:
        if keys is None:
            raise ValueError("no key")
        return keys

    @card.on(EmployeeJoined, keys=team)
    def join(view: Card, event: EmployeeJoined, at: Envelope) -> Card:
        raise ValueError("a fold that cannot")

    return card


def test_a_parked_fact_names_its_stream_and_every_view_that_it_would_change() -> None:
    batch, fact = folding(by_team(["team-b", "team-a"])), joined()
    batch.step(record(fact), fact, None)
    assert batch.parked[0]["keys"] == [ADA, "team-a", "team-b"]


def test_a_fact_whose_views_cannot_be_told_is_parked_under_its_stream() -> None:
    batch, fact = folding(by_team(None)), joined()
    batch.step(record(fact), fact, None)
    assert batch.parked[0]["keys"] == [ADA]
    assert "no key" in batch.parked[0]["reason"]


@pytest.mark.parametrize("said", ["x" * 10_000, "\udfff" * 3], ids=["long", "half a pair"])
def test_whatever_a_fold_says_its_reason_can_be_stored(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Projection("card", version=1, view=Card)

    @card.on(EmployeeJoined)
    def join(view: Card, event: EmployeeJoined, at: Envelope) -> Card:
        raise ValueError(said)

    batch, fact = folding(card), joined()
    # What is rendered of it depends on who configured the logs before: only what is kept is asked.
    monkeypatch.setattr("shared.batch.log", CapturingLogger())
    batch.step(record(fact), fact, None)
    (reason,) = reasons(batch)
    assert len(reason) <= REASON_MAX
    assert reason.encode()


def test_what_was_dropped_for_good_is_passed_over_and_its_stream_goes_on() -> None:
    first, second = recorded(
        EmployeeJoined(name="poison"), EmployeeAssigned(unit="unit-1"), stream=ADA
    )
    batch = folding(card_projection(), dropped={identity(record(first))})
    for fact in (first, second):
        batch.step(record(fact), fact, None)
    assert batch.parked == []
    assert batch.touched[ADA].version == 2


def test_a_fact_dropped_for_good_is_not_parked_for_what_the_store_refuses() -> None:
    fact = joined()
    batch = folding(card_projection(), dropped={identity(record(fact))})
    batch.step(record(fact), fact, "cannot be written")
    assert batch.parked == []
    assert batch.touched[ADA].version == 1


def test_a_fork_is_parked_until_it_is_dropped_for_good() -> None:
    fork = record(joined("Eve"))
    head = Head(ADA, version=1, fact="another-id", stored=True)
    for dropped, parked in ((frozenset[str](), 1), (frozenset({identity(fork)}), 0)):
        batch = folding(card_projection(), head, dropped)
        head.parked = False
        batch.step(fork, joined("Eve"), None)
        assert len(batch.parked) == parked
        assert head.version == 1


def test_a_fact_on_a_topic_of_others_is_no_fact() -> None:
    found = decoded(record(joined(), topic="contacts"))
    assert isinstance(found, UndecodableError)
    assert "does not belong on contacts" in str(found)


def test_a_fact_under_another_key_is_no_fact() -> None:
    found = decoded(record(joined(), key=b"employee-bo"))
    assert isinstance(found, UndecodableError)
    assert decoded(record(joined())) == joined()


@pytest.mark.parametrize(
    ("key", "stream"),
    [(b"employee-ada", ADA), (b"\xff", "organization/0/7"), (None, "organization/0/7")],
)
def test_a_record_without_a_readable_key_is_known_by_its_place(
    key: bytes | None, stream: str
) -> None:
    assert stream_of(record(joined(), offset=7, key=key)) == stream
