"""What was told with a date, put where its date belongs. Pure.

Something may be entered long after it happened: what has no date stands where it was told.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol, TypeVar


class Dated(Protocol):
    """Something that holds from a date on; None: nobody knows since when."""

    @property
    def on(self) -> date | None: ...


T = TypeVar("T", bound=Dated)


def is_later(known: date | None, told: date | None) -> bool:
    return known is not None and told is not None and known > told


def placed(told: tuple[T, ...], new: T) -> tuple[T, ...]:
    """Add what we were told before everything that happened later; the last of them holds."""
    at = len(told)
    while at > 0 and is_later(told[at - 1].on, new.on):
        at -= 1
    return (*told[:at], new, *told[at:])
