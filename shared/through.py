"""What held from a date on, as far as we were told: the one shape of dated knowledge. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Held:
    """What held from a date on; `since` None: for as long as we know."""

    what: str
    since: date | None


Through = tuple[Held, ...]
A_DAY = timedelta(days=1)


def held_on(told: Through, on: date | None) -> str | None:
    """Say what held on a day, as far as we were told; `on` None: before all that is dated."""
    known = [held for held in told if (held.since or date.min) <= (on or date.min)]
    return known[-1].what if known else None


def also(told: Through, what: str, since: date | None) -> Through:
    """Add what we were told. Learnt late is normal: kept in the order in which it held."""
    known = (*told, Held(what, since))
    return tuple(sorted(known, key=lambda held: held.since or date.min))


def from_then_on(told: Through, what: str, since: date) -> Through:
    """Add what holds from a day on: what would have held from a later day on, holds no more."""
    return (*(held for held in told if held.since is None or held.since < since), Held(what, since))


def all_along(told: Through, what: str) -> Through:
    """Add what holds without a day: where it did not hold already, it did from the beginning."""
    return told if told and told[-1].what == what else (Held(what, None),)


def until(told: Through, last_day: date | None) -> Iterator[tuple[Held, date | None]]:
    """Yield what held with its own last day, as far as that one, in order; None: it still holds."""
    for place, one in enumerate(told):
        following = told[place + 1 : place + 2]
        ends = [later.since - A_DAY for later in following if later.since is not None]
        last = min((day for day in (*ends, last_day) if day is not None), default=None)
        if one.since is None or last is None or one.since <= last:
            yield one, last
