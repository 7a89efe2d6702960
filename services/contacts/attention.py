"""How often we were in touch, and whether it became less after a win or a change of owner. Pure.

A touch counts on its day in the company's zone. What depends on today is told today.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from itertools import pairwise
from statistics import median

from services.contacts.company_views import CompanyPeople
from services.contacts.timelines import touched_person
from shared.events import Envelope
from shared.events.opportunities import (
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityReassigned,
    OpportunityWon,
    PersonInvolved,
    PersonReleased,
)
from shared.events.touches import TouchRecorded
from shared.held import in_order
from shared.projection import Projection

MONTH_DAYS = 30.0
YEAR = timedelta(days=365)
# A rate over fewer days is an accident.
RATE_DAYS_MIN = 14


@dataclass(frozen=True, slots=True)
class TouchDays:
    """Answers: on which days of this year were we in touch with this person, each touch a day?"""

    key: str
    person: str = ""
    days: tuple[date, ...] = ()


touch_days = Projection(
    "touch_days", version=1, view=TouchDays, indexes=("person",), streams=("touch",)
)


def _year(at: Envelope, zone: tzinfo) -> tuple[str, ...]:
    return (f"{touched_person(at)}/{at.day(zone):%Y}",)


@touch_days.on_zoned(TouchRecorded, keys=_year)
def touched_on(view: TouchDays, event: TouchRecorded, at: Envelope, zone: tzinfo) -> TouchDays:
    return replace(view, person=event.person, days=tuple(sorted((*view.days, at.day(zone)))))


@dataclass(frozen=True, slots=True)
class Turn:
    """A day from which on attention often fades: we won, or another colleague took over."""

    what: str
    on: date
    opportunity: str | None = None
    company: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """From this day on the person has a say in the decision, or none any more."""

    person: str
    since: date | None = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class OpportunityTurns:
    """Answers: whom does this chance concern, when was it won, when did its owner change?

    `people`: who ever had a say; `says`: from when to when, in the order of their dates.
    """

    opportunity: str
    company: str | None = None
    people: tuple[str, ...] = ()
    says: tuple[Say, ...] = ()
    turns: tuple[Turn, ...] = ()


opportunity_turns = Projection(
    "opportunity_turns",
    version=2,
    view=OpportunityTurns,
    indexes=("company", "people"),
    streams=("opportunity",),
)


@opportunity_turns.on(OpportunityDiscovered)
def discovered(
    view: OpportunityTurns, event: OpportunityDiscovered, at: Envelope
) -> OpportunityTurns:
    return replace(view, company=event.company)


@opportunity_turns.on(OpportunityCorrected)
def corrected(
    view: OpportunityTurns, event: OpportunityCorrected, at: Envelope
) -> OpportunityTurns:
    return replace(view, company=event.company)


@opportunity_turns.on(PersonInvolved)
def involved(view: OpportunityTurns, event: PersonInvolved, at: Envelope) -> OpportunityTurns:
    says = in_order(view.says, Say(event.person, event.on))
    return replace(view, people=tuple(sorted({*view.people, event.person})), says=says)


@opportunity_turns.on(PersonReleased)
def released(view: OpportunityTurns, event: PersonReleased, at: Envelope) -> OpportunityTurns:
    return replace(view, says=in_order(view.says, Say(event.person, event.on, over=True)))


@opportunity_turns.on_zoned(OpportunityWon)
def won(
    view: OpportunityTurns, event: OpportunityWon, at: Envelope, zone: tzinfo
) -> OpportunityTurns:
    return replace(view, turns=(*view.turns, Turn("won", at.day(zone), at.stream)))


@opportunity_turns.on_zoned(OpportunityReassigned)
def reassigned(
    view: OpportunityTurns, event: OpportunityReassigned, at: Envelope, zone: tzinfo
) -> OpportunityTurns:
    turn = Turn("owner changed", at.day(zone), at.stream, owner=event.owner)
    return replace(view, turns=(*view.turns, turn))


def turns_of(found: Iterable[OpportunityTurns], companies: Iterable[CompanyPeople]) -> list[Turn]:
    """Return every turn of these chances and of these companies' owners, in order."""
    turns = [replace(turn, company=one.company) for one in found for turn in one.turns]
    turns += [
        Turn("owner changed", owner.since, company=one.company, owner=owner.owner)
        for one in companies
        for owner in one.owners[1:]
        if owner.since is not None
    ]
    return sorted(set(turns), key=lambda turn: (turn.on, turn.what, str(turn)))


@dataclass(frozen=True, slots=True)
class Compared:
    """Touches in thirty days before and after a turn; None: too few days have passed to tell."""

    turn: Turn
    before: float
    after: float | None
    dropped: bool


def compared(
    days: Sequence[date], turn: Turn, *, window: int, drop: float, today: date
) -> Compared:
    """Compare the window before a turn with the one from that day on, as far as it has passed."""
    span = timedelta(days=window)
    passed = min(window, (today - turn.on).days + 1)
    before = touches_within(days, turn.on - span, turn.on) / window * MONTH_DAYS
    if passed < min(window, RATE_DAYS_MIN):
        return Compared(turn, round(before, 2), None, dropped=False)
    after = touches_within(days, turn.on, turn.on + timedelta(days=passed)) / passed * MONTH_DAYS
    return Compared(turn, round(before, 2), round(after, 2), dropped=after < drop * before)


def touches_within(days: Sequence[date], begin: date, end: date) -> int:
    return bisect_left(days, end) - bisect_left(days, begin)


@dataclass(frozen=True, slots=True)
class Cadence:
    """How regularly we are in touch: in the last year, and how long ago."""

    touches_year: int
    per_month: float
    gap_days: float | None
    longest_gap_days: int | None
    days_since: int | None


def cadence(days: Sequence[date], today: date) -> Cadence:
    year = [day for day in days if today - YEAR < day <= today]
    gaps = [(b - a).days for a, b in pairwise(sorted(set(year)))]
    past = [day for day in days if day <= today]
    return Cadence(
        len(year),
        round(len(year) / YEAR.days * MONTH_DAYS, 2),
        median(gaps) if gaps else None,
        max(gaps, default=None),
        (today - past[-1]).days if past else None,
    )
