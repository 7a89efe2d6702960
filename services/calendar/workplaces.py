"""Reads where sellers work: their units and those above, and the calendars these work by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from services.calendar.worklife import Workplace
from services.calendar.workplace_views import (
    SellerPlace,
    UnitPlace,
    WorkHours,
    seller_place,
    unit_place,
    work_hours,
)
from shared.errors import InvalidError
from shared.reading import Token
from shared.runtime import Runtime
from shared.through import held_on
from shared.worktime import UsualWeek

SELLERS_MAX = 500


def one_of(seller: str | None, unit: str | None) -> str:
    """Return which of both is asked for.

    Raises:
        InvalidError: both are, or neither.

    """
    if (seller is None) == (unit is None):
        raise InvalidError("of a seller or of a unit: one of both", field="query/seller")
    return seller or unit or ""


@dataclass(slots=True)
class Workplaces:
    """What was read for one answer, each once."""

    runtime: Runtime
    at_least: Token | None = None
    units: dict[str, UnitPlace] = field(default_factory=dict)
    calendars: dict[str, WorkHours] = field(default_factory=dict)

    async def of(self, seller: str, zone: ZoneInfo, usual: UsualWeek) -> Workplace:
        found = await self.runtime.reader(seller_place).get(seller, self.at_least)
        place: SellerPlace | None = None if found is None else found.value
        if place is not None:
            await self._above([held.what for held in place.units])
        return Workplace(zone, usual, place, self.units, self.calendars)

    async def _above(self, wanted: Sequence[str]) -> None:
        """Read these units, all that were or are above them, and their calendars."""
        left = [unit for unit in wanted if unit not in self.units]
        while left:
            unit = left.pop()
            found = await self.runtime.reader(unit_place).get(unit, self.at_least)
            self.units[unit] = UnitPlace(unit) if found is None else found.value
            for held in self.units[unit].calendars:
                await self._calendar(held.what)
            above = [held.what for held in self.units[unit].parents]
            left += [one for one in above if one not in self.units and one not in left]

    async def _calendar(self, calendar: str) -> None:
        if calendar not in self.calendars:
            found = await self.runtime.reader(work_hours).get(calendar, self.at_least)
            self.calendars[calendar] = WorkHours(calendar) if found is None else found.value

    async def sellers_of(self, unit: str, on: date) -> dict[str, str | None]:
        """Return who belongs to a unit, or one under it, on a day, with their names.

        Raises:
            InvalidError: they are more than one answer can tell of.

        """
        units, found = await self._under(unit, on), dict[str, str | None]()
        for one in units:
            reader = self.runtime.reader(seller_place)
            async for place in reader.every({"units.what": one}, self.at_least):
                gone = place.left_on is not None and place.left_on < on
                if held_on(place.units, on) == one and not gone:
                    found[place.seller] = place.name
        if len(found) > SELLERS_MAX:
            raise InvalidError(f"more than {SELLERS_MAX} sellers", field="query/unit")
        return dict(sorted(found.items()))

    async def asked_for(
        self, seller: str | None, unit: str | None, on: date
    ) -> dict[str, str | None]:
        """Return the seller asked for, or those of the unit on that day, with their names."""
        return {seller or "": None} if unit is None else await self.sellers_of(unit, on)

    async def _under(self, unit: str, on: date) -> list[str]:
        units = [unit]
        for one in units:
            units += [child for child in await self.right_under(one, on) if child not in units]
        return units

    async def right_under(self, unit: str, on: date) -> dict[str, str | None]:
        """Return the units whose next above is this one on a day, with their names."""
        reader, found = self.runtime.reader(unit_place), dict[str, str | None]()
        async for child in reader.every({"parents.what": unit}, self.at_least):
            if held_on(child.parents, on) == unit:
                found[child.unit] = child.name
        return dict(sorted(found.items()))
