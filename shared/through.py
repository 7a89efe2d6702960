"""What held from a date on, as far as we were told: the one shape of dated knowledge. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Held:
    """What held from a date on; `since` None: for as long as we know."""

    what: str
    since: date | None


Through = tuple[Held, ...]


def held_on(told: Through, on: date | None) -> str | None:
    """Say what held on a day, as far as we were told; `on` None: before all that is dated."""
    known = [held for held in told if (held.since or date.min) <= (on or date.min)]
    return known[-1].what if known else None


def also(told: Through, what: str, since: date | None) -> Through:
    """Add what we were told. Learnt late is normal: kept in the order in which it held."""
    known = (*told, Held(what, since))
    return tuple(sorted(known, key=lambda held: held.since or date.min))
