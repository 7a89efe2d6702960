"""What was told with a date, put where its date belongs. Pure.

Something may be entered long after it happened: what has no date stands where it was told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from shared.dated import is_later


@dataclass(frozen=True, slots=True)
class Told:
    """Something that holds from a date on; None: nobody knows since when."""

    on: date | None


T = TypeVar("T", bound=Told)


def held_on(told: tuple[T, ...], on: date | None, wanted: Callable[[T], bool]) -> T | None:
    """Return the last of those wanted that had happened by then, None before the first."""
    began = [one for one in told if wanted(one) and not is_later(one.on, on)]
    return began[-1] if began else None
