"""Reads where sellers work: their units and those above, and the calendars these work by."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from services.calendar.workplace_views import PLACES
from shared.errors import InvalidError
from shared.through import held_on
from shared.workplace_reads import WorkplaceReads
from shared.workplaces import Places

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
class Workplaces(WorkplaceReads):
    """Where sellers work, and who works in a unit; each was read once for one answer."""

    places: Places = field(default=PLACES, kw_only=True)

    async def sellers_of(self, unit: str, on: date) -> dict[str, str | None]:
        """Return who belongs to a unit, or one under it, on a day, with their names.

        Raises:
            InvalidError: they are more than one answer can tell of.

        """
        units, found = await self._under(unit, on), dict[str, str | None]()
        for one in units:
            reader = self.runtime.reader(self.places.sellers)
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
        reader, found = self.runtime.reader(self.places.units), dict[str, str | None]()
        async for child in reader.every({"parents.what": unit}, self.at_least):
            if held_on(child.parents, on) == unit:
                found[child.unit] = child.name
        return dict(sorted(found.items()))
