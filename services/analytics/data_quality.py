"""How good the data is that reports are made of (N-08): fresh, complete, consistent. Pure.

Of each thing that is open on a day, or was planned for a day before it, its owner is asked: did
anybody tell anything of it lately, does it say what has to be known, do its words agree?
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from services.analytics import forecast
from services.analytics.complaints import Issue
from services.analytics.entities import Entity, Opportunity
from services.analytics.periods import Overlap, at, periods, stale
from services.analytics.pipeline import Key, Reason, not_theirs, ratio
from services.analytics.report_by import QualityBy
from services.analytics.told import carried
from services.analytics.tree import Organization
from services.analytics.why import LeftOut, Page
from services.analytics.workload import Entry

Aspect = Literal["fresh", "complete", "consistent"]
ASPECTS: tuple[Aspect, ...] = ("fresh", "complete", "consistent")
# What each kind of thing is asked for; of what it is not asked it is neither well nor wanting.
ASKED: Mapping[str, tuple[Aspect, ...]] = {
    "opportunity": ASPECTS,
    "issue": ("complete",),
    "entry": ("fresh",),
}
# How long before a day what was planned is still asked for.
LOOKED_BACK = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Judged:
    """One thing, whose it is, and what is wanting of it, by aspect; nothing: all is well."""

    stream: str
    owner: str
    wanting: tuple[tuple[Aspect, str], ...] = ()
    # From which facts that is known.
    facts: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return self.stream.partition("-")[0]

    def lacks(self, aspect: Aspect) -> bool:
        return any(one == aspect for one, _ in self.wanting)


def judged(entity: Entity, day: date, within_days: int) -> Judged | None:
    """Say what is wanting of an entity as of a day; None where it is nobody's task now."""
    found = _judged(entity, day, within_days)
    return None if found is None else replace(found, facts=entity.facts)


def _judged(entity: Entity, day: date, within_days: int) -> Judged | None:
    match entity:
        case Opportunity():
            return _opportunity(entity, day)
        case Issue():
            return _issue(entity, day)
        case Entry():
            return _entry(entity, day, within_days)
        case _:
            return None  # Nobody is asked for a talk, or for what repeats: it is no entry yet.


def _opportunity(known: Opportunity, day: date) -> Judged | None:
    period = at(periods(known), day)
    if period is None or period.step.decides or period.step.latent:
        return None
    spell = Overlap(period, None, period.start, period.stop)
    told = [one for one in carried(known.expected) if one.day <= day]
    expected = told[-1] if told else None
    return Judged(known.stream, period.owner, tuple(_wanting(known, day, spell, expected)))


def _wanting(
    known: Opportunity, day: date, spell: Overlap[None], expected: Any
) -> Iterator[tuple[Aspect, str]]:
    if any(one.start <= day and (one.stop or date.max) > day for one in stale(known, [spell])):
        yield "fresh", "nobody told anything of it for a month"
    if not spell.period.owner:
        yield "complete", "no owner"
    if not known.company:
        yield "complete", "no company"
    if not known.product:
        yield "complete", "no product"
    if expected is None or expected.amount is None:
        yield "complete", "no amount"
    if expected is None or expected.close_on is None:
        yield "complete", "no day on which it is to close"
    elif expected.close_on < day:
        yield "consistent", f"it was to close on {expected.close_on}"
    held = [one for one in known.commitments if one.day <= day]
    promised = held[-1] if held and not held[-1].withdrawn else None
    if promised is not None and promised.close_on is not None and promised.close_on < day:
        yield "consistent", f"it was stood by for {promised.close_on}"


def _issue(known: Issue, day: date) -> Judged | None:
    stood = [one for one in known.stood if one.day <= day]
    if not stood or not stood[-1].open:
        return None
    now = stood[-1]
    wanting: list[tuple[Aspect, str]] = []
    if not now.owner:
        wanting.append(("complete", "no owner"))
    if not known.company:
        wanting.append(("complete", "no company"))
    return Judged(known.stream, now.owner, tuple(wanting))


def _entry(known: Entry, day: date, within_days: int) -> Judged | None:
    planned = known.day
    if planned is None or known.all_day or known.category == "private" or known.unplanned:
        return None
    due = planned + timedelta(days=within_days)
    if not day - LOOKED_BACK <= planned or due >= day:
        return None  # Too long ago to be asked for, or not due yet.
    if known.status in ("planned", "started"):
        why = f"nobody told what became of {planned}"
        return Judged(known.stream, known.seller, (("fresh", why),))
    return Judged(known.stream, known.seller)


def key_of(by: QualityBy, one: Judged, organization: Organization, day: date) -> Key:
    """Return the row of a thing: its kind, or where whoever has it is on that day."""
    if by == "kind":
        return one.kind
    return forecast.key_of(by, one.owner, organization, day, day)


def amounts(one: Judged) -> dict[str, int]:
    """Return what a thing adds to its row, of what it is asked for."""
    told = {"items": 1, "well": int(not one.wanting)}
    for aspect in ASKED[one.kind]:
        told |= {aspect: int(not one.lacks(aspect)), f"asked {aspect}": 1}
    return told


class NotJudged(NamedTuple):
    """A thing that is in no row of those asked about, and why."""

    stream: str
    reason: Reason


class Asked(NamedTuple):
    """As of which day things are judged, and of whom alone, as of that day."""

    day: date
    within_days: int
    organization: Organization
    unit: Key = None
    owner: str | None = None

    def told(self, entity: Entity) -> Judged | NotJudged:
        """Say what is wanting of an entity, or why nobody asks for it."""
        one = judged(entity, self.day, self.within_days)
        if one is None:
            return NotJudged(entity.stream, "not_counted")
        if self.owner not in (None, one.owner):
            return NotJudged(entity.stream, "other_seller")
        if not_theirs(self.unit, one.owner, self.day, self.organization):
            return NotJudged(entity.stream, "other_unit")
        return one

    def row_of(self, by: QualityBy, one: Judged) -> Key:
        return key_of(by, one, self.organization, self.day)

    def explain(
        self, by: QualityBy, keys: Collection[Key], entities: Iterable[Entity], found: Opened
    ) -> None:
        """Add the things of a row, and why the others are not in it."""
        for one in map(self.told, entities):
            if isinstance(one, NotJudged):
                found.left_out.add(one.reason, one.stream)
            elif self.row_of(by, one) not in keys:
                found.left_out.add("other_row", one.stream)
            else:
                found.total.update(amounts(one))
                found.page.take(one.stream, one)


@dataclass(slots=True)
class Rows:
    """What is well, by row and aspect."""

    by: QualityBy
    sums: defaultdict[Key, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, asked: Asked, entities: Iterable[Entity]) -> None:
        for one in map(asked.told, entities):
            if isinstance(one, Judged):
                self.sums[asked.row_of(self.by, one)].update(amounts(one))


@dataclass(slots=True)
class Opened:
    """The things of a row, in the order of their streams, and what is not in it, by reason."""

    page: Page[Judged] = field(default_factory=Page)
    total: Counter[str] = field(default_factory=Counter)
    left_out: LeftOut = field(default_factory=LeftOut)


def document(sums: Counter[str]) -> dict[str, Any]:
    """Return a row as it is answered: shares in percent as text, null of nothing."""
    items = sums["items"]
    return {
        "items": items,
        "well": sums["well"],
        **{one: ratio(100 * sums[one], sums[f"asked {one}"]) for one in ASPECTS},
        "quality": ratio(100 * sums["well"], items),
    }
