"""How many of those who decide we are in touch with, and how that grew. Pure (C-10).

Nothing is kept of past days: each end of a month or quarter is told anew from the days of the
touches and from who had a say then, so what is learnt late counts where it belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.contacts.attention import OpportunityTurns, touches_within
from services.contacts.person_views import PersonCard, buying_role_on

Every = Literal["month", "quarter"]
MONTHS: dict[Every, int] = {"month": 1, "quarter": 3}
# Whether this person had a say on that day.
HadSay = Callable[[PersonCard, date], bool]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the buyers were touched in the days before that day."""

    on: date
    buyers: int
    covered: int
    share: float | None


def coverage(
    people: Iterable[tuple[PersonCard, Sequence[date]]], had_say: HadSay, on: date, days: int
) -> Coverage:
    """Say it of those who had a say then."""
    touched = [_touched(told, on, days) for card, told in people if had_say(card, on)]
    share = round(sum(touched) / len(touched), 3) if touched else None
    return Coverage(on, len(touched), sum(touched), share)


def _touched(told: Sequence[date], on: date, days: int) -> bool:
    return touches_within(told, on - timedelta(days=days - 1), on + timedelta(days=1)) > 0


def buyers_of(company: str) -> HadSay:
    """Tell who has a say in what the company buys."""
    return lambda card, on: buying_role_on(card, company, on) is not None


def deciders_of(chance: OpportunityTurns) -> HadSay:
    """Tell who has a say in this one decision, under whichever entry they are involved."""

    def had_say(card: PersonCard, on: date) -> bool:
        entered = {card.person, *card.identities}
        said = {
            one.person: not one.over
            for one in chance.says
            if one.person in entered and (one.since is None or one.since <= on)
        }
        return any(said.values())

    return had_say


def ends(today: date, count: int, every: Every = "month") -> list[date]:
    """Return the last days of so many months or quarters before this one, and today."""
    months = MONTHS[every]
    first = today.replace(day=1, month=(today.month - 1) // months * months + 1)
    found = [today]
    for _ in range(count):
        last = first - timedelta(days=1)
        found.append(last)
        first = last.replace(day=1, month=last.month - months + 1)
    return sorted(found)
