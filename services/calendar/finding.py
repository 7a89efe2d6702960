"""Of which weeks a seller was told that they had too much work: of each once (K-07). Pure."""

from __future__ import annotations

from datetime import date

from shared.command import Command, Day
from shared.events.calendar import OverworkFound
from shared.references import EmployeeStream


class FindOverwork(Command):
    """That week, which is over, had too much work. Found by looking; nobody says so by hand."""

    seller: EmployeeStream
    week: Day
    minutes: int
    most: int
    own_until: Day


def overwork_of(seller: str) -> str:
    """Return the stream of a seller's weeks with too much work.

    One of its own: neither what it says nor how far it has come is anybody else's at first, as
    the agenda's is.
    """
    return f"overwork-{seller.partition('-')[2]}"


def decide_overwork(told: frozenset[date], command: FindOverwork) -> list[OverworkFound]:
    """Say it once of a week, however much that grows."""
    return [] if command.week in told else [OverworkFound(**command.model_dump())]


def evolve_overwork(told: frozenset[date], event: OverworkFound) -> frozenset[date]:
    return told | {event.week}
