"""How opportunities pass through stages, and how far they slip: what conversion rests on. Pure.

Of one day only the stage in which it ended counts. What was decided and then undone is taken away
on the day on which it was reopened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby, pairwise

from msgspec import Struct

from services.analytics.periods import Period, at
from services.analytics.told import Expected


class Passage(Struct, frozen=True, gc=False):
    """So much of a measure of a stage, from `start` on, until before `stop`."""

    measure: str
    owner: str
    stage: str
    amount: int
    # How it stood when it was last in a stage.
    last: Period
    start: date
    stop: date | None = None


class Slip(Struct, frozen=True, gc=False):
    """So much of a measure, from `start` on, until before `stop`."""

    measure: str
    owner: str
    amount: int
    start: date
    stop: date | None = None


def passages(stood: Sequence[Period]) -> Iterator[Passage]:
    """Yield what left which stage after how many days, and from which stages it was decided.

    `passed`, `stage_days`, `passed_won`, `passed_lost` are of the day on which the stage was left;
    `won_from` and `lost_from` of the day of the decision, once for each stage it had been in.
    """
    spells = [list(of_it) for _, of_it in groupby(stood, key=lambda period: period.step)]
    been: dict[str, None] = {}
    last: Period | None = None
    for place, spell in enumerate(spells):
        step, owner, left = spell[0].step, spell[-1].owner, spell[-1].stop
        if step.decides:
            for stage in been:
                assert last is not None  # It has been somewhere.
                yield Passage(f"{step.kind}_from", owner, stage, 1, last, spell[0].start, left)
            continue
        if step.latent:
            continue
        been[step.stage], last = None, spell[-1]
        if left is None:
            continue
        yield Passage("passed", owner, step.stage, 1, last, left)
        yield Passage("stage_days", owner, step.stage, (left - spell[0].start).days, last, left)
        to = spells[place + 1][0].step if place + 1 < len(spells) else None
        if to is not None and to.decides:
            yield Passage(f"passed_{to.kind}", owner, step.stage, 1, last, left)


def slips(stood: Sequence[Period], expected: Sequence[Expected]) -> Iterator[Slip]:
    """Yield each time that its closing was put off, and how late it was won.

    `pushes` and `pushed_days` are of the day on which somebody said so; of what was won `due`,
    `late` and `late_days` say how it kept the day that was expected first.
    """
    told = [one for one in expected if one.close_on is not None]
    for before, after in pairwise(told):
        assert before.close_on is not None
        assert after.close_on is not None
        days = (after.close_on - before.close_on).days
        period = at(stood, after.day)
        if days > 0 and period is not None and not period.step.decides:
            yield Slip("pushes", period.owner, 1, after.day)
            yield Slip("pushed_days", period.owner, days, after.day)
    for period in stood:
        if period.step.kind == "won" and told and told[0].day <= period.start:
            assert told[0].close_on is not None
            days = (period.start - told[0].close_on).days
            yield Slip("due", period.owner, 1, period.start, period.stop)
            if days > 0:
                yield Slip("late", period.owner, 1, period.start, period.stop)
                yield Slip("late_days", period.owner, days, period.start, period.stop)
