"""How satisfied customers were before and after we did something, month by month. Pure (I-07)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.issues.projections import IssueCard, Score


@dataclass(frozen=True, slots=True)
class Month:
    """What was said in a month; a mean of nothing is None."""

    month: str
    before: float | None
    before_count: int
    after: float | None
    after_count: int


@dataclass(frozen=True, slots=True)
class Case:
    """One issue of which we know how satisfied the customer was; `change` where we know both."""

    issue: str
    company: str | None
    person: str | None
    registered_on: date | None
    before: int | None
    after: int | None
    change: int | None
    reopened: int


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Answers: how satisfied are customers, does it get better by what we do? (I-07).

    `items` are the issues that the months and the mean change rest on; `issues` counts those
    registered in these days, said anything or not.
    """

    first: date
    last: date
    issues: int
    asked: int
    both: int
    change: float | None
    months: tuple[Month, ...]
    items: tuple[Case, ...]


def satisfaction(cards: Sequence[IssueCard], first: date, last: date) -> Satisfaction:
    """Return what customers said about the issues registered in these days."""
    told = [card for card in cards if card.scores]
    cases = sorted(
        (_case(card) for card in told), key=lambda one: (str(one.registered_on), one.issue)
    )
    changes = [one.change for one in cases if one.change is not None]
    months: dict[str, list[Score]] = defaultdict(list)
    for card in told:
        for score in card.scores:
            day = score.on or card.registered_on
            if day is not None:
                months[f"{day:%Y-%m}"].append(score)
    return Satisfaction(
        first,
        last,
        len(cards),
        len(told),
        len(changes),
        _mean(changes),
        tuple(_month(month, scores) for month, scores in sorted(months.items())),
        tuple(cases),
    )


def _month(month: str, scores: Iterable[Score]) -> Month:
    said = {"before": [], "after": []}  # type: dict[str, list[int]]
    for score in scores:
        said[score.when].append(score.score)
    before, after = said["before"], said["after"]
    return Month(month, _mean(before), len(before), _mean(after), len(after))


def _case(card: IssueCard) -> Case:
    before, after = card.satisfaction_before, card.satisfaction_after
    change = None if before is None or after is None else after - before
    return Case(
        card.issue,
        card.company,
        card.person,
        card.registered_on,
        before,
        after,
        change,
        len(card.reopened),
    )


def _mean(said: Sequence[int]) -> float | None:
    return round(sum(said) / len(said), 2) if said else None
