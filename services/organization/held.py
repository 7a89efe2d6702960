"""What held from a date on, as far as we were told: the one shape of dated knowledge here. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Held:
    """What held from a date on; `since` None: for as long as we know."""

    what: str
    since: date | None


@dataclass(frozen=True, slots=True)
class RoleStep:
    """From a date on the colleague acts in a role, or no more."""

    role: str
    acts: bool
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


def since(told: Through, on: date | None) -> date | None:
    """Return since when an undated row holds: from the beginning if nobody said anything before."""
    return on if told else None


def stepped(
    steps: tuple[RoleStep, ...], role: str, since: date | None, *, acts: bool
) -> tuple[RoleStep, ...]:
    """Add that somebody acts in a role from a date on, or no more."""
    known = (*steps, RoleStep(role, acts, since))
    return tuple(sorted(known, key=lambda step: step.since or date.min))


def roles_on(steps: Sequence[RoleStep], on: date | None) -> tuple[str, ...]:
    """Return the roles somebody acts in on a day."""
    last = {step.role: step.acts for step in steps if (step.since or date.min) <= (on or date.min)}
    return tuple(sorted(role for role, acts in last.items() if acts))
