"""Who of us enters touches, by grade and function: is it only the sellers? Pure (C-04)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, tzinfo

from services.contacts.timelines import touched_person
from shared.events import Envelope
from shared.events.touches import TouchRecorded
from shared.projection import Projection

# Touches of all companies together; in parts, so that they do not all wait for one document.
ALL = "all"
UNSTATED = "unstated"


@dataclass(frozen=True, slots=True)
class Source:
    """Touches with one person by colleagues of a grade and a function, as the touches tell."""

    grade: str
    function: str
    touches: int
    person: str | None = None


@dataclass(frozen=True, slots=True)
class TouchSources:
    """Answers: of which grade and function were those of us who were in touch in this month?

    Of a company, or (`all`, in parts) of everybody; only a company's tell with whom.
    """

    key: str
    of: str = ""
    month: str = ""
    sources: tuple[Source, ...] = ()


touch_sources = Projection(
    "touch_sources", version=1, view=TouchSources, indexes=("of", "month"), streams=("touch",)
)


def _keys(at: Envelope, zone: tzinfo) -> tuple[str, ...]:
    assert isinstance(at.data, TouchRecorded)
    month = f"{at.day(zone):%Y-%m}"
    everybody = f"{ALL}/{month}/{at.stream[-1]}"
    return (everybody, f"{at.data.company}/{month}") if at.data.company else (everybody,)


@touch_sources.on_zoned(TouchRecorded, keys=_keys)
def entered(view: TouchSources, event: TouchRecorded, at: Envelope, zone: tzinfo) -> TouchSources:
    of, month, *_ = view.key.split("/")
    person = None if of == ALL else touched_person(at)
    counts: Counter[tuple[str, str, str | None]] = Counter()
    for one in view.sources:
        counts[one.grade, one.function, one.person] += one.touches
    counts[event.grade or UNSTATED, event.function or UNSTATED, person] += 1
    sources = tuple(
        Source(grade, function, counts[grade, function, who], who)
        for grade, function, who in sorted(counts, key=str)
    )
    return replace(view, of=of, month=month, sources=sources)


@dataclass(frozen=True, slots=True)
class Entered:
    """How many touches came from colleagues of this grade, or function, and with how many people.

    `people` is told of a company alone.
    """

    key: str
    touches: int
    share: float
    people: int | None


@dataclass(frozen=True, slots=True)
class Report:
    touches: int
    by_grade: tuple[Entered, ...]
    by_function: tuple[Entered, ...]


def report(months: Iterable[TouchSources], survivor: dict[str, str]) -> Report:
    """Count them; entries of one person, which `survivor` names, are one person."""
    sources = [one for month in months for one in month.sources]
    return Report(
        sum(one.touches for one in sources),
        _by(sources, survivor, lambda one: one.grade),
        _by(sources, survivor, lambda one: one.function),
    )


def _by(
    sources: list[Source], survivor: dict[str, str], axis: Callable[[Source], str]
) -> tuple[Entered, ...]:
    touches: Counter[str] = Counter()
    people: defaultdict[str, set[str]] = defaultdict(set)
    for one in sources:
        touches[axis(one)] += one.touches
        if one.person is not None:
            people[axis(one)].add(survivor.get(one.person, one.person))
    return tuple(
        Entered(key, count, round(count / touches.total(), 4), len(people[key]) or None)
        for key, count in sorted(touches.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def months_between(first: date, last: date) -> list[str]:
    """Return the months from one day to another, both included."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    begun = (first.year * 12 + first.month - 1 + place for place in range(count))
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in begun]
