"""Who is within whose reach, by the organisation as it is today (shared/access)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.organization.projections import unit_card
from services.organization.reads import Reads
from services.organization.tree import OrgTree
from shared.runtime import Runtime


@dataclass(frozen=True, slots=True)
class OrganizationReach:
    """Asks the views of organization. A move counts from its date on, wherever one was before."""

    runtime: Callable[[], Runtime]

    async def within_team(self, viewer: str, whom: str) -> bool:
        """Say whether one leads a colleague or a unit, or a unit above."""
        runtime = self.runtime()
        reads = Reads(runtime)
        await reads.employee(viewer)
        await _around(reads, whom)
        tree, day = reads.tree, runtime.today
        if whom.startswith("employee-"):
            return tree.may_see(viewer, whom, day)
        if not _works(tree, viewer, runtime):
            return False
        return any(tree.manager_of(unit, day) == viewer for unit in tree.above(whom, day))

    async def leads(self, viewer: str) -> list[str]:
        """Name the units that one is manager of today."""
        runtime = self.runtime()
        reads, day = Reads(runtime), runtime.today
        await reads.employee(viewer)
        if not _works(reads.tree, viewer, runtime):
            return []
        cards = reads.every(unit_card, **{"managers.what": viewer})
        return sorted([card.unit async for card in cards if card.on(day).manager == viewer])

    async def within_division(self, viewer: str, whom: str) -> bool:
        """Say whether both are in one branch below the top; at the top there is no branch."""
        runtime = self.runtime()
        reads = Reads(runtime)
        await reads.around(viewer)
        await _around(reads, whom)
        tree, day = reads.tree, runtime.today
        if not _works(tree, viewer, runtime):
            return False
        mine = _division(tree.above(tree.unit_of(viewer, day), day))
        unit = tree.unit_of(whom, day) if whom.startswith("employee-") else whom
        return mine is not None and mine in tree.above(unit, day)


async def _around(reads: Reads, whom: str) -> None:
    if whom.startswith("employee-"):
        await reads.around(whom)
    else:
        await reads.above([whom])


def _works(tree: OrgTree, employee: str, runtime: Runtime) -> bool:
    card = tree.employees.get(employee)
    return card is not None and card.name is not None and card.on(runtime.today).active


def _division(way: tuple[str, ...]) -> str | None:
    """Return the unit right below the top, of a unit and those above it."""
    return way[-2] if len(way) > 1 else None
