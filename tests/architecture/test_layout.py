"""A domain is one small folder, the same everywhere, and the pages lead to what exists."""

from __future__ import annotations

import calendar
import re
from pathlib import Path

import pytest

from sellers import defaults
from sellers.catalogue import PAGE, page
from sellers.node import MODULES

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "services"
DOMAINS = sorted(path.parent.name for path in SERVICES.glob("*/__init__.py"))
# What everybody finds in every domain. Analytics decides nothing, so it has no model.
EVERYWHERE = ("README.md", "__init__.py", "api.py", "main.py", "projections.py", "tests")
DECIDING = ("model.py", "tests/test_model.py", "tests/test_projections.py", "tests/test_api.py")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
PAGES = sorted(
    path
    for pages in ("*.md", "docs/**/*.md", "examples/*.md", "services/*/*.md")
    for path in ROOT.glob(pages)
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)


def test_the_standard_librarys_calendar_is_not_ours() -> None:
    # `services/` itself on the path would make `import calendar` find the domain.
    assert calendar.timegm((1970, 1, 1, 0, 0, 1)) == 1


def test_every_folder_is_a_domain_that_is_served() -> None:
    assert sorted(module.domain.name for module in MODULES) == DOMAINS
    assert [module.__name__ for module in MODULES] == [
        f"services.{module.domain.name}.main" for module in MODULES
    ]


@pytest.mark.parametrize("name", DOMAINS)
def test_every_domain_has_the_same_files(name: str) -> None:
    (module,) = (module for module in MODULES if module.domain.name == name)
    wanted = EVERYWHERE + (DECIDING if module.domain.deciders else ())
    assert [file for file in wanted if not (SERVICES / name / file).exists()] == []


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domains_page_is_read_in_a_minute(name: str) -> None:
    lines = (SERVICES / name / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert len(lines) <= 16, "what it decides, its streams, its views: the rest is in the files"


def test_the_file_of_defaults_says_what_the_code_says() -> None:
    assert defaults.FILE.read_text(encoding="utf-8") == defaults.text(), "run: make defaults"


def test_the_catalogue_of_facts_is_true() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make events`"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    links = LINK.findall(path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []
