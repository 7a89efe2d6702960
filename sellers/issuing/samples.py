"""Whom the development issuer offers to sign in as: some of the company that is there."""

from __future__ import annotations

from sellers.issuing.signing import ADMINISTRATOR, OPERATOR, User
from services.organization.projections import EmployeeCard, UnitCard, employee_card, unit_card
from shared.access.roles import Role
from shared.runtime import Runtime

EACH = 3


async def sample_users(runtime: Runtime) -> list[User]:
    """Return an executive, leaders and sellers as they are today, and who runs the platform."""
    day = runtime.today
    units = [card.on(day) async for card in runtime.reader(unit_card).every({})]
    people = [card.on(day) async for card in runtime.reader(employee_card).every({})]
    here = {card.employee: card for card in people if card.active and card.name is not None}
    top = {unit.manager for unit in units if unit.parent is None}
    lead = {unit.manager for unit in _lowest(units)} - top
    others = here.keys() - {unit.manager for unit in units}
    by_role: list[tuple[Role, set[str | None]]] = [
        ("executive", top),
        ("leader", lead),
        ("seller", {*others}),
    ]
    found = [
        _user(here[name], role)
        for role, names in by_role
        for name in sorted(here.keys() & names)[:EACH]
    ]
    return [*found, ADMINISTRATOR, OPERATOR]


def _lowest(units: list[UnitCard]) -> list[UnitCard]:
    """Return the units that have none below them, or all where every one has."""
    above = {unit.parent for unit in units}
    return [unit for unit in units if unit.unit not in above] or units


def _user(card: EmployeeCard, role: Role) -> User:
    return User(card.employee, card.name or card.employee, (role,), card.employee)
