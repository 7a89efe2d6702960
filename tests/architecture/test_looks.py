"""Whoever looks at what a colleague did or planned is seen by them, on every page (N-13)."""

from __future__ import annotations

from fastapi.routing import iter_route_contexts

from sellers.node import routers, rules
from shared.access.rules import Named, Rule
from shared.web.looking import Noticed

# What tells of somebody's work and time.
PERMISSIONS = frozenset(
    {"alerts.read", "calendar.read", "calendar.busy", "coaching.read", "figures.read", "goals.read"}
)
# Deals tell of customers; a list of somebody's deals tells of what they have in hand, as one of
# what they look after or take over does.
LISTED = frozenset({"deals.read", "handovers.read"})
# Lists of customers that may be asked for by a colleague's name, whoever may see all of them.
BY_NAME = ("GET /issues", "GET /issues/commitments")
# Pages that name a colleague and note nothing, each with the reason.
UNNOTED = {
    "GET /alerts/history/{stream}": "facts as they lie in the log, for who looks into one thing",
    "GET /calendar/history/{stream}": "the same",
    "GET /analytics/history/{stream}": "the same",
    "GET /calendar/agendas/{employee}/free-busy.ics": "a file that other programs fetch all day",
}


def _about_a_colleague(rule: Rule) -> bool:
    if rule.permission in LISTED:
        return any(isinstance(whose, Named) for whose in rule.whose)
    return rule.permission in PERMISSIONS and bool(rule.whose)


def test_n_13_every_page_about_a_colleague_notes_who_looks() -> None:
    noted = {
        f"{method} {found.path}"
        for router in routers()
        for found in iter_route_contexts(router.routes)
        if isinstance(found.original_route, Noticed) and found.original_route.notes
        for method in found.methods or ()
    }
    about = {
        route
        for route, rule in rules().items()
        if _about_a_colleague(rule) and route.startswith("GET ")
    }
    assert about
    assert about - noted == set(UNNOTED), "give its router `route_class=Noticed`, or a reason here"
    assert noted.issuperset(BY_NAME)
