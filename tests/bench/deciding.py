"""How fast decisions are made on a long stream, beside the `eventsourcing` package.

Both load a stream of 200 events, decide, append one, and answer when it is on the disk: SecantusDB
syncs each commit here, SQLite (its log ahead, `synchronous` full) and PostgreSQL as they come. Ours
also keeps each command's id for ever and puts its fact into an outbox. One after the other, as a
person does who waits for each answer. Ours remembers where a stream stands and reads what came
since; that package does so only when it is told to.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from services.contacts.main import domain
from services.contacts.people import RegisterPerson, StateDetails
from shared.clock import SystemClock
from shared.journal import Journal
from shared.mongo import MongoStore
from shared.service import Decisions, Request, Service
from tests.bench.taking import Taken

EVENTS = 200
AT_ONCE = 20
ZONE = ZoneInfo("Asia/Seoul")


# What that package is told about its database.
Env = Mapping[str, str]


class Person(Aggregate):
    """What our person is, as that package has it."""

    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name
        self.phone = ""

    @event("DetailsStated")
    def state_details(self, phone: str) -> None:
        self.phone = phone


@dataclass(slots=True)
class Theirs:
    """An application of that package."""

    app: Application[UUID]
    person: UUID
    count: int = 0

    @classmethod
    def begin(cls, where: Env, *, remembering: bool) -> Theirs:
        env = {**where, **({"AGGREGATE_CACHE_MAXSIZE": "1000"} if remembering else {})}
        app: Application[UUID] = Application(env)
        person = Person("Ada")
        for number in range(EVENTS - 1):
            person.state_details(f"+{number}")
        app.save(person)
        return cls(app, person.id)

    def decide(self) -> None:
        self.count += 1
        person: Person = self.app.repository.get(self.person)
        person.state_details(f"+82 {self.count}")
        self.app.save(person)

    def close(self) -> None:
        self.app.close()


@dataclass(slots=True)
class Ours:
    """The service of contacts over a document store."""

    service: Service
    stream: str
    count: int = 0

    @classmethod
    async def begin(cls, store: MongoStore, name: str) -> Ours:
        clock = SystemClock()
        journal = Journal(store, clock)
        await journal.prepare()
        service = Service(Decisions(domain, journal, clock, ZONE), _published)
        service.ready.set()
        begun = cls(service, f"person-{name}")
        await service.handle(begun.request(RegisterPerson(name="Ada")))
        while begun.count < EVENTS:
            some = range(min(AT_ONCE, EVENTS - begun.count))
            await service.handle_many([begun.request(StateDetails(phone=f"+{n}")) for n in some])
        return begun

    def request(self, command: RegisterPerson | StateDetails) -> Request:
        self.count += 1
        key = f"{self.stream}/{self.count}"
        return Request(stream=self.stream, command=command, actor="bench", id=key)

    async def decide(self) -> None:
        accepted = await self.service.handle(self.request(StateDetails(phone=f"+82 {self.count}")))
        if accepted.duplicate or not accepted.recorded:
            raise RuntimeError(f"nothing was decided: {accepted}")


def _published(_outgoing: object) -> None:
    """Nobody publishes here: decisions are what is measured."""


def sqlite(file: Path) -> Env:
    return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(file)}


async def decisions(
    store: MongoStore, where: Env, rounds: int, seconds: float, *, remembering: bool
) -> Taken:
    """Compare both on streams as long; each round begins with new ones.

    `remembering`: whether the other one keeps what it has loaded, too.
    """
    rates: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        theirs = Theirs.begin(where, remembering=remembering)
        ours = await Ours.begin(store, f"bench-{SystemClock().new_id()}")
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds and done < EVENTS:
            await ours.decide()
            done += 1
        mine = done / (time.perf_counter() - began)
        other = _rate(theirs.decide, done)
        theirs.close()
        if number:  # The first one warms up.
            rates.append((mine, other))
    return Taken(
        statistics.median(mine for mine, _ in rates),
        statistics.median(other for _, other in rates),
        statistics.median(mine / other for mine, other in rates),
    )


def _rate(decide: Callable[[], None], count: int) -> float:
    """As many as ours: streams grow while they are decided on."""
    began = time.perf_counter()
    for _ in range(count):
        decide()
    return count / (time.perf_counter() - began)
