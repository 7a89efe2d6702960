"""Which talks a target was helped by: sessions about deals (O-03), reviews of figures (N-03).

A target is checked and planned against in coaching (O-07): each session in its period with its
owner, with somebody of its unit, or about a deal with its product is told beside it. Pure folds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from typing import Any, Literal

from services.analytics.entities import Opportunity
from services.analytics.periods import at as standing
from services.analytics.periods import periods
from services.analytics.projections import Target
from services.analytics.tree import Organization
from shared.events import Envelope
from shared.events.analytics import KpiCoached
from shared.events.opportunities import CoachingHeld
from shared.projection import Projection
from shared.references import shortened

# So many sessions are listed beside a target, the latest first; `coached` counts all.
LISTED_MAX = 50
# Whom or what a target is for.
For = Literal["owner", "unit", "product"]


@dataclass(frozen=True, slots=True)
class Session:
    """Answers: who was coached by whom on which day, about which deal or figure?

    `seller` of a talk about a deal may be None: whoever owned it on that day.
    """

    session: str
    about: str = ""
    step: str | None = None
    coach: str | None = None
    seller: str | None = None
    day: date | None = None


coaching = Projection(
    "coaching", version=1, view=Session, indexes=("day",), streams=("opportunity", "review")
)


def _session(at: Envelope, _zone: tzinfo) -> Sequence[str]:
    assert isinstance(at.data, CoachingHeld)
    return (f"{at.stream}/{at.data.session}",)


@coaching.on_zoned(CoachingHeld, keys=_session)
def coached(view: Session, event: CoachingHeld, at: Envelope, zone: tzinfo) -> Session:
    held = replace(view, about=at.stream, day=at.day(zone), step=event.step)
    return replace(held, coach=event.coach, seller=event.seller)


@coaching.on_zoned(KpiCoached)
def reviewed(view: Session, event: KpiCoached, at: Envelope, zone: tzinfo) -> Session:
    held = replace(view, about=event.kpi, day=at.day(zone), step="kpi")
    return replace(held, coach=event.coach, seller=event.of)


@dataclass(frozen=True, slots=True)
class Coached:
    """A session of which is known whose it was, and which product its deal is about."""

    session: Session
    seller: str | None
    product: str | None
    day: date

    def helps(self, target: Target, organization: Organization) -> bool:
        """Say whether it was in the target's period, with who or about what it is for."""
        begin, end = target.period_from, target.period_to
        if begin is None or end is None or not begin <= self.day <= end:
            return False
        if target.product is not None and target.product != self.product:
            return False
        if target.owner is not None and target.owner != self.seller:
            return False
        if target.unit is None:
            return True
        return target.unit in self.units(organization)

    def units(self, organization: Organization) -> frozenset[str]:
        """Return the units that it was in; a unit's own figure may have been talked about, too."""
        whose = self.seller or ""
        return organization.units_above(whose, self.day) | {whose}

    def document(self) -> dict[str, Any]:
        """Return it as it is answered: without the words, which are opened where it points."""
        told = self.session
        kind = told.session.partition("-")[0]
        stream = shortened(told.session if kind == "review" else told.about)
        opens = (
            f"/analytics/kpi-reviews/{stream}"
            if kind == "review"
            else f"/opportunities/{stream}/record"
        )
        return {
            "session": told.session,
            "on": self.day,
            "coach": told.coach,
            "seller": self.seller,
            "about": told.about,
            "step": told.step,
            "opens": opens,
        }


def known_by(
    sessions: Iterable[Session], deals: Mapping[str, Opportunity], until: date
) -> list[Coached]:
    """Return the sessions held until a day, the latest first, with what their deals say."""
    found = [_with(one, deals.get(one.about)) for one in sessions]
    held = [one for one in found if one is not None and one.day <= until]
    return sorted(held, key=lambda one: (one.day, one.session.session), reverse=True)


def _with(session: Session, deal: Opportunity | None) -> Coached | None:
    if session.day is None:
        return None
    if deal is None:
        return Coached(session, session.seller, None, session.day)
    owned = standing(periods(deal), session.day)
    owner = deal.owner if owned is None else owned.owner
    return Coached(session, session.seller or owner or None, deal.product or None, session.day)


class Talks:
    """Finds the talks that helped a target: each is looked at for those that it may have helped.

    A company has thousands of both.
    """

    def __init__(self, sessions: Iterable[Coached], organization: Organization) -> None:
        """Keep sessions, the latest first, by what targets are for."""
        self._organization = organization
        self._all = list(sessions)
        self._of: dict[tuple[For, str | None], list[Coached]] = defaultdict(list)
        for one in self._all:
            self._of["owner", one.seller].append(one)
            self._of["product", one.product].append(one)
            for unit in one.units(organization):
                self._of["unit", unit].append(one)

    def beside(self, target: Target, *, listed: bool) -> dict[str, Any]:
        """Return what stands of them beside a target: how many, and which were the latest.

        Not `listed`: who may read figures and no talks is told only how many.
        """
        held = [one for one in self._near(target) if one.helps(target, self._organization)]
        shown = held[:LISTED_MAX] if listed else []
        return {"coached": len(held), "coaching": [one.document() for one in shown]}

    def _near(self, target: Target) -> Sequence[Coached]:
        """Return the talks in its period of whom or what it is for, of which there are fewest."""
        if target.period_from is None or target.period_to is None:
            return ()
        aims: tuple[tuple[For, str | None], ...] = (
            ("owner", target.owner),
            ("unit", target.unit),
            ("product", target.product),
        )
        found = [self._of.get(aim, ()) for aim in aims if aim[1] is not None]
        fewest: Sequence[Coached] = min(found, key=len, default=self._all)
        begin = bisect_left(fewest, -target.period_to.toordinal(), key=_latest_first)
        end = bisect_right(fewest, -target.period_from.toordinal(), key=_latest_first)
        return fewest[begin:end]


def _latest_first(one: Coached) -> int:
    return -one.day.toordinal()
