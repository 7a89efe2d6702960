"""Both ports in memory, for unit tests and the simulation; the contract suites keep them honest."""

from shared.memory.log import Landing, LateRecord, MemoryLog, MemorySubscription
from shared.memory.step import Step, one_turn
from shared.memory.store import MemoryStore, Point

__all__ = [
    "Landing",
    "LateRecord",
    "MemoryLog",
    "MemoryStore",
    "MemorySubscription",
    "Point",
    "Step",
    "one_turn",
]
