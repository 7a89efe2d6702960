"""Inboxes: topics that others write to, whose records become facts that nothing decides. Pure.

Unlike a topic of ours an inbox is no part of the log: what lies in it may expire. So may what is
answered to those who wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.events import Envelope, UndecodableError
from shared.log import Record

# Makes the fact, at version 1 of a stream of its own, of a record that came at that instant, or
# raises `UndecodableError`.
Reading = Callable[[Record, datetime], Envelope]
# Names in a fact blind whom only the platform's key may tell, before it is sealed.
Naming = Callable[[Envelope, Callable[[str], str]], Envelope]
# A record with the fact that it makes, or with why it is set aside.
Became = tuple[Record, Envelope | UndecodableError]


def _as_read(fact: Envelope, blind: Callable[[str], str]) -> Envelope:
    return fact


class Answering(Protocol):
    """Says of a batch, with the domain's `Runtime`, what its writers have to act on."""

    async def __call__(
        self, runtime: Any, became: Sequence[Became], *, again: bool
    ) -> Sequence[tuple[str, bytes]]:
        """Return keys and values; of what is tried `again` they know that it was set aside."""
        ...


@dataclass(frozen=True, slots=True)
class Answers:
    """Where those who write to an inbox hear what became of it: a topic that all of them read."""

    topic: str
    of: Answering


@dataclass(frozen=True, slots=True)
class Inbox:
    """`name` is for ever: it names the cursor from which reading goes on."""

    name: str
    topic: str
    read: Reading
    name_blind: Naming = _as_read
    answers: Answers | None = None
