"""Facts of a company of any size, the same ones each time. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from shared.events import Envelope, Event
from shared.events.calendar import EntryDone, EntryPlanned
from shared.events.issues import FeedbackGiven, IssueAssigned, IssueClosed, IssueRegistered
from shared.events.opportunities import (
    CommitmentMade,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityWon,
    StageAdvanced,
)
from shared.events.touches import TouchRecorded
from shared.testing import recorded

BEGIN = datetime(2025, 1, 6, 1, tzinfo=UTC)
DAYS = 500
SELLERS = 200
HOUR = timedelta(hours=1)


def company(facts: int) -> Iterator[list[Envelope]]:
    """Yield whole streams with about this many facts in all.

    Of 20 streams 12 are touches, 5 entries of two facts, 2 deals of six, 1 an issue of four.
    """
    chance, told, number = Random(facts), 0, 0
    while told < facts:
        stream = _stream(chance, number)
        told += len(stream)
        number += 1
        yield stream


def deals(count: int) -> Iterator[list[Envelope]]:
    """Yield so many opportunities, each with its whole history."""
    chance = Random(count)
    for number in range(count):
        at = BEGIN + timedelta(days=chance.randrange(DAYS), minutes=chance.randrange(480))
        seller = f"employee-{chance.randrange(SELLERS)}"
        events = deal(chance, seller, at)
        # Of five two are still open.
        kept = events if chance.random() < 0.6 else events[: chance.randrange(1, len(events))]
        yield recorded(*kept, stream=f"opportunity-{number}", occurred_at=at)


def _stream(chance: Random, number: int) -> list[Envelope]:
    at = BEGIN + timedelta(days=chance.randrange(DAYS), minutes=chance.randrange(480))
    seller = f"employee-{chance.randrange(SELLERS)}"
    kind = number % 20
    if kind < 12:
        touch = TouchRecorded(
            publisher="bench",
            publisher_id=str(number),
            person=f"person-{number % 5_000}",
            channel="call",
            employee=seller,
            subject="About the offer of last week",
        )
        return recorded(touch, stream=f"touch-{number}", occurred_at=at)
    if kind < 17:
        return recorded(
            EntryPlanned(seller=seller, category="customer", starts_at=at, ends_at=at + HOUR),
            EntryDone(started_at=at, ended_at=at + HOUR),
            stream=f"entry-{number}",
            occurred_at=at,
        )
    if kind < 19:
        return recorded(*deal(chance, seller, at), stream=f"opportunity-{number}", occurred_at=at)
    day = at.date()
    return recorded(
        IssueRegistered(kind="complaint", words="It came too late again.", on=day),
        IssueAssigned(owner=seller, on=day),
        FeedbackGiven(result="Sent anew.", on=day + timedelta(days=2)),
        IssueClosed(on=day + timedelta(days=3)),
        stream=f"issue-{number}",
        occurred_at=at,
    )


def deal(chance: Random, seller: str, at: datetime) -> list[Event]:
    """Return the whole history of an opportunity of a seller."""
    day, amount = at.date(), Decimal(chance.randrange(1_000, 90_000))
    close_on = day + timedelta(days=60)
    over = close_on + timedelta(days=chance.randrange(-20, 20))
    won = OpportunityWon(value=amount, currency="USD", on=over)
    return [
        OpportunityDiscovered(
            title="Chance",
            stage="Prospecting",
            owner=seller,
            product=f"product-{chance.randrange(20)}",
            company=f"company-{chance.randrange(1_000)}",
            amount=amount,
            currency="USD",
            expected_close_on=close_on,
            on=day,
        ),
        StageAdvanced(stage="Engaging", on=day + timedelta(days=10)),
        CommitmentMade(
            seller=seller,
            confidence="commit",
            amount=amount,
            currency="USD",
            close_on=close_on,
            on=day + timedelta(days=12),
        ),
        StageAdvanced(stage="Proposal", on=day + timedelta(days=20)),
        StageAdvanced(stage="Negotiation", on=day + timedelta(days=30)),
        won if chance.random() < 0.5 else OpportunityLost(on=over),
    ]
