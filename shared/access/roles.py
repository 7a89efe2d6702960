"""Who may do what: roles, how far each reaches, and in which matters. Deny by default.

This table and the rules beside the routes (`services/*/access.py`, `shared/access/platform.py`) are
the one declaration; docs/access.md is written from them and a test tries every cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, get_args

Role = Literal["seller", "leader", "executive", "marketing", "analytics", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)
# What a key of a system may be: nobody's eyes, so none of those that reach by the organisation.
SYSTEM_ROLES: tuple[Role, ...] = ("marketing", "analytics", "administrator")


class Scope(IntEnum):
    """Whose: each reaches further than the one before. By the organisation as it is today."""

    NONE = 0
    OWN = 1  # one's own
    TEAM = 2  # and of all in the units one leads, and below them
    DIVISION = 3  # and of all in the branch below the top that one works in
    COMPANY = 4  # everybody's, and what is nobody's


OWN, TEAM, DIVISION, COMPANY = Scope.OWN, Scope.TEAM, Scope.DIVISION, Scope.COMPANY


@dataclass(frozen=True, slots=True)
class Permission:
    """A matter that somebody may deal with, and how far each role reaches in it."""

    says: str
    reach: Mapping[Role, Scope]


def _allows(says: str, **reach: Scope) -> Permission:
    known = {role: reach.pop(role) for role in ROLES if role in reach}
    assert not reach, f"no such role: {', '.join(reach)}"
    return Permission(says, known)


_EVERYBODY = dict.fromkeys(ROLES, COMPANY)
_COLLEAGUES = {"seller": COMPANY, "leader": COMPANY, "executive": COMPANY}

PERMISSIONS: dict[str, Permission] = {
    "self": _allows("ask who one is to the platform", **_EVERYBODY),
    "catalogue.read": _allows("products, KPIs, alert rules, working calendars", **_EVERYBODY),
    "catalogue.write": _allows(
        "change products, KPIs and agreed rules, and try alert rules",
        executive=COMPANY,
        administrator=COMPANY,
    ),
    # Nothing is asked twice: what is known of a customer, every colleague knows (C-03).
    "customers.read": _allows("people, companies and what is known of them", **_COLLEAGUES),
    "customers.write": _allows("tell what one learns of people and companies", **_COLLEAGUES),
    "touches.publish": _allows(
        "record touches", **_COLLEAGUES, marketing=COMPANY, administrator=COMPANY
    ),
    "promotions": _allows(
        "ask whether a promotion may be sent, plan it, and note consents",
        **_COLLEAGUES,
        marketing=COMPANY,
    ),
    "deals.read": _allows(
        "opportunities, and who commits to them",
        seller=OWN,
        leader=DIVISION,
        executive=COMPANY,
        analytics=COMPANY,
    ),
    "deals.write": _allows(
        "discover, advance, coach, win and lose opportunities",
        seller=OWN,
        leader=TEAM,
        executive=COMPANY,
    ),
    "hand-offs.publish": _allows(
        "tell what became of orders that were won (an ERP)", administrator=COMPANY
    ),
    "goals.read": _allows(
        "targets and frozen forecasts",
        seller=OWN,
        leader=TEAM,
        executive=COMPANY,
        analytics=COMPANY,
    ),
    "forecasts.freeze": _allows("freeze a forecast", seller=OWN, leader=TEAM, executive=COMPANY),
    "targets.write": _allows("set and withdraw targets", leader=TEAM, executive=COMPANY),
    "issues.read": _allows("complaints, commitments and the voice of customers", **_COLLEAGUES),
    "issues.write": _allows("take complaints up, and make and keep commitments", **_COLLEAGUES),
    "calendar.read": _allows(
        "entries and where the time went; of what is private, busy minutes",
        seller=OWN,
        leader=TEAM,
        executive=COMPANY,
    ),
    "calendar.busy": _allows("when somebody is busy", **_COLLEAGUES, administrator=COMPANY),
    "calendar.write": _allows(
        "plan and keep entries and series", seller=OWN, leader=TEAM, executive=OWN
    ),
    # Nobody reaches beyond their own here, whatever they lead.
    "calendar.private": _allows(
        "private entries, their key, and feeds", seller=OWN, leader=OWN, executive=OWN
    ),
    "alerts.read": _allows("alerts", seller=OWN, leader=TEAM, executive=COMPANY),
    "alerts.acknowledge": _allows("acknowledge alerts", seller=OWN, leader=TEAM, executive=OWN),
    "figures.read": _allows(
        "figures of sellers, units and the company, and what they are made of",
        seller=OWN,
        leader=TEAM,
        executive=COMPANY,
        analytics=COMPANY,
    ),
    "coaching.read": _allows(
        "assessments and KPI reviews", seller=OWN, leader=TEAM, executive=COMPANY
    ),
    "coaching.write": _allows("assess and review those one leads", leader=TEAM, executive=COMPANY),
    "coaching.answer": _allows(
        "answer an assessment of oneself", seller=OWN, leader=OWN, executive=OWN
    ),
    "looks.read": _allows(
        "where all that is held about oneself stands, and who looked at it",
        seller=OWN,
        leader=OWN,
        executive=OWN,
    ),
    "organization.read": _allows(
        "colleagues, units and the chart", **_COLLEAGUES, analytics=COMPANY, administrator=COMPANY
    ),
    "organization.write": _allows(
        "hire, move, form units, declare holidays", administrator=COMPANY
    ),
    "organization.history": _allows(
        "every fact of a colleague or a unit", executive=COMPANY, administrator=COMPANY
    ),
    "absences.write": _allows("plan absences", seller=OWN, leader=TEAM, administrator=COMPANY),
    "handovers.read": _allows(
        "handovers, and what somebody looks after",
        seller=OWN,
        leader=TEAM,
        executive=COMPANY,
        administrator=COMPANY,
    ),
    "handovers.write": _allows(
        "start, give and take handovers",
        seller=OWN,
        leader=TEAM,
        executive=COMPANY,
        administrator=COMPANY,
    ),
    "subscribe": _allows("pull facts and subscribe to views", analytics=COMPANY),
    "people.erase": _allows("erase a person for good, and see the proofs", administrator=COMPANY),
    "import": _allows("bring in what other systems hold, in bulk", administrator=COMPANY),
    "operate": _allows("lag, parked facts, rebuilds, traces, verification", administrator=COMPANY),
    "webhooks": _allows("send facts to addresses outside", administrator=COMPANY),
    # Who runs the platform reads no customers, and so does not say who outside may, either.
    "webhooks.words": _allows("let words about people be sent outside opened", executive=COMPANY),
    "keys": _allows("issue and revoke the keys of systems", administrator=COMPANY),
}


def reach(roles: Iterable[Role], permission: str) -> Scope:
    """Return how far somebody of these roles reaches in a matter."""
    granted = PERMISSIONS[permission].reach
    return max((granted.get(role, Scope.NONE) for role in roles), default=Scope.NONE)


def allowed(permission: str) -> list[Role]:
    """Return the roles that reach anywhere in a matter."""
    return [role for role in ROLES if PERMISSIONS[permission].reach.get(role)]
