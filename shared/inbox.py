"""Inboxes: topics that others write to, whose records become facts that nothing decides. Pure.

Unlike a topic of ours an inbox is no part of the log: what lies in it may expire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.events import Envelope
from shared.log import Record

# Makes the fact, at version 1 of a stream of its own, of a record that came at that instant, or
# raises `UndecodableError`.
Reading = Callable[[Record, datetime], Envelope]
# Names in a fact blind whom only the platform's key may tell, before it is sealed.
Naming = Callable[[Envelope, Callable[[str], str]], Envelope]


def _as_read(fact: Envelope, blind: Callable[[str], str]) -> Envelope:
    return fact


@dataclass(frozen=True, slots=True)
class Inbox:
    """`name` is for ever: it names the cursor from which reading goes on."""

    name: str
    topic: str
    read: Reading
    name_blind: Naming = _as_read
