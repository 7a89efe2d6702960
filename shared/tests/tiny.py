"""A tiny domain for the runtime's own tests: employees who join once and are assigned to units."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from shared.clock import SystemClock
from shared.command import DatedCommand
from shared.decider import Decider
from shared.errors import DomainError
from shared.events import Envelope
from shared.events.organization import EmployeeAssigned, EmployeeEvent, EmployeeJoined
from shared.memory import MemoryLog, MemoryStore
from shared.policies import Policy
from shared.projection import Projection
from shared.runtime import Runtime
from shared.service import Domain, Request
from shared.settings import Settings

PARTITIONS = {"organization": 2, "views.card": 2}


@dataclass
class Hands:
    """A clock whose hands the test moves."""

    at: datetime = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def new_id(self) -> str:
        return SystemClock().new_id()

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class AlreadyJoinedError(DomainError):
    """A colleague joins once."""


class Join(DatedCommand):
    name: str


class Assign(DatedCommand):
    unit: str


def decide(joined: str | None, command: Join | Assign) -> list[EmployeeEvent]:
    if isinstance(command, Assign):
        return [EmployeeAssigned(unit=command.unit, on=command.on)]
    if joined is not None:
        raise AlreadyJoinedError(f"{joined} works here")
    return [EmployeeJoined(name=command.name, on=command.on)]


def evolve(joined: str | None, event: EmployeeEvent) -> str | None:
    return event.name if isinstance(event, EmployeeJoined) else joined


@dataclass(frozen=True, slots=True)
class Card:
    """Answers: who is this, and how often were they moved?"""

    employee: str
    name: str | None = None
    moves: int = 0
    joined_on: date | None = None


def card_projection(version: int = 1, *, published: bool = False) -> Projection[Card]:
    card = Projection("card", version=version, view=Card, indexes=("name",), published=published)

    @card.on(EmployeeJoined)
    def joined(view: Card, event: EmployeeJoined, at: Envelope) -> Card:
        if event.name == "poison":
            raise ValueError("a fold that cannot")
        return replace(view, name=event.name, joined_on=event.on)

    @card.on(EmployeeAssigned)
    def assigned(view: Card, event: EmployeeAssigned, at: Envelope) -> Card | None:
        return None if event.unit == "nowhere" else replace(view, moves=view.moves + version)

    return card


DECIDER = Decider(None, decide, evolve, {"join": Join, "assign": Assign})


def tiny_domain(
    *projections: Projection[Card], policies: tuple[Policy[EmployeeJoined], ...] = ()
) -> Domain:
    return Domain(
        "organization", {"employee": DECIDER}, projections or (card_projection(),), policies
    )


def join(stream: str, name: str = "Ada", **more: object) -> Request:
    return Request(stream=stream, command=Join(name=name), actor="tester", **more)  # type: ignore[arg-type]


def assign(stream: str, unit: str = "unit-1", **more: object) -> Request:
    return Request(stream=stream, command=Assign(unit=unit), actor="tester", **more)  # type: ignore[arg-type]


def build(
    domain: Domain,
    store: MemoryStore | None = None,
    log: MemoryLog | None = None,
    **settings: object,
) -> Runtime:
    return Runtime(
        domain,
        store or MemoryStore(),
        log or MemoryLog(PARTITIONS),
        SystemClock(),
        Settings(**settings),  # type: ignore[arg-type]
    )


@asynccontextmanager
async def running(runtime: Runtime) -> AsyncIterator[Runtime]:
    """Start it, wait until it decides, stop it."""
    await runtime.start()
    try:
        await runtime.service.ready.wait()
        yield runtime
    finally:
        await runtime.stop()
