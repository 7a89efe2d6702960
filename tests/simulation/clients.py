"""Those outside: they command, send touches, and read what they wrote. None ever crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from services.contacts.touch_outcomes import recorded
from services.contacts.touches import NewTouch, Sent
from services.issues.model import GiveFeedback, Register, SetDeadline
from shared.errors import DomainError, TooLargeError, UnavailableError, VersionConflictError
from shared.log import LogUnavailableError
from shared.reading import Token
from shared.service import Accepted, Outcome, Refused, Request
from shared.store import TransientStoreError
from shared.web import Meta
from tests.simulation.domains import (
    ACCOUNTS,
    DEALS,
    ROWS,
    Act,
    Kind,
    Mirror,
    Note,
    RefusedError,
)
from tests.simulation.process import BEGIN, Process
from tests.simulation.subscribers import Subscriber

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")
IMPORTER = "importer"
LAST_PRICE = 99
KINDS: tuple[Kind, ...] = ("add", "add", "add", "win", "erase", "poison")
# What the HTTP layer turns into 503 with Retry-After.
AWAY = (UnavailableError, TransientStoreError, LogUnavailableError)
EXPECTED = (RefusedError, TooLargeError, VersionConflictError)


@dataclass(slots=True)
class Witness:
    """What clients were told, to be held against what happened."""

    accepted: dict[str, Accepted] = field(default_factory=dict)
    kinds: dict[str, tuple[Kind, ...]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    versions: dict[str, int] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    own_reads: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Clients:
    """The people and systems of one world."""

    world: World
    random: Random
    witness: Witness = field(default_factory=Witness)
    subscribers: list[Subscriber] = field(default_factory=list)
    _imports: list[tuple[Process, asyncio.Future[Any]]] = field(default_factory=list)

    def arrive(self) -> None:
        self.subscribers = [Subscriber(self.world, view) for view in ("deal", "account")]
        for subscriber in self.subscribers:
            self.world.spawn(subscriber.come_and_go())
        for number in range(self.world.plan.clients):
            self.world.spawn(self.command(f"command{number}"))
        self.world.spawn(self.mirror(IMPORTER))
        self.world.spawn(self.touch("touch"))
        self.world.spawn(self.note("note"))
        self.world.spawn(self.promise())

    async def call(self, work: Awaitable[T], patience_s: float | None = None) -> T | Exception:
        """Wait a while for an answer. Without one the server works on regardless."""
        task = asyncio.ensure_future(work)
        patience_s = patience_s or self.world.plan.patience_s
        await asyncio.wait({task}, timeout=patience_s * (0.5 + self.random.random()))
        if not task.done():
            return UnavailableError("no answer")
        try:
            return task.result()
        except (DomainError, *AWAY) as error:
            return error
        except Exception as error:  # noqa: BLE001 - whatever else a client gets to see is a bug.
            self.witness.wrong.append(f"a client was told {error!r}")
            return error

    async def command(self, name: str) -> None:
        """Send commands, each again and again with the same id until its outcome is known."""
        for number in range(self.world.plan.commands):
            if self.world.chaos.spent:
                return
            requests = [self._request(f"{name}.{number}.{n}") for n in range(self._how_many())]
            for _ in range(6):
                slot = self.world.deployment.any("deals-api")
                if slot is not None and slot.runtime is not None:
                    answer = await self.call(slot.runtime.service.handle_many(requests))
                    if isinstance(answer, list):
                        self._heard(requests, answer)
                        break
                await asyncio.sleep(0.3 * self.random.random())
                if self.world.chaos.spent:
                    return
            if self.random.random() < 0.15:  # Never sure: it sends what was answered once more.
                await self._again(requests)
            await asyncio.sleep(self.world.plan.pause_s * self.random.random())

    async def _again(self, requests: list[Request]) -> None:
        slot = self.world.deployment.any("deals-api")
        if slot is None or slot.runtime is None:
            return
        answer = await self.call(slot.runtime.service.handle_many(requests))
        if isinstance(answer, list):
            self._heard(requests, answer)

    def _how_many(self) -> int:
        return 1 if self.random.random() < 0.8 else 3

    def _request(self, command_id: str) -> Request:
        stream = self.random.choice(list(DEALS))
        chance = self.random.random()
        kinds: tuple[Kind, ...] = tuple(
            self.random.choice(KINDS) for _ in range(self.random.choice((1, 1, 2)))
        )
        if chance < 0.05:
            kinds = (*kinds, "refuse")
        elif chance < 0.055:
            kinds = ("big",)
        elif chance < 0.08:
            kinds = ()
        self.witness.kinds[command_id] = kinds
        # If-Match: some know the version they looked at, and it may be the present one.
        known = self.witness.versions.get(stream, 0)
        only_at = (known,) if self.random.random() < 0.1 else None
        return Request(
            stream=stream,
            command=Act(kinds=kinds),
            actor=command_id,
            id=command_id,
            only_at=only_at,
        )

    def _heard(self, requests: list[Request], outcomes: list[Outcome]) -> None:
        for request, outcome in zip(requests, outcomes, strict=True):
            name = request.id or ""
            if isinstance(outcome, Refused):
                if not isinstance(outcome.error, EXPECTED):
                    self.witness.wrong.append(f"{name} was refused: {outcome.error!r}")
                if name in self.witness.accepted and not self.world.restored:
                    self.witness.wrong.append(f"{name} was accepted and then refused")
                self.witness.refused.add(name)
                continue
            before = self.witness.accepted.setdefault(name, outcome)
            self.witness.versions[outcome.stream] = outcome.version
            if before.version != outcome.version and not self.world.restored:
                self.witness.wrong.append(f"{name} was answered {before} and {outcome}")
            self.world.spawn(self._read_own(name, outcome))

    async def _read_own(self, name: str, accepted: Accepted) -> None:
        """Read a view with the token of the answer: it must know what was written."""
        kind = self.random.choice(("deals-api", "deals-fold", "insight"))
        slot = self.world.deployment.any(kind)
        if slot is None or slot.runtime is None or not self.witness.kinds[name]:
            return
        restored = self.world.restored
        key = accepted.stream
        projections: Any = slot.runtime.domain.projections
        projection = self.random.choice(projections)
        if projection.name != "deal":
            key = DEALS[accepted.stream]
        reader = slot.runtime.reader(projection)
        token = Token(accepted.stream, accepted.version)
        seen = await self.call(reader.get(key, token), 2.0)
        if isinstance(seen, Exception) or self.world.restored != restored:
            return
        facts = set(seen.value.facts) if seen is not None else set()
        missing = self.world.truth.kept(name, projection.name) - facts
        if missing and not self.world.truth.erased_since(accepted.stream, name, projection.name):
            self.witness.wrong.append(f"{slot.name}/{projection.name}: {name} was not read")
        self.witness.own_reads += 1

    async def note(self, name: str) -> None:
        """Command the account's streams too, against the policy."""
        for number in range(self.world.plan.commands // 3):
            await asyncio.sleep(2 * self.world.plan.pause_s * self.random.random())
            slot = self.world.deployment.any("accounts-api")
            if self.world.chaos.spent:
                return
            if slot is None or slot.runtime is None:
                continue
            stream = f"issue-{self.random.choice(ACCOUNTS)}"
            command = Note(words=f"{name}.{number}")
            request = Request(stream=stream, command=command, actor=name, id=f"{name}.{number}")
            await self.call(slot.runtime.service.handle(request))

    async def promise(self) -> None:
        """Owe answers within seconds."""
        for number in range(self.world.plan.commands // 2):
            await asyncio.sleep(2 * self.world.plan.pause_s * self.random.random())
            self.world.spawn(self._owe(f"promise-{number}"))

    async def _owe(self, stream: str) -> None:
        """Register what has to be answered; move the deadline, or meet it, about when it passes."""
        answer_by = self._within(2.0)
        register = Register(kind="advice", words=stream, person="person-1", answer_by=answer_by)
        await self._promise(stream, register, 0)
        for step in range(1, 1 + self.random.choice((0, 1, 1, 2))):
            left_s = (answer_by - self._within(0.0)).total_seconds()
            await asyncio.sleep(max(left_s + self.random.uniform(-1.5, 0.5), 0))
            if self.random.random() < 0.5:
                await self._promise(stream, GiveFeedback(result=str(step)), step)
            else:
                answer_by = self._within(2.0)
                await self._promise(stream, SetDeadline(answer_by=answer_by), step)

    def _within(self, seconds: float) -> datetime:
        now_s = asyncio.get_running_loop().time()
        return BEGIN + timedelta(seconds=now_s + seconds * self.random.random())

    async def _promise(self, stream: str, command: Any, step: int) -> None:
        request = Request(stream=stream, command=command, actor="Kim", id=f"{stream}.{step}")
        for _ in range(4):
            slot = self.world.deployment.any("accounts-api")
            if self.world.chaos.spent:
                return
            if slot is not None and slot.runtime is not None:
                answer = await self.call(slot.runtime.service.handle(request))
                if not isinstance(answer, AWAY):
                    return
            await asyncio.sleep(0.3 * self.random.random())

    async def mirror(self, name: str) -> None:
        """Import the rows of another system again and again; some have changed meanwhile."""
        prices = dict.fromkeys(ROWS, 0)
        for _ in range(self.world.plan.commands):
            await asyncio.sleep(self.world.plan.pause_s * self.random.random())
            row = self.random.choice(ROWS)
            prices[row] = self.random.choice([p for p in (1, 2, 3) if p != prices[row]])
            slot = self.world.deployment.any("deals-api")
            if self.world.chaos.spent:
                return
            if slot is not None and slot.runtime is not None:
                requests = [self._row(row, price) for row, price in prices.items()]
                work = asyncio.ensure_future(slot.runtime.service.handle_many(requests))
                assert slot.process is not None
                self._imports.append((slot.process, work))
                await self.call(work)

    @property
    def imports_end(self) -> bool:
        """Whether nobody works any more on what a row said in the past."""
        return all(process.dead or work.done() for process, work in self._imports)

    async def mirror_at_last(self) -> None:
        """When all is calm, an import with something new in every row goes through.

        Not at once: what a dead process left locked is free after a minute.
        """
        for row in ROWS:
            answer: object = None
            for _ in range(40):
                slot = self.world.deployment.any("deals-api")
                if slot is not None and slot.runtime is not None:
                    work = slot.runtime.service.handle_many([self._row(row, LAST_PRICE)])
                    answer = await self.call(work, 60.0)
                    if isinstance(answer, list):
                        break
                await asyncio.sleep(2.0)
            if not isinstance(answer, list) or not isinstance(answer[0], Accepted):
                self.witness.wrong.append(f"{row} cannot be imported any more: {answer}")

    def _row(self, row: str, price: int) -> Request:
        stream, command = f"product-{row}", Mirror(price=price)
        return Request(stream=stream, command=command, actor=IMPORTER, origin=row)

    async def touch(self, name: str) -> None:
        """Send touches under ids of its own; what was not acknowledged is sent again."""
        for number in range(self.world.plan.commands // 2):
            sent = self._touch(f"{name}.{number}")
            self.witness.sent.add(sent.publisher_id)
            for _ in range(5):
                slot = self.world.deployment.any("deals-api")
                if self.world.chaos.spent:
                    return
                if slot is not None and slot.runtime is not None:
                    work = recorded(slot.runtime, [sent], Meta(name, None, None, name, None))
                    answer = await self.call(work)
                    if isinstance(answer, list):
                        self.witness.touched.add(sent.publisher_id)
                        break
                if self.random.random() < 0.2:  # The publisher corrects what it says of it.
                    sent = self._touch(sent.publisher_id)
            await asyncio.sleep(2 * self.world.plan.pause_s * self.random.random())

    def _touch(self, publisher_id: str) -> Sent:
        person = f"person-{self.random.choice(ACCOUNTS)}"
        return Sent(NewTouch(person=person, channel="call"), "/simulation", publisher_id)
