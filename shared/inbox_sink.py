"""From an inbox to the log: what others wrote becomes facts, once.

What cannot be read is set aside with the reason, like a fact that cannot be folded, and can be
tried again. What can is durable before, or in, the transaction that moves the cursor; a crash
between the two sends it again, as the same fact, and every reader drops it by its head. Who wrote
is answered before either: a crash may repeat an answer, and never loses one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.batch import Recorded
from shared.clock import Clock
from shared.errors import DomainError, TooLargeError
from shared.events import Envelope, UndecodableError, encode
from shared.inbox import Became, Inbox
from shared.journal import Journal, Outgoing, entry_of
from shared.log import Log, Record
from shared.publisher import HEADERS
from shared.seals import Seals, check_clear, sealed_size
from shared.service import FACT_BYTES_MAX
from shared.store import Transaction


@dataclass(slots=True)
class InboxSink:
    """Moves what was read to the log; `journaled` where the log alone is not durable."""

    inbox: Inbox
    journal: Journal
    log: Log
    clock: Clock
    announce: Callable[[Outgoing], None]
    # Words about people are sealed before anything of them is kept.
    seals: Seals
    journaled: bool

    # The same record makes the same fact, whose readers know it by its head.
    keeps_heads: bool = False

    @property
    def name(self) -> str:
        return self.inbox.name

    @property
    def collection(self) -> str:
        return f"{self.name}_v1"

    @property
    def topics(self) -> tuple[str, ...]:
        return (self.inbox.topic,)

    def follows(self, stream: str) -> bool:
        return True

    def concerns(self, fact: Envelope) -> Sequence[str]:
        return ()

    def decode(self, record: Record) -> Envelope | UndecodableError:
        """Return the fact that a record makes, or what is wrong with it."""
        try:
            fact = self.inbox.read(record, self.clock.now())
        except UndecodableError as error:
            return error
        try:
            _check(fact)
        except DomainError as error:
            refused = UndecodableError(str(error))
            refused.__cause__ = error
            return refused
        return fact

    def begin(self) -> InboxFolding:
        return InboxFolding(self)

    async def tell(self, runtime: Any, became: Sequence[Became], *, again: bool) -> None:
        """Answer those who wrote; as durable as the log is when this returns."""
        answers = self.inbox.answers
        if answers is not None and (told := await answers.of(runtime, became, again=again)):
            await self.log.append_many(answers.topic, told, HEADERS)


def _check(fact: Envelope) -> None:
    value = encode(fact)
    check_clear(value)
    if sealed_size(fact, len(value)) > FACT_BYTES_MAX:
        raise TooLargeError(f"a fact may have at most {FACT_BYTES_MAX} bytes")


@dataclass(slots=True)
class InboxFolding:
    """One batch on its way from an inbox to the log."""

    sink: InboxSink
    _facts: dict[str, Envelope] = field(default_factory=dict)
    _outgoing: Outgoing | None = None

    async def load(self, tx: Transaction, facts: Sequence[Envelope]) -> None:
        """A record says everything about its fact."""

    def apply(self, recorded: Recorded) -> None:
        self._facts.setdefault(recorded.fact.id, recorded.fact)

    async def save(self, tx: Transaction) -> None:
        seals = self.sink.seals
        blind = await seals.blinder()
        named = [self.sink.inbox.name_blind(fact, blind) for fact in self._facts.values()]
        sealed = await seals.seal(named)
        entries = [entry_of(fact, encode(fact)) for fact in sealed]
        if self.sink.journaled:
            self._outgoing = await self.sink.journal.accept_within(tx, entries)
            return
        # Nothing decides on them: they have no order.
        topics: dict[str, list[tuple[str, bytes]]] = {}
        for entry in entries:
            topics.setdefault(entry.topic, []).append((entry.stream, entry.value))
        log = self.sink.log
        await asyncio.gather(*(log.append_many(t, found, HEADERS) for t, found in topics.items()))

    def committed(self) -> None:
        if self._outgoing is not None:
            self.sink.announce(self._outgoing)
