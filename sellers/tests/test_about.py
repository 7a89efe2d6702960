"""N-13: every seller sees all data about themselves, and who looked."""

from __future__ import annotations

from urllib.parse import parse_qsl

from sellers.node import rules
from sellers.tests.admitted import Platform, statuses, viewers
from shared.access.rules import Named

INDEX = "/analytics/about/ada"
# Reached from what is listed: rows that open, and what is told of one figure of the company.
REACHED = ("/why", "/free-busy.ics", "/agendas/{employee}/settings")
FROM = ("GET /analytics/kpis/", "GET /analytics/about/")


def named() -> dict[str, str]:
    """Every page about a colleague, and the parameter that names them."""
    found: dict[str, str] = {}
    for route, rule in rules().items():
        whose = [one for one in rule.whose if isinstance(one, Named) and one.kind == "employee"]
        if whose and route.startswith("GET ") and not route.startswith(FROM):
            found[route.removeprefix("GET ")] = whose[0].field
    return {path: name for path, name in found.items() if not path.endswith(REACHED)}


async def test_n_13_every_page_about_a_seller_is_in_their_index(platform: Platform) -> None:
    items = (await platform.get("ada", INDEX)).json()["items"]
    listed = [one["at"].partition("?") for one in items]
    told = {(path, name, value) for path, _, query in listed for name, value in parse_qsl(query)}
    paths = {path for path, _, _ in listed}
    for path, name in named().items():
        if "{employee}" in path:
            assert path.replace("{employee}", "ada") in paths, path
        else:
            assert (path, name, "employee-ada") in told, path


async def test_n_13_whatever_the_index_names_opens_for_its_seller(platform: Platform) -> None:
    items = (await platform.get("ada", INDEX)).json()["items"]
    assert len({one["name"] for one in items}) == len(items)
    for one in items:
        answer = await platform.get("ada", one["at"])
        assert answer.status_code == 200, (one, answer.text)


async def test_n_13_the_index_counts_what_there_is(platform: Platform) -> None:
    assert (await platform.get("park", "/alerts/inbox/ada")).status_code == 200
    assert await viewers(platform, "ada", "/alerts/inbox/ada") == ["employee-park"]
    told = {
        "leader": "employee-park",
        "of": "employee-ada",
        "period": "2026-Q1",
        "process": 4,
        "words": "steady",
        "on": "2026-04-02",
    }
    await platform.done("park", "/analytics/assessments/of-ada/give", told)
    await platform.folded()
    items = (await platform.get("ada", INDEX)).json()["items"]
    counts = {one["name"]: one["count"] for one in items}
    assert (counts["assessments"], counts["alerts"]) == (1, None)
    assert counts["looks"] >= 1


async def test_n_13_nobody_else_is_told_where_all_of_somebody_stands(platform: Platform) -> None:
    seen = await statuses(platform, INDEX, "ada", "park", "lee", "kim", "admin")
    assert seen == {"ada": 200, "park": 403, "lee": 403, "kim": 403, "admin": 403}
