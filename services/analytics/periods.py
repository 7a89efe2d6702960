"""How an opportunity stood, day by day: what all figures about it follow from. Pure.

What is told holds from its day on, whenever it is entered; what decides or corrects overrides what
was said of its day and later. So figures and views never disagree about how things stand now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Generic, Literal, TypeVar

from msgspec import Struct

from services.analytics.entities import Opportunity
from services.analytics.told import (
    Coached,
    Commitment,
    Handover,
    NextStep,
    Step,
    T,
    Told,
    overridden,
)
from shared.events.opportunities import FIRST_STAGE


class Period(Struct, frozen=True, gc=False):
    """From `start` until before `stop` the opportunity stood as `step` left it, in these hands."""

    step: Step
    owner: str
    start: date
    stop: date | None


def periods(known: Opportunity) -> list[Period]:
    """Return how the opportunity stood through time; each day belongs to one period."""
    if not any(step.kind == "discovered" for step in known.steps):
        return []  # Nobody discovered it: facts about nothing that we know.
    hands = overridden(known.handovers)
    stood = overridden(known.steps)
    stops = [step.day for step in stood[1:]] + [None]
    return [
        period
        for step, stop in zip(stood, stops, strict=True)
        for period in _in_hands(known, step, stop, hands)
    ]


def _in_hands(
    known: Opportunity, step: Step, stop: date | None, hands: Sequence[Handover]
) -> Iterator[Period]:
    owner, start = known.owner, step.day
    if step.decides:
        # Whoever won it keeps the credit, also when it is handed over afterwards.
        for handover in hands:
            if (handover.day, handover.version) < (start, step.version):
                owner = handover.owner
        yield Period(step, owner, start, stop)
        return
    for handover in hands:
        if stop is not None and handover.day >= stop:
            break
        if handover.day > start:
            yield Period(step, owner, start, handover.day)
            start = handover.day
        owner = handover.owner
    yield Period(step, owner, start, stop)


def at(stood: Sequence[Period], day: date) -> Period | None:
    """Return how it stood on a day."""
    for period in stood:
        if period.start <= day and (period.stop is None or day < period.stop):
            return period
    return None


def cycle_days(known: Opportunity, closing: Step) -> int | None:
    """Days from engagement to closing; None where either date is unknown."""
    before = known.steps[: known.steps.index(closing)]
    # The stage before we are in earnest: the cycle of a deal runs from the day it was left.
    engaged = [step for step in before if not step.decides and step.stage != FIRST_STAGE]
    if closing.on is None or not engaged or engaged[0].on is None:
        return None
    first = min(step.on for step in engaged if step.on is not None)
    return (closing.on - first).days if first <= closing.on else None


S = TypeVar("S")
A_DAY = timedelta(days=1)


class Overlap(Struct, Generic[S], frozen=True, gc=False):
    """From `start` until before `stop` this was said of it, while it stood as `period` says."""

    period: Period
    told: S
    start: date
    stop: date | None


def overlaps(stood: Sequence[Period], held: Sequence[T]) -> Iterator[Overlap[T]]:
    """Yield what was said of it while it was undecided; each holds until the next one does."""
    stops = [*(told.day for told in held[1:]), *([None] if held else [])]
    for period in stood:
        for told, stop in zip(held, stops, strict=True):
            if period.step.decides:
                continue
            start = max(told.day, period.start)
            ends = min((day for day in (stop, period.stop) if day is not None), default=None)
            if ends is None or start < ends:
                yield Overlap(period, told, start, ends)


def spells(told: Iterable[Overlap[S]]) -> Iterator[Overlap[S]]:
    """Put together what was said on and on while it stayed in the same hands, whatever the stage.

    What ends and begins again on the same day adds nothing to any sum; so it is not even counted.
    """
    last: Overlap[S] | None = None
    for one in told:
        same = last is not None and last.told == one.told and last.period.owner == one.period.owner
        if last is not None and same and last.stop == one.start:
            last = Overlap(last.period, last.told, last.start, one.stop)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


Band = Literal["evidence and next step", "evidence", "next step", "neither"]
BANDS: dict[tuple[bool, bool], Band] = {
    (True, True): "evidence and next step",
    (True, False): "evidence",
    (False, True): "next step",
    (False, False): "neither",
}


def bands(known: Opportunity, one: Overlap[S]) -> Iterator[tuple[Overlap[S], Band]]:
    """Split by how good it was to work on, day by day (O-08).

    That is: does anything show that it is in its stage, and do we know what happens next?
    """
    stage = one.period.step.stage
    shown = _first_shown(known, stage)
    agreed = overridden(known.next_steps)
    changes = [day for day in (shown, *(told.day for told in agreed)) if day is not None]
    days = {day for day in changes if one.start < day and (one.stop is None or day < one.stop)}
    bounds = [one.start, *sorted(days), one.stop]
    for start, stop in pairwise(bounds):
        assert start is not None
        yield Overlap(one.period, one.told, start, stop), _band(shown, agreed, start)


class Quality:
    """Says how good a deal was to work on, on any day on which it stood in a stage (O-08)."""

    def __init__(self, known: Opportunity) -> None:
        self._known, self._agreed = known, overridden(known.next_steps)

    def on(self, stage: str, day: date) -> Band:
        if not self._known.shown and not self._agreed:
            return "neither"
        return _band(_first_shown(self._known, stage), self._agreed, day)


def _first_shown(known: Opportunity, stage: str) -> date | None:
    return min((told.day for told in known.shown if told.stage == stage), default=None)


def _band(shown: date | None, agreed: Sequence[NextStep], day: date) -> Band:
    known_next = next((told.agreed for told in reversed(agreed) if told.day <= day), False)
    return BANDS[shown is not None and shown <= day, known_next]


# Who says nothing of what is open for longer has not looked at it (N-08).
FRESH = timedelta(days=30)


def stale(known: Opportunity, were_open: Iterable[Overlap[S]]) -> Iterator[Overlap[None]]:
    """Yield when it was open and nobody had told anything of it for longer than is fresh."""
    told: tuple[Told | Coached, ...] = (
        *known.steps,
        *known.handovers,
        *known.commitments,
        *known.expected,
        *known.shown,
        *known.next_steps,
        *known.coached,
    )
    news: list[date | None] = [*sorted({one.day for one in told})]
    for spell in were_open:
        for day, following in pairwise([*news, None]):
            assert day is not None
            if day > date.max - FRESH - A_DAY:
                continue  # The calendar ends before it is stale.
            start = max(day + FRESH + A_DAY, spell.start)
            stops = [one for one in (following, spell.stop) if one is not None]
            stop = min(stops, default=None)
            if stop is None or start < stop:
                yield Overlap(spell.period, None, start, stop)


def promises(known: Opportunity, stood: Sequence[Period]) -> Iterator[Overlap[Commitment]]:
    """Yield which commitments held when: its seller's own, while it was open and theirs (O-06)."""
    for one in overlaps(stood, overridden(known.commitments)):
        if not one.told.withdrawn and one.told.seller == one.period.owner:
            yield one
