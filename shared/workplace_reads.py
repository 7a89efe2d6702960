"""Reads where a colleague works: their units and those above, and the calendars these work by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from shared.reading import Token
from shared.runtime import Runtime
from shared.workplaces import Places, SellerPlace, UnitPlace, WorkHours, Workplace
from shared.worktime import UsualWeek


@dataclass(slots=True)
class WorkplaceReads:
    """What was read for one answer, each once."""

    runtime: Runtime
    at_least: Token | None = None
    units: dict[str, UnitPlace] = field(default_factory=dict)
    calendars: dict[str, WorkHours] = field(default_factory=dict)
    places: Places = field(kw_only=True)

    async def of(self, seller: str, zone: ZoneInfo, usual: UsualWeek) -> Workplace:
        found = await self.runtime.reader(self.places.sellers).get(seller, self.at_least)
        place: SellerPlace | None = None if found is None else found.value
        if place is not None:
            await self._above([held.what for held in place.units])
        return Workplace(zone, usual, place, self.units, self.calendars)

    async def _above(self, wanted: Sequence[str]) -> None:
        """Read these units, all that were or are above them, and their calendars."""
        left = [unit for unit in wanted if unit not in self.units]
        while left:
            unit = left.pop()
            found = await self.runtime.reader(self.places.units).get(unit, self.at_least)
            self.units[unit] = UnitPlace(unit) if found is None else found.value
            for held in self.units[unit].calendars:
                await self._calendar(held.what)
            above = [held.what for held in self.units[unit].parents]
            left += [one for one in above if one not in self.units and one not in left]

    async def _calendar(self, calendar: str) -> None:
        if calendar not in self.calendars:
            found = await self.runtime.reader(self.places.hours).get(calendar, self.at_least)
            self.calendars[calendar] = WorkHours(calendar) if found is None else found.value
