"""Whoever looks at what a colleague did or planned is seen by them, on every page (N-13)."""

from __future__ import annotations

from fastapi.routing import iter_route_contexts

from sellers.node import routers, rules
from shared.web.looking import Noticed

# What tells of somebody's work and time; deals, issues and contacts tell of customers.
PERMISSIONS = frozenset({"calendar.read", "calendar.busy", "figures.read", "coaching.read"})
# Pages that name a colleague and note nothing, each with the reason.
UNNOTED = {
    "GET /calendar/history/{stream}": "facts as they lie in the log, for who looks into one thing",
    "GET /analytics/history/{stream}": "the same",
    "GET /calendar/agendas/{employee}/free-busy.ics": "a file that other programs fetch all day",
    "GET /issues/capture": "the service of issues has no right to write what is noted elsewhere",
}


def test_n_13_every_page_about_a_colleague_notes_who_looks() -> None:
    noted = {
        f"{method} {found.path}"
        for router in routers()
        for found in iter_route_contexts(router.routes)
        if isinstance(found.original_route, Noticed)
        for method in found.methods or ()
    }
    about = {
        route
        for route, rule in rules().items()
        if rule.permission in PERMISSIONS and rule.whose and route.startswith("GET ")
    }
    assert about
    assert about - noted == set(UNNOTED), "give its router `route_class=Noticed`, or a reason here"
