"""The parts together are the whole: no route, no task and no probe is lost between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient

from sellers.node import MODULES, SHOW_COLLEAGUES, Node, create_app, sections
from sellers.parts import WHOLE, Part, part_of
from shared.settings import Settings
from shared.web.looking import Noticed

PROBES = {"/livez", "/readyz"}
APIS = [Part("api", name) for name in sorted(sections())]


def paths(part: Part) -> set[str]:
    routes: dict[str, Any] = create_app(Node(Settings(), part=part)).openapi()["paths"]
    return set(routes) - PROBES


def served(part: Part) -> set[str]:
    """Return what a part serves itself: the platform describes more than that."""
    app = create_app(Node(Settings(), part=part))
    return set(type(app).openapi(app)["paths"]) - PROBES


def test_every_path_is_served_by_exactly_one_part() -> None:
    owners = Counter(path for part in (*APIS, Part("platform")) for path in served(part))
    assert owners == Counter(paths(WHOLE))


def test_the_platform_describes_all_of_them() -> None:
    assert paths(Part("platform")) == paths(WHOLE)


@pytest.mark.parametrize("domain", sorted(sections()))
def test_a_projector_answers_probes_only(domain: str) -> None:
    assert paths(Part("projector", domain)) == set()


def test_words_name_a_part() -> None:
    assert part_of([], sections()) == part_of(["whole"], sections()) == WHOLE
    assert part_of(["api", "contacts"], sections()) == Part("api", "contacts")
    assert part_of(["projector", "issues"], sections()) == Part("projector", "issues")
    assert part_of(["platform"], sections()) == Part("platform")


@pytest.mark.parametrize("words", [["api"], ["api", "nobody"], ["both"], ["platform", "issues"]])
def test_other_words_are_refused_with_those_that_exist(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        part_of(words, sections())
    assert refused.value.code == 2
    assert "api DOMAIN" in capsys.readouterr().err


@pytest.mark.parametrize("part", [*APIS, Part("projector", "contacts"), Part("platform")])
async def test_probes_answer_before_anything_is_connected(part: Part) -> None:
    app = create_app(Node(Settings(), part=part))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://here") as probe:
        assert (await probe.get("/livez")).status_code == 200
        not_ready = await probe.get("/readyz")
        assert (not_ready.status_code, not_ready.json()["missing"]) == (503, {"node": "starting"})


def routes_of(router: Any) -> Iterator[Any]:
    """Yield the routes of a router, and those of all that it includes."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        yield from [route] if included is None else routes_of(included)


def test_looks_are_noted_beside_every_domain_that_shows_colleagues() -> None:
    shown = {
        module.domain.name
        for module in MODULES
        if any(isinstance(route, Noticed) for route in routes_of(module.router))
    }
    assert shown == SHOW_COLLEAGUES | {"analytics"}
