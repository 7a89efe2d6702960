"""Reads the cards that a question about the organisation needs, each once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends

from services.organization.defaults import OrganizationDefaults
from services.organization.projections import (
    EmployeeCard,
    OwnedItem,
    UnitCard,
    WorkcalendarCard,
    employee_card,
    owned_item,
    unit_card,
    workcalendar_card,
)
from services.organization.tree import OrgTree
from shared.errors import InvalidError
from shared.projection import Projection
from shared.reading import PAGE, Seen, Token
from shared.runtime import Runtime
from shared.web import runtime_of

V = TypeVar("V")
# Items asked for by name at once.
ITEMS_MAX = 50

Organization = Annotated[Runtime, Depends(runtime_of("organization"))]


def defaults_of(runtime: Runtime) -> OrganizationDefaults:
    chosen = runtime.domain.defaults
    assert isinstance(chosen, OrganizationDefaults)
    return chosen


@dataclass(slots=True)
class Reads:
    """What was read for one answer, at least as fresh as the caller's own write."""

    runtime: Runtime
    at_least: Token | None = None
    employees: dict[str, EmployeeCard] = field(default_factory=dict)
    units: dict[str, UnitCard] = field(default_factory=dict)
    calendars: dict[str, WorkcalendarCard] = field(default_factory=dict)
    # Streams that items lack facts of.
    parked: set[str] = field(default_factory=set)

    async def seen(self, projection: Projection[Any], key: str) -> Seen | None:
        return await self.runtime.reader(projection).get(key, self.at_least)

    async def employee(self, stream: str) -> Seen | None:
        found = await self.seen(employee_card, stream)
        if found is not None:
            self.employees[stream] = found.value
        return found

    async def unit(self, stream: str) -> Seen | None:
        found = await self.seen(unit_card, stream)
        if found is not None:
            self.units[stream] = found.value
        return found

    async def calendar(self, stream: str | None) -> WorkcalendarCard | None:
        if stream is not None and stream not in self.calendars:
            found = await self.seen(workcalendar_card, stream)
            if found is not None:
                self.calendars[stream] = found.value
        return self.calendars.get(stream or "")

    async def above(self, units: Iterable[str]) -> None:
        """Read these units and all that were, are or will be above them."""
        wanted, asked = list(units), set[str]()
        while wanted:
            unit = wanted.pop()
            if unit in asked:
                continue
            asked.add(unit)
            if unit in self.units or await self.unit(unit) is not None:
                wanted += [held.what for held in self.units[unit].parents]

    async def around(self, employee: str) -> Seen | None:
        """Read a colleague and all units that were, are or will be theirs or above them."""
        found = await self.employee(employee)
        if found is not None:
            await self.above(one.unit for one in found.value.assignments)
        return found

    async def names(self, employees: Iterable[str | None]) -> dict[str, str | None]:
        """Return what these colleagues are called; of those not read yet, read the cards."""
        wanted = {one for one in employees if one is not None}
        for one in wanted - self.employees.keys():
            await self.employee(one)
        return {one: self.employees[one].name for one in wanted if one in self.employees}

    def every(self, projection: Projection[V], **where: Any) -> AsyncIterator[V]:
        """Read all views whose fields match, page after page."""
        return self.runtime.reader(projection).every(where, self.at_least)

    async def items(self, **where: Any) -> list[OwnedItem]:
        """Read what colleagues look after, as far as it matches; note what it lacks facts of."""
        found: list[OwnedItem] = []
        reader, after = self.runtime.reader(owned_item), None
        while True:
            page = await reader.page(where, limit=PAGE, after=after, at_least=self.at_least)
            found += [one.value for one in page.items]
            self.parked |= set(page.parked)
            after = page.next_key
            if after is None:
                return found

    async def check_takers(self, asked: Mapping[str, str]) -> None:
        """Refuse to hand over to who is not here, naming the field in which they were named."""
        for where, employee in asked.items():
            if employee not in self.employees:
                await self.employee(employee)
            card = self.employees.get(employee)
            if card is None or card.name is None:
                raise InvalidError(f"{employee} is nobody of ours", field=where)
            if not card.on(self.runtime.today).active:
                raise InvalidError(f"{card.name} has left us", field=where)

    async def named(self, items: Collection[str]) -> dict[str, OwnedItem]:
        """Read these items, so that others can name them."""
        wanted, found = sorted(items), dict[str, OwnedItem]()
        for at in range(0, len(wanted), ITEMS_MAX):
            some = await self.items(item={"$in": wanted[at : at + ITEMS_MAX]})
            found |= {one.item: one for one in some}
        return found

    async def whole(self) -> OrgTree:
        """Read every unit."""
        async for card in self.every(unit_card):
            self.units[card.unit] = card
        return self.tree

    @property
    def tree(self) -> OrgTree:
        return OrgTree(self.units, self.employees)
