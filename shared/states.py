"""Where a stream stands before a command is decided: what its facts come to.

Of a stream that was decided on lately only what came since is read. What is remembered counts only
while the journal holds the very fact it reached, and while the same people's words can be read: of
who was erased meanwhile nothing is known any more. So it is never the only copy of anything.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.decider import Decider
from shared.events import Envelope
from shared.journal import Journal
from shared.keyring import KEPT_S
from shared.seals import Seals, whose_words
from shared.store import Reads

BEGAN = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Stand:
    """A stream at one of its facts; a batch of commands moves it on."""

    decider: Decider[Any, Any, Any]
    state: Any
    version: int = 0
    fact: str = ""
    recorded_at: datetime = BEGAN

    def follow(self, facts: Sequence[Envelope]) -> None:
        for fact in facts:
            self.state = self.decider.evolve(self.state, fact.data)
            self.version, self.fact, self.recorded_at = fact.version, fact.id, fact.recorded_at


@dataclass(frozen=True, slots=True)
class _Held:
    """What is remembered: with whose words it was told, and which of them could be read."""

    state: Any
    version: int
    fact: str
    recorded_at: datetime
    whose: frozenset[str]
    readable: frozenset[str]
    at: float


@dataclass(slots=True)
class States:
    """Where streams stand, read from the journal of one domain."""

    journal: Journal
    seals: Seals
    remembered: int = 2_000
    _held: OrderedDict[str, _Held] = field(default_factory=OrderedDict)
    _forgetting: asyncio.TimerHandle | None = None

    async def read(
        self, reads: Reads, deciders: Mapping[str, Decider[Any, Any, Any]]
    ) -> dict[str, Stand]:
        """Say where each stream stands. Only who decides on one alone will decide on it again."""
        if len(deciders) == 1:
            ((stream, decider),) = deciders.items()
            return {stream: await self._alone(reads, stream, decider)}
        histories = await self.journal.histories(reads, list(deciders))
        # A rule compares what was told, not how it is kept.
        told = await self.seals.opened_facts([f for facts in histories.values() for f in facts])
        stands = {stream: Stand(decider, decider.initial) for stream, decider in deciders.items()}
        for fact in told:
            stands[fact.stream].follow([fact])
        return stands

    async def _alone(self, reads: Reads, stream: str, decider: Decider[Any, Any, Any]) -> Stand:
        held, stand = await self._valid(stream), Stand(decider, decider.initial)
        facts = None if held is None else await self._since(reads, stream, held)
        if held is None or facts is None:
            self._held.pop(stream, None)
            facts = (await self.journal.histories(reads, [stream]))[stream]
            told_by = readable = frozenset[str]()
        else:
            stand = Stand(decider, held.state, held.version, held.fact, held.recorded_at)
            # As when it was checked: who is erased since was readable, and is found out next time.
            told_by, readable = held.whose, held.readable
        fresh = whose_words(facts)
        # Before they are opened, for the same reason.
        readable |= await self.seals.readable(fresh)
        stand.follow(await self.seals.opened_facts(facts))
        self._remember(stream, stand, told_by | fresh, readable)
        return stand

    async def _valid(self, stream: str) -> _Held | None:
        held = self._held.get(stream)
        if held is None:
            return None
        return held if await self.seals.readable(held.whose) == held.readable else None

    async def _since(self, reads: Reads, stream: str, held: _Held) -> list[Envelope] | None:
        """Return what came after what is remembered; None where the journal does not hold that."""
        facts = await self.journal.since(reads, stream, held.version)
        return facts[1:] if facts and facts[0].id == held.fact else None

    def _remember(
        self, stream: str, stand: Stand, whose: frozenset[str], readable: frozenset[str]
    ) -> None:
        if not stand.version:
            return
        self._held[stream] = _Held(
            stand.state, stand.version, stand.fact, stand.recorded_at, whose, readable, _now()
        )
        self._held.move_to_end(stream)
        while len(self._held) > self.remembered:
            self._held.popitem(last=False)
        if self._forgetting is None:
            self._forget_later()

    def _forget_later(self) -> None:
        """Forget the oldest when its time has come, whether or not anybody decides by then."""
        oldest = next(iter(self._held.values()))
        # A second at least: by the last bit of a sum its time may have come and not have come.
        later = max(oldest.at + KEPT_S - _now(), 1.0)
        self._forgetting = asyncio.get_running_loop().call_later(later, self._forget)

    def _forget(self) -> None:
        self._forgetting = None
        while self._held and next(iter(self._held.values())).at <= _now() - KEPT_S:
            self._held.popitem(last=False)
        if self._held:
            self._forget_later()


def _now() -> float:
    return asyncio.get_running_loop().time()
