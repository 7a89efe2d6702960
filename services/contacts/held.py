"""What held from when to when, as far as we were told, in whatever order. Pure.

What is told with a date holds from there, however late we learn it. What is told without one comes
after all that was known when it was told. Ends that nobody told follow from what came next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from shared.events.contacts import AffiliationKind
from shared.held import in_order, once


def merged_by_date(told: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    """Return what was told of several entries in the order of its dates."""
    found: tuple[Any, ...] = ()
    for statements in told:
        for one in statements:
            found = in_order(found, one)
    return found


@dataclass(frozen=True, slots=True)
class Parent:
    """Under which company it stood from a date on."""

    parent: str
    since: date | None = None


def placed(parents: Sequence[Parent], parent: str, since: date | None) -> tuple[Parent, ...]:
    """Add that it stood under this parent from then on; the same one again tells no second time."""
    return once(in_order(parents, Parent(parent, since)), "parent")


@dataclass(frozen=True, slots=True)
class Affiliation:
    """With which company the person is or was, from when to when (None: not known, or open).

    `left`: we were told of the end. Otherwise it follows from the next role at the company.
    """

    company: str
    kind: AffiliationKind
    role: str | None = None
    since: date | None = None
    until: date | None = None
    ended: bool = False
    left: bool = False


Affiliations = tuple[Affiliation, ...]


class _Step(NamedTuple):
    """With the company in this role from then on; without a role: no longer with it."""

    since: date | None
    role: tuple[AffiliationKind, str | None] | None = None


def begun(
    known: Affiliations, company: str, kind: AffiliationKind, role: str | None, on: date | None
) -> Affiliations:
    """Add that the person was in this role at the company from then on."""
    return _with(known, company, in_order(_steps(known, company), _Step(on, (kind, role))))


def ended(known: Affiliations, company: str, on: date | None) -> Affiliations:
    """Add that the person was no longer with the company from then on."""
    return _with(known, company, in_order(_steps(known, company), _Step(on)))


def taken_back(known: Affiliations, company: str, on: date | None) -> Affiliations:
    """Take away the one role at the company that held on that day, or else the open one.

    It never was: so the role before it did not end there.
    """
    there = _at(known, company)
    held = [place for place, one in enumerate(there) if _held_on(one, on)]
    if not held and not (there and not there[-1].ended):
        return known
    mistaken = held[-1] if held else len(there) - 1
    steps: list[_Step] = []
    for place, one in enumerate(there):
        # That the person left stays told: if not from there, then from the role before.
        steps += [step for step in _steps_of(one) if place != mistaken or step.role is None]
    return _with(known, company, steps)


def _at(known: Affiliations, company: str) -> list[Affiliation]:
    return [one for one in known if one.company == company]


def _held_on(one: Affiliation, on: date | None) -> bool:
    if on is None or (one.since is not None and on < one.since):
        return False
    return not one.ended or (one.until is not None and on <= one.until)


def _steps(known: Affiliations, company: str) -> list[_Step]:
    return [step for one in _at(known, company) for step in _steps_of(one)]


def _steps_of(one: Affiliation) -> Iterator[_Step]:
    yield _Step(one.since, (one.kind, one.role))
    if one.left:
        yield _Step(one.until)


def _with(known: Affiliations, company: str, steps: Sequence[_Step]) -> Affiliations:
    """Say who was where when, with these steps at the one company instead of those known."""
    found: list[Affiliation] = []
    for step in steps:
        stands = found[-1] if found and not found[-1].left else None
        if step.role is None:
            if stands is not None:  # An end of nothing was put right by an earlier one.
                found[-1] = replace(stands, until=step.since, ended=True, left=True)
        elif stands is not None and (stands.kind, stands.role) == step.role:
            found[-1] = replace(stands, since=stands.since or step.since)
        else:
            found.append(Affiliation(company, *step.role, since=step.since))
    for place, (one, following) in enumerate(pairwise(tuple(found))):
        if not one.left:
            found[place] = replace(one, until=following.since, ended=True)
    return _by_begin([*(one for one in known if one.company != company), *found])


def _by_begin(known: Sequence[Affiliation]) -> Affiliations:
    """Sort them as a life goes; what is undated stays behind what came before it there."""
    began: dict[str, date] = {}
    dated: list[tuple[date, Affiliation]] = []
    for one in known:
        began[one.company] = one.since or began.get(one.company, date.min)
        dated.append((began[one.company], one))
    return tuple(one for _, one in sorted(dated, key=lambda pair: pair[0]))
