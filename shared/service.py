"""Runs a domain's decisions: command, history, decide, journal; in bulk and exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from hashlib import blake2b
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from shared.clock import Clock, derived_id
from shared.command import Command, DatedCommand
from shared.decider import Decider
from shared.defaults import Section
from shared.errors import (
    CommandReusedError,
    DomainError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    VersionConflictError,
)
from shared.events import Dated, Envelope, Event, encode
from shared.events.base import day_in_range
from shared.inbox import Inbox
from shared.journal import MIRRORED, Commanded, Decision, Journal, Outgoing
from shared.own_first import Own
from shared.policies import Policy
from shared.projection import Projection
from shared.seals import KEYED, Seals, check_clear, has_words, sealed_size
from shared.states import Stand, States
from shared.store import DuplicateKeyError, Reads, Transaction, TransientStoreError
from shared.timers import Timer

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=Event)

FACT_BYTES_MAX = 900_000
ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Domain:
    """Everything the runtime needs to know about one domain. `main.py` builds exactly one.

    `deciders` is keyed by the kind of stream: the text before the first `-` of its name.
    `intake` names topics of facts that nothing decides, such as touches; `inboxes` are where
    others write what becomes such facts.
    """

    name: str
    deciders: Mapping[str, Decider[Any, Any, Any]]
    projections: tuple[Projection[Any], ...]
    policies: tuple[Policy[Any], ...] = ()
    intake: tuple[str, ...] = ()
    inboxes: tuple[Inbox, ...] = ()
    timers: tuple[Timer[Any], ...] = ()
    # Work that goes on where the domain is folded, of its `Runtime`, by its name.
    works: Mapping[str, Callable[[Any], Awaitable[None]]] = field(default_factory=dict)
    # Who was erased, by stream: their keys are destroyed, also those that a backup brought back.
    erasures: Projection[Any] | None = None
    # What a deployment chose, and what builds this domain with another choice.
    defaults: Section = field(default_factory=Section)
    build: Callable[[Any], Domain] | None = None
    # Adds to what somebody asks for what no rule can know: the domain's views, of its `Runtime`.
    prepare: Callable[[Any, BaseModel], Awaitable[BaseModel]] | None = None
    # Whose a fact is alone at first, and how long; None: it is told to all who may read it.
    own_first: Callable[[Envelope], Own | None] | None = None

    def configured(self, defaults: Section) -> Domain:
        """Return the domain as this deployment has it."""
        return self if self.build is None else self.build(defaults)

    def decider(self, stream: str) -> Decider[Any, Any, Any]:
        kind = stream.partition("-")[0]
        if kind not in self.deciders:
            raise NotFoundError(f"{self.name} has no {kind!r}", field="stream")
        return self.deciders[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command on its way to one stream, with all that the fact's envelope needs to say.

    `id` makes it happen once: an Idempotency-Key, or for policies the cause. `origin` instead
    names a row of another system that the command mirrors: the same content again is the same
    command, changed content is a new decision. `only_at` names the versions of the stream at which
    it may be decided at all.
    """

    stream: str
    command: BaseModel
    actor: str
    id: str | None = None
    origin: str | None = None
    occurred_at: datetime | None = None
    only_at: Container[int] | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The command is recorded. `version` is where the stream stands because of it."""

    stream: str
    version: int
    recorded: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The command is not recorded, and why."""

    error: DomainError


Outcome = Accepted | Refused


class OvertakenError(TransientStoreError):
    """Another attempt of the same command was first."""


@dataclass(slots=True)
class Decisions:
    """Decides commands against the journal. The caller says inside which transaction it writes."""

    domain: Domain
    journal: Journal
    clock: Clock
    zone: ZoneInfo
    seals: Seals = field(default_factory=Seals)
    states: States = field(init=False)

    def __post_init__(self) -> None:
        self.states = States(self.journal, self.seals)

    async def decide(
        self, reads: Reads, requests: Sequence[Request]
    ) -> tuple[list[Outcome], list[Decision], dict[str, bytes]]:
        """Say what every command comes to, without writing anything."""
        known = await self.journal.commanded(reads, [command_key(r) for r in requests])
        # After the records: whose record is there has a key that is there.
        digests = await self.digests(requests)
        open_requests = [
            request
            for request, digest in zip(requests, digests, strict=True)
            if not _recorded(known.get(command_key(request)), request, digest)
        ]
        streams = await self._streams(reads, open_requests)
        outcomes: list[Outcome] = []
        decisions: list[Decision] = []
        encoded: dict[str, bytes] = {}
        for request, digest in zip(requests, digests, strict=True):
            try:
                outcome, decision = self._one(request, digest, known, streams, encoded)
            except DomainError as refusal:
                outcomes.append(Refused(refusal))
                continue
            outcomes.append(outcome)
            if decision is not None:
                known[decision.commanded.id] = decision.commanded
                decisions.append(decision)
        return outcomes, await self._sealed(decisions, encoded), encoded

    async def digests(self, requests: Sequence[Request]) -> list[str]:
        """Return what commands are told by: hashes that nobody can make of a guess."""
        asked = [(request.stream, fingerprint(request)) for request in requests]
        return await self.seals.digests(asked)

    async def _sealed(
        self, decisions: Sequence[Decision], encoded: dict[str, bytes]
    ) -> list[Decision]:
        """Encode what holds words about people, sealed; keys of a thousand are made together."""
        told = [f for decision in decisions for f in decision.facts if f.id not in encoded]
        sealed = {fact.id: fact for fact in await self.seals.seal(told)}
        asked = [(one.commanded.stream, one.commanded.hash) for one in decisions]
        kept = []
        for one, digest in zip(decisions, await self.seals.digests(asked), strict=True):
            kept.append(replace(one, commanded=replace(one.commanded, hash=digest)))
            for fact in one.facts:
                if fact.id in sealed:
                    encoded[fact.id] = encode(replace(sealed[fact.id], command_hash=digest))
        return kept

    async def _streams(self, reads: Reads, requests: Sequence[Request]) -> dict[str, Stand]:
        deciders = {}
        for request in requests:
            kind = request.stream.partition("-")[0]
            if kind in self.domain.deciders:
                deciders[request.stream] = self.domain.deciders[kind]
        return await self.states.read(reads, deciders) if deciders else {}

    def _one(
        self,
        request: Request,
        digest: str,
        known: Mapping[str, Commanded],
        streams: Mapping[str, Stand],
        encoded: dict[str, bytes],
    ) -> tuple[Outcome, Decision | None]:
        self.domain.decider(request.stream)
        earlier = known.get(command_key(request))
        if earlier is not None and _recorded(earlier, request, digest):
            return Accepted(earlier.stream, earlier.last, 0, duplicate=True), None
        stream = streams[request.stream]
        if earlier is not None and request.origin is None and earlier.hash:
            raise CommandReusedError(
                "this Idempotency-Key was used for another request", field="Idempotency-Key"
            )
        if request.only_at is not None and stream.version not in request.only_at:
            at = f"{request.stream} is at version {stream.version}"
            detail = at if stream.version else f"there is no {request.stream} yet"
            raise VersionConflictError(detail, field="If-Match")
        command = self._dated(request)
        events = stream.decider.decide(stream.state, command)
        times = earlier.times + 1 if earlier else 1
        facts = self._facts(request, digest, times, stream, events)
        values = {fact.id: encode(fact) for fact in facts}
        if any(sealed_size(f, len(values[f.id])) > FACT_BYTES_MAX for f in facts):
            raise TooLargeError(f"a fact may have at most {FACT_BYTES_MAX} bytes")
        for value in values.values():
            check_clear(value)
        if not any(map(has_words, facts)):
            encoded |= values
        stream.follow(facts)
        commanded = Commanded(command_key(request), digest, request.stream, stream.version, times)
        decision = Decision(commanded, tuple(facts), earlier)
        return Accepted(request.stream, stream.version, len(facts)), decision

    def _dated(self, request: Request) -> BaseModel:
        """Return the command with its date, unless it says what cannot be."""
        command, today = request.command, self.clock.now().astimezone(self.zone).date()
        if isinstance(command, Command):
            command.check(request.stream, today)
        return command.dated(today) if isinstance(command, DatedCommand) else command

    def _facts(
        self, request: Request, digest: str, times: int, stream: Stand, events: Sequence[Event]
    ) -> list[Envelope]:
        # Within a stream `recordedat` never goes back, whatever the machine's clock does.
        now = max(self.clock.now(), stream.recorded_at)
        key = command_key(request)
        command_id = f"{key}#{times}" if request.origin is not None else key
        return [
            Envelope(
                id=derived_id(command_id, str(ordinal)),
                source=f"/{self.domain.name}",
                stream=request.stream,
                version=stream.version + 1 + ordinal,
                occurred_at=self._occurred_at(event, request, now),
                recorded_at=now,
                actor=request.actor,
                correlation_id=request.correlation_id or command_id,
                causation_id=request.causation_id,
                command_id=command_id,
                command_hash=digest,
                traceparent=request.traceparent,
                depth=request.depth,
                data=event,
            )
            for ordinal, event in enumerate(events)
        ]

    def _occurred_at(self, event: Event, request: Request, now: datetime) -> datetime:
        """A business date begins at midnight in the company's zone; otherwise: as told, or now."""
        if isinstance(event, Dated) and event.on is not None:
            try:
                day = day_in_range(event.on)
            except ValueError as error:
                raise InvalidError(f"{event.on}: {error}", field="#/on") from error
            return datetime.combine(day, time.min, self.zone).astimezone(UTC)
        return request.occurred_at or now


@dataclass(slots=True)
class Service:
    """The write side of one domain. `announce` hands committed facts to the publisher."""

    decisions: Decisions
    announce: Callable[[Outgoing], None]
    # Closed while the journal lags behind the log: deciding on an old state would fork streams.
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    backoff: Callable[[int], Awaitable[None]] = lambda attempt: asyncio.sleep(0.01 * 2**attempt)

    @property
    def domain(self) -> Domain:
        return self.decisions.domain

    async def handle(self, request: Request) -> Accepted:
        """Decide on the stream as it is now and record the outcome, or nothing at all.

        Raises:
            DomainError: the rule that refused it.
            UnavailableError: the outcome is unknown; the same id may be sent again.

        """
        (outcome,) = await self.handle_many([request])
        if isinstance(outcome, Refused):
            raise outcome.error
        return outcome

    async def handle_many(self, requests: Sequence[Request]) -> list[Outcome]:
        """Decide several commands; each is recorded or refused for itself, in this order."""
        if not self.ready.is_set():
            raise UnavailableError(
                f"{self.domain.name} is still catching up with the log",
                slug="catching-up",
                retry_after_s=2,
            )
        # An id before the first attempt: what we try again cannot happen twice.
        named = [
            request
            if request.id is not None or request.origin is not None
            else replace(request, id=self.decisions.clock.new_id())
            for request in requests
        ]
        attempt = 0
        while True:
            try:
                return await self._attempt(named)
            except (DuplicateKeyError, TransientStoreError) as lost:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise UnavailableError(f"the store did not take the decision: {lost}") from lost
                await self.backoff(attempt)

    async def _attempt(self, requests: Sequence[Request]) -> list[Outcome]:
        journal = self.decisions.journal
        outcomes, decisions, encoded = await self.decisions.decide(journal.store, requests)
        await self._check_not_overtaken(requests, outcomes)
        if decisions:
            async with journal.store.transaction() as tx:
                outgoing = await journal.record(tx, decisions, encoded)
            if outgoing is not None:
                journal.committed(outgoing.entries)
                self.announce(outgoing)
        return outcomes

    async def _check_not_overtaken(
        self, requests: Sequence[Request], outcomes: Sequence[Outcome]
    ) -> None:
        """Do not refuse a command for what it has done itself, when tried the first time.

        That attempt may have committed after we looked for the command and before we read the
        stream: then its own facts are why the rule says no.
        """
        refused = [
            request
            for request, outcome in zip(requests, outcomes, strict=True)
            if isinstance(outcome, Refused)
        ]
        if not refused:
            return
        journal = self.decisions.journal
        known = await journal.commanded(journal.store, [command_key(r) for r in refused])
        digests = await self.decisions.digests(refused)
        if any(
            _recorded(known.get(command_key(request)), request, digest)
            for request, digest in zip(refused, digests, strict=True)
        ):
            raise OvertakenError("another attempt of the same command was recorded meanwhile")


async def decide_within(
    decisions: Decisions, tx: Transaction, requests: Sequence[Request]
) -> tuple[list[Outcome], Outgoing | None]:
    """Decide and record inside somebody else's transaction: how policies act."""
    outcomes, decided, encoded = await decisions.decide(tx, requests)
    return outcomes, await decisions.journal.record(tx, decided, encoded)


def _recorded(earlier: Commanded | None, request: Request, digest: str) -> bool:
    """Whether this very command is recorded.

    Before words were sealed, its plain hash was. Of who was erased nobody can say more than that
    the id was used.
    """
    if earlier is None:
        return False
    gone = digest == KEYED and earlier.hash.startswith(KEYED)
    return gone or earlier.hash in (digest, fingerprint(request))


def command_key(request: Request) -> str:
    """The key of the command's record: ids of clients and rows of imports never meet."""
    return f"{MIRRORED}{request.origin}" if request.origin is not None else f"id:{request.id}"


def fingerprint(request: Request) -> str:
    """What the command asks, as 16 bytes: the same id with another request is a mistake."""
    name = getattr(request.command, "asked_as", None) or type(request.command).__name__
    asked = f"{request.stream}\n{name}\n"
    body = request.command.model_dump_json()
    return blake2b((asked + body).encode(), digest_size=16).hexdigest()
