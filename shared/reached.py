"""How far a build has folded the log, and what it has folded since somebody looked.

A build moves its cursors over every record that it takes. What it sets aside it folds later,
without moving any: then that is set aside no more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from shared.log import Log, Partition, Record
from shared.projector import Collections
from shared.store import Reads


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a build's cursors stand, and the streams of what is set aside, by where it lies."""

    cursors: Mapping[str, int]
    aside: Mapping[str, str]

    def since(self, before: Reached) -> Since | None:
        """Return what has been taken since; None where it was begun anew, and nobody can say."""
        if any(self.cursors.get(key, 0) < offset for key, offset in before.cursors.items()):
            return None
        moved = {}
        for key, stop in sorted(self.cursors.items()):
            start, (topic, _, number) = before.cursors.get(key, 0), key.rpartition("/")
            if start < stop:
                moved[Partition(topic, int(number))] = range(start, stop)
        again = {before.aside[place] for place in before.aside.keys() - self.aside.keys()}
        return Since(moved, frozenset(again))


@dataclass(frozen=True, slots=True)
class Since:
    """What has been taken meanwhile: pieces of the log, and streams of which less is set aside."""

    moved: Mapping[Partition, range]
    again: frozenset[str]

    @property
    def records(self) -> int:
        """Return how many they are at most."""
        return sum(map(len, self.moved.values()))

    def on(self, topics: Collection[str]) -> Since:
        """Return what of it is on these topics."""
        moved = {place: told for place, told in self.moved.items() if place.topic in topics}
        return Since(moved, self.again)

    async def read(self, log: Log) -> AsyncIterator[list[Record]]:
        """Yield the records, those of one partition in order."""
        for partition, places in self.moved.items():
            async with aclosing(log.read(partition, places.start, places.stop)) as batches:
                async for records in batches:
                    yield records


async def reached(reads: Reads, collection: str) -> Reached:
    """Say how far a build is; in one transaction, at one moment."""
    names = Collections(collection)
    cursors = await reads.find(names.cursors, {}, fields=("offset",))
    aside = await reads.find(names.parked, {}, fields=("stream",))
    return Reached(
        {one["_id"]: one["offset"] for one in cursors}, {one["_id"]: one["stream"] for one in aside}
    )
