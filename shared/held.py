"""What held from a date on, as far as we were told, and who of ours answers for something. Pure.

What is told with a date holds from there, however late we learn it. What is told without one comes
after all that was known when it was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, Protocol, TypeVar


class Told(Protocol):
    """Something that holds from a date on; None: nobody knows since when."""

    @property
    def since(self) -> date | None: ...


class ToldAnew(Told, Protocol):
    """The same, as a dataclass: its date can be put right."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


T = TypeVar("T", bound=Told)
D = TypeVar("D", bound=ToldAnew)


def in_order(told: Sequence[T], one: T) -> tuple[T, ...]:
    """Add what we are told now to what is in order already."""
    place = len(told)
    if one.since is not None:
        later = (i for i, known in enumerate(told) if known.since and known.since > one.since)
        place = next(later, place)
    return (*told[:place], one, *told[place:])


def once(told: Iterable[D], what: str) -> tuple[D, ...]:
    """Return them without those that tell `what` again: it held already, from the first date."""
    kept: list[D] = []
    for one in told:
        if kept and getattr(kept[-1], what) == getattr(one, what):
            kept[-1] = replace(kept[-1], since=kept[-1].since or one.since)
        else:
            kept.append(one)
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class Owner:
    """Which colleague of ours answers for it from a date on."""

    owner: str
    since: date | None = None


def owned(owners: Sequence[Owner], owner: str, since: date | None) -> tuple[Owner, ...]:
    """Add that this colleague answered for it from then on; told again it says nothing new."""
    return once(in_order(owners, Owner(owner, since)), "owner")
