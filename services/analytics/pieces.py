"""Entities in memory, packed some at a time: a third of what they take in the store."""

from __future__ import annotations

import asyncio
import zlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from services.analytics.entities import Entity
from services.analytics.sink import entity_from
from shared.store import Document

# So many are read, and packed, at a time.
PIECE = 1_000
_decoder = msgspec.msgpack.Decoder(dict[str, bytes])


@dataclass(frozen=True, slots=True)
class Piece:
    """What is kept of entities that follow each other, by their streams, up to the last of them."""

    last: str
    packed: bytes

    @staticmethod
    def of(states: dict[str, bytes]) -> Piece:
        """Pack some, at least one, in the order of their streams."""
        return Piece(next(reversed(states)), zlib.compress(msgspec.msgpack.encode(states), 1))

    def states(self) -> dict[str, bytes]:
        return _decoder.decode(zlib.decompress(self.packed))

    def entities(self, after: str) -> list[Entity]:
        """Return those after a stream."""
        found: Iterable[Document] = (
            {"_id": stream, "state": state} for stream, state in self.states().items()
        )
        return [entity_from(one) for one in found if one["_id"] > after]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Entities in the order of their streams. Never changed, only followed by the next ones."""

    told: tuple[Piece, ...] = ()

    @property
    def size(self) -> int:
        """Return how many bytes they take."""
        return sum(len(piece.packed) for piece in self.told)

    async def entities(self, after: str) -> AsyncIterator[list[Entity]]:
        """Yield them in order, some at a time, after a stream."""
        for piece in self.told[bisect_right(self.told, after, key=_last) :]:
            yield await asyncio.to_thread(piece.entities, after)

    def opened(self) -> Opened:
        """Return them to be asked for by name."""
        return Opened(self.told)

    def with_(self, changed: Mapping[str, bytes | None]) -> Pieces:
        """Return them as these have changed; None: it is not among them, or no more."""
        by_piece: dict[int, dict[str, bytes | None]] = defaultdict(dict)
        for stream, state in changed.items():
            # What comes after all of them belongs to the last one.
            at = min(bisect_left(self.told, stream, key=_last), max(len(self.told) - 1, 0))
            by_piece[at][stream] = state
        held = list(self.told)
        for at in sorted(by_piece, reverse=True):
            states = {**(held[at].states() if held else {}), **by_piece[at]}
            held[at : at + 1] = pieces_of(states)
        return Pieces(tuple(held))


@dataclass(slots=True)
class Opened:
    """Entities by name: those that were unpacked for one answer are there for the next."""

    told: tuple[Piece, ...]
    _entities: dict[int, dict[str, Entity]] = field(default_factory=dict)

    async def of(self, streams: Collection[str]) -> dict[str, Entity]:
        """Return those of these streams that are there."""
        found: dict[str, Entity] = {}
        for stream in streams:
            at = bisect_left(self.told, stream, key=_last)
            if at == len(self.told):
                continue
            if at not in self._entities:
                some = await asyncio.to_thread(self.told[at].entities, "")
                self._entities[at] = {entity.stream: entity for entity in some}
            if (entity := self._entities[at].get(stream)) is not None:
                found[stream] = entity
        return found


def _last(piece: Piece) -> str:
    return piece.last


def pieces_of(states: Mapping[str, bytes | None]) -> Iterator[Piece]:
    """Pack entities, so many at a time, without those of which nothing is told."""
    told = sorted((stream, state) for stream, state in states.items() if state is not None)
    for first in range(0, len(told), PIECE):
        yield Piece.of(dict(told[first : first + PIECE]))
