"""What people are told is there: decisions say what enforces them, commands and files exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sellers.cli import app

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
PLACES = ("*.md", "docs/**/*.md", "examples/*.md", "services/*/README.md")
TOLD = sorted(path for place in PLACES for path in ROOT.glob(place))
SECTIONS = ["Context", "Decision", "Consequences", "Not chosen", "Enforced by"]
TEST = re.compile(r"([\w/]+\.py)::(\w+)")
TARGET = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CAPABILITY = re.compile(r"^\| ([A-Z]-\d\d) \|[^|]+\| ([^|]+?) \|([^|]*)\|$", re.MULTILINE)
COMMAND = re.compile(r"(?:^|`)sellers ([a-z]+)", re.MULTILINE)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_every_decision_says_what_enforces_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {path.stem[:4]}\. .+\n\nState: ", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    enforced = text.partition("## Enforced by")[2]
    assert enforced.count("`") >= 2


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [path.stem[:4] for path in DECISIONS] == [f"{n:04}" for n in range(len(DECISIONS))]


@pytest.mark.parametrize("path", TOLD, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_tests_that_are_named_exist(path: Path) -> None:
    for file, name in TEST.findall(path.read_text(encoding="utf-8")):
        if file != "path":
            text = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"(def|class) {name}\b", text), name


@pytest.mark.parametrize("path", TOLD, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_that_are_named_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(TARGET.findall(text)) <= targets
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    groups = {group.name or group.typer_instance.info.name for group in app.registered_groups}
    assert set(COMMAND.findall(text)) <= commands | groups


@pytest.mark.parametrize("path", TOLD, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_files_that_are_linked_exist(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_every_capability_is_told_once_and_the_heading_counts_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = CAPABILITY.findall(readme)
    ids = [number for number, _, _ in rows]
    assert len(ids) == len(set(ids))
    assert f"All {len(ids)} capabilities" in readme
    for number, state, works in rows:
        assert state in {"yes", "partly", "not yet"}, number
        assert bool(works.strip()) == (state != "not yet"), f"{number}: say what works"


def test_the_capabilities_that_the_code_names_are_in_the_table() -> None:
    known = {number for number, _, _ in CAPABILITY.findall((ROOT / "README.md").read_text())}
    folders = ("services", "shared", "sellers")
    code = "".join(p.read_text() for folder in folders for p in (ROOT / folder).rglob("*.py"))
    named = set(re.findall(r"\(([A-Z]-\d\d)\)", code))
    assert named
    assert named <= known
