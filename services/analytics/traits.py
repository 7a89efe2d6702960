"""What a deal was like when something became of it: by what its course is told (N-06). Pure.

All of it is written down as one value: a deal makes no more cells for being told by more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple, get_args

from services.analytics.cells import Cell
from services.analytics.entities import Opportunity
from services.analytics.passages import passages, slips
from services.analytics.periods import A_DAY, Band, Period, Quality
from services.analytics.told import Expected


class Traits(NamedTuple):
    """Which product it is, who buys it, how old and how good it was, in which stage; "": none."""

    product: str = ""
    company: str = ""
    age: str = ""
    quality: str = ""
    stage: str = ""

    def written(self) -> str:
        return _about(self.product, self.company) + _seen(self.age, self.quality) + self.stage


# At most so many months, and how that is told; what is older is the last.
AGES = ((0, "00 months"), (2, "01-02 months"), (5, "03-05 months"), (11, "06-11 months"))
OLDEST = "12+ months"
# How old and how good it was is written down in a letter each: there are as many as deals.
_LETTERS = {name: chr(97 + n) for n, name in enumerate([*(t for _, t in AGES), OLDEST])}
_LETTERS |= {band: chr(97 + n) for n, band in enumerate(get_args(Band))}
_AGES = {_LETTERS[name]: name for name in [*(text for _, text in AGES), OLDEST]}
_BANDS = {_LETTERS[band]: band for band in get_args(Band)}


def _about(product: str, company: str) -> str:
    return f"{product}/{company}/"


def _seen(age: str, band: str) -> str:
    return f"{_LETTERS.get(age, '')}/{_LETTERS.get(band, '')}/"


@lru_cache(maxsize=65_536)  # Reports ask for the same few again and again.
def traits(value: str) -> Traits:
    """Read what `written` has written down; a stage may be called anything."""
    product, company, age, band, stage = value.split("/", 4)
    return Traits(product, company, _AGES.get(age, ""), _BANDS.get(band, ""), stage)


@lru_cache(maxsize=65_536)
def age_of(since: str, day: date) -> str:
    """Say how many months ago it was discovered, so written that text order is that of age.

    `since` is the month, as "2026-03"; "": it never was.
    """
    if not since:
        return ""
    months = (day.year - int(since[:4])) * 12 + day.month - int(since[5:])
    return next((text for most, text in AGES if months <= most), OLDEST)


class Course:
    """What became of one deal: cells of what came in and went out, of its stages and slips."""

    def __init__(self, known: Opportunity, stood: Sequence[Period], since: str) -> None:
        self._stood, self._since = stood, since
        self._about = _about(known.product, known.company)
        self._quality = Quality(known)
        self._then: dict[tuple[date, date], str] = {}

    def cells(self, expected: Sequence[Expected]) -> Iterator[tuple[Cell, int, date | None]]:
        """Yield how much of what, and until when that holds."""
        for passed in passages(self._stood):
            value = self._like(passed.last, passed.start) + passed.stage
            cell = Cell(passed.measure, passed.owner, "passage", value, passed.start)
            yield cell, passed.amount, passed.stop
        for slip in slips(self._stood, expected):
            cell = Cell(slip.measure, slip.owner, "slip", self._on(slip.start), slip.start)
            yield cell, slip.amount, slip.stop
        yield from self._flow()

    def _flow(self) -> Iterator[tuple[Cell, int, date | None]]:
        came_in = False
        for one in self._stood:
            if not came_in and not one.step.latent:
                came_in = True
                yield self._flowing("discovered", one), 1, None
            if not one.step.decides:
                continue
            yield self._flowing(one.step.kind, one, one.start), 1, one.stop
            if one.step.kind == "won":
                value = self._flowing(f"value_{one.step.currency}", one, one.start)
                yield value, one.step.value, one.stop

    def _flowing(self, measure: str, one: Period, credited: date | None = None) -> Cell:
        return Cell(measure, one.owner, "flow", self._on(one.start), one.start, credited)

    def _on(self, day: date) -> str:
        """Say what it was like on a day; where it is decided by then, when it last was not."""
        undecided = [one for one in self._stood if one.start <= day and not one.step.decides]
        if not undecided:
            return self._about + _seen(age_of(self._since, day), "")
        return self._like(undecided[-1], day) + undecided[-1].step.stage

    def _like(self, last: Period, day: date) -> str:
        """Say what it was like on a day when it last was undecided, but for its stage."""
        found = self._then.get((last.start, day))
        if found is None:
            # What was left on a day is as good as it was until then.
            stop = last.stop
            seen = day if stop is None or day < stop else max(last.start, stop - A_DAY)
            band = self._quality.on(last.step.stage, seen)
            found = self._about + _seen(age_of(self._since, day), band)
            self._then[last.start, day] = found
        return found
