"""An address may say what the API's description says: all of it, and nothing else."""

from __future__ import annotations

from fastapi.routing import iter_route_contexts

from sellers.node import Node, create_app
from shared.settings import Settings
from shared.web.router import LenientRoute, Route

# Given to programs whole, which add to them: probes and scrapers, calendar programs.
LENIENT = (
    "/livez",
    "/readyz",
    "/metrics",
    "/calendar/feeds/",
    "/calendar/dav/",
    "/calendar/agendas/{employee}/feeds/",
    "/calendar/agendas/{employee}/free-busy.ics",
)


def test_every_route_takes_what_is_described() -> None:
    app = create_app(Node(Settings()))
    described = app.openapi()["paths"]
    looked_at = 0
    for route in iter_route_contexts(app.routes):
        ours = route.original_route
        if not isinstance(ours, Route):
            continue
        for method in route.methods or ():
            told = described.get(route.path_format, {}).get(method.lower())
            if told is not None:
                names = {one["name"] for one in told.get("parameters", ()) if one["in"] == "query"}
                assert ours.asked_by == names, f"{method} {route.path}"
                looked_at += 1
    assert looked_at > 300


# Parameters of paths that name no stream, or one by its whole name.
NO_IDS = {"audience", "feed", "name", "path", "stream", "token", "wire"}


def test_ids_in_paths_are_known_as_such() -> None:
    """A parameter that names a stream and does not say so would take `person-7` for another id."""
    app = create_app(Node(Settings()))
    named: set[str] = set()
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Route):
            told = set(route.param_convertors) - NO_IDS
            assert told == set(route.original_route.kinds), route.path
            named |= told
    assert {"person", "company", "employee", "opportunity", "issue", "entry", "series"} <= named


def test_who_may_add_parameters_is_known() -> None:
    app = create_app(Node(Settings()))
    lenient = {
        str(route.path)
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, LenientRoute)
    }
    assert {path for path in lenient if not path.startswith(LENIENT)} == set()
