"""Roles that somebody acts in from a date on, and what else held then. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from shared.through import Held, Through, also, held_on

__all__ = [
    "Held",
    "RoleStep",
    "Through",
    "also",
    "held_on",
    "roles_on",
    "since",
    "stepped",
]


@dataclass(frozen=True, slots=True)
class RoleStep:
    """From a date on the colleague acts in a role, or no more."""

    role: str
    acts: bool
    since: date | None


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
