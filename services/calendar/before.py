"""What a seller wants at hand before a meeting, in one answer (K-12)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from services.calendar.around_deals import (
    OpportunityAround,
    ProductAround,
    opportunity_around,
    product_around,
)
from services.calendar.around_views import (
    CompanyAround,
    IssueAround,
    Owed,
    PersonAround,
    commitment_around,
    company_around,
    issue_around,
    person_around,
    visit_around,
)
from services.calendar.days import OVER
from services.calendar.entry_views import EntryCard, entry_card
from shared.projection import Projection
from shared.reading import Token
from shared.runtime import Runtime

V = TypeVar("V")
# A page before a meeting is made of so many of each; the lists of their domains have all.
READ_MAX = 200
EARLIER_MAX = 10
LATELY = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Commitment:
    """Something we owe those that the meeting is with, and by when; overdue: it was due before."""

    what: str
    of: str
    owner: str | None
    due_on: date | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class Earlier:
    """A meeting with the same people or company that took place, and what was noted."""

    entry: str
    starts_at: datetime | None
    title: str | None
    note: str | None
    seller: str | None


@dataclass(frozen=True, slots=True)
class Before:
    """Answers: what do I have to know before I go there? (K-12)."""

    entry: EntryCard
    people: tuple[PersonAround, ...]
    company: CompanyAround | None
    issues: tuple[IssueAround, ...]
    opportunities: tuple[OpportunityAround, ...]
    products: tuple[ProductAround, ...]
    commitments: tuple[Commitment, ...]
    earlier: tuple[Earlier, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """Reads the views around one meeting."""

    runtime: Runtime
    at_least: Token | None
    today: date

    async def before(self, card: EntryCard) -> Before:
        if card.category == "private":
            return Before(card, (), None, (), (), (), (), ())
        issues = await self._of(issue_around, card, open=True)
        opportunities = await self._opportunities(card)
        products = sorted({one.product for one in opportunities if one.product})
        companies = [card.company] if card.company is not None else []
        return Before(
            card,
            await self._known(person_around, card.people),
            next(iter(await self._known(company_around, companies)), None),
            tuple(sorted(issues, key=lambda one: str(one.registered_on))),
            tuple(opportunities),
            await self._known(product_around, products),
            tuple(await self._commitments(card, issues, opportunities)),
            tuple(await self._earlier(card)),
        )

    async def _known(self, projection: Projection[V], keys: Iterable[str]) -> tuple[V, ...]:
        reader = self.runtime.reader(projection)
        found = [await reader.get(key, self.at_least) for key in keys]
        return tuple(one.value for one in found if one is not None)

    async def _of(self, projection: Projection[V], card: EntryCard, **more: Any) -> list[V]:
        """Return the views that name one of the people of a meeting, or its company."""
        key, *rest = [field.name for field in fields(projection.view)]  # type: ignore[arg-type]
        people = "people" if "people" in rest else "person"
        asked: list[dict[str, Any]] = [{people: name} for name in card.people]
        asked += [{"company": card.company}] if card.company else []
        found: dict[str, V] = {}
        for where in asked:
            async for one in self.runtime.reader(projection).every(where | more, self.at_least):
                found[getattr(one, key)] = one
                if len(found) == READ_MAX:
                    return list(found.values())
        return list(found.values())

    async def _opportunities(self, card: EntryCard) -> list[OpportunityAround]:
        found = await self._of(opportunity_around, card, outcome=None)
        named = card.opportunity
        if named is not None and all(one.opportunity != named for one in found):
            found += await self._known(opportunity_around, [named])
        return sorted(found, key=lambda one: (one.opportunity != named, str(one.opportunity)))

    async def _commitments(
        self,
        card: EntryCard,
        issues: Iterable[IssueAround],
        opportunities: Iterable[OpportunityAround],
    ) -> list[Commitment]:
        zone = self.runtime.settings.zone
        found = [
            self._owed(one.words or one.issue, one.issue, None, due.astimezone(zone).date())
            for one in issues
            if (due := one.answer_by) is not None
        ]
        for chance in opportunities:
            steps = [chance.next_step] if chance.next_step is not None else []
            found += [self._owed_by(one, chance.opportunity) for one in (*steps, *chance.owed)]
        for one in await self._of(commitment_around, card):
            due_on = one.due_by.astimezone(zone).date() if one.due_by is not None else None
            found.append(self._owed(one.what, one.commitment, one.owner, due_on))
        for visit in await self._of(visit_around, card):
            found += [self._owed_by(one, visit.visit) for one in visit.owed]
        return sorted(found, key=lambda one: (one.due_on or date.max, one.what))

    def _owed_by(self, owed: Owed, of: str) -> Commitment:
        return self._owed(owed.what, of, owed.owner, owed.due_on)

    def _owed(self, what: str, of: str, owner: str | None, due_on: date | None) -> Commitment:
        return Commitment(what, of, owner, due_on, due_on is not None and due_on < self.today)

    async def _earlier(self, card: EntryCard) -> Sequence[Earlier]:
        """Return the last meetings with them, what was noted then included."""
        day = card.day or self.today
        lately = {"$gte": (day - LATELY).isoformat(), "$lte": day.isoformat()}
        found = [
            one
            for one in await self._of(entry_card, card, day=lately)
            if one.entry != card.entry
            and one.category != "private"
            and one.status not in OVER
            and one.starts_at is not None
            and (card.starts_at is None or one.starts_at < card.starts_at)
        ]
        newest = sorted(found, key=lambda one: str(one.day), reverse=True)[:EARLIER_MAX]
        return [Earlier(o.entry, o.starts_at, o.title, o.note, o.seller) for o in newest]
