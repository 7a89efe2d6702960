"""Who stands above whom on a day, and who may therefore see whom. Pure.

Units that were placed under each other in a circle, which two placements at the same moment or an
import can bring about, have nobody above them: a circle is shown, and opens no door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from services.organization.employee_views import EmployeeCard
from services.organization.held import Held, also, held_on
from services.organization.unit_views import UnitCard


@dataclass(frozen=True, slots=True)
class OrgTree:
    """Cards of units and colleagues, of as many as the question needs."""

    units: Mapping[str, UnitCard]
    employees: Mapping[str, EmployeeCard]

    def above(self, unit: str | None, on: date) -> tuple[str, ...]:
        """Return the unit and those above it; a circle ends the way with its first unit."""
        way, circle = self._way(unit, on)
        return way[: way.index(circle[0]) + 1] if circle else way

    def circle(self, unit: str, on: date) -> tuple[str, ...]:
        """Return the circle that the unit is part of, from itself on; nothing: it is in none."""
        _, circle = self._way(unit, on)
        return circle if circle and circle[0] == unit else ()

    def circles(self, on: date) -> list[tuple[str, ...]]:
        """Return every circle once, from its smallest name on."""
        found = {self.circle(unit, on) for unit in self.units}
        return sorted(circle for circle in found if circle and circle[0] == min(circle))

    def _way(self, unit: str | None, on: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
        way: list[str] = []
        while unit is not None and unit not in way:
            way.append(unit)
            known = self.units.get(unit)
            unit = held_on(known.parents, on) if known is not None else None
        return tuple(way), tuple(way[way.index(unit) :]) if unit is not None else ()

    def unit_of(self, employee: str, on: date) -> str | None:
        card = self.employees.get(employee)
        return None if card is None else card.on(on).unit

    def manager_of(self, unit: str, on: date) -> str | None:
        known = self.units.get(unit)
        return None if known is None else held_on(known.managers, on)

    def calendar_of(self, unit: str | None, on: date) -> str | None:
        """Return the working calendar of the nearest unit that has one."""
        for one in self.above(unit, on):
            calendar = held_on(self.units[one].calendars, on) if one in self.units else None
            if calendar is not None:
                return calendar
        return None

    def reports_to(self, employee: str, on: date) -> str | None:
        """Return who leads the colleague: the nearest manager above who is somebody else."""
        managers = (self.manager_of(u, on) for u in self.above(self.unit_of(employee, on), on))
        return next((one for one in managers if one not in (None, employee)), None)

    def may_see(self, viewer: str, subject: str, on: date) -> bool:
        """Say whether one may see what is another's: their own, and all of those they lead.

        Who is not with us on that day sees nothing; who left us is seen by those who lead the unit
        they were in last.
        """
        card = self.employees.get(viewer)
        if card is None or card.name is None or not card.on(on).active:
            return False
        if viewer == subject:
            return True
        units = self.above(self.unit_of(subject, on), on)
        return any(self.manager_of(unit, on) == viewer for unit in units)

    def circle_if(self, unit: str, parent: str, since: date | None) -> tuple[date, tuple[str, ...]]:
        """Return the circle that placing a unit there would close, and its first day; or none.

        The days looked at are those from `since` on at which anything above changes.
        """
        card = self.units.get(unit, UnitCard(unit))
        placed = replace(card, parents=also(card.parents, parent, since))
        tree = OrgTree({**self.units, unit: placed}, self.employees)
        for day in sorted(_days(tree.units, since)):
            if circle := tree.circle(unit, day):
                return day, circle
        return since or date.min, ()


def _days(units: Mapping[str, UnitCard], since: date | None) -> set[date]:
    told: list[Held] = [held for card in units.values() for held in card.parents]
    first = since or date.min
    return {first} | {held.since for held in told if held.since is not None and held.since > first}
