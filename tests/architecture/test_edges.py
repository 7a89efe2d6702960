"""Who reads what others send reads days and instants by the one exact way (`shared/command.py`).

What pydantic makes of a bare one, 5 is five seconds after 1970 began, which a fact then says.
Bodies and addresses are tried one by one (`tests/hostile/test_exact.py`): this finds what reads
besides them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BARE = {"AwareDatetime", "NaiveDatetime", "PastDatetime", "FutureDatetime", "PastDate"}
LAX = {"date", "datetime", "time", *BARE}
# What is read there is ours: facts that were released, settings, and where the exact way is made.
OURS = (
    "shared/events/",
    "shared/testing/",
    "shared/command.py",
    "shared/released.py",
    "services/alerts/defaults.py",
)


def edges() -> Iterator[Path]:
    for package in ("shared", "services", "sellers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            named = path.relative_to(ROOT).as_posix()
            if "/tests/" not in named and not named.startswith(OURS):
                yield path


def bare(tree: ast.Module) -> list[str]:
    """Return where a module reads a bare day or instant, or has what would."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "pydantic":
            found += [f"{one.name} in line {node.lineno}" for one in node.names if one.name in BARE]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "TypeAdapter":
            of = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & LAX
            found += [f"{one} in line {node.lineno}" for one in sorted(of)]
    return found


def test_no_edge_reads_a_bare_day_or_instant() -> None:
    paths = list(edges())
    assert len(paths) > 300
    found = {str(path.relative_to(ROOT)): bare(ast.parse(path.read_text())) for path in paths}
    assert {path: where for path, where in found.items() if where} == {}


@pytest.mark.parametrize(
    "wrong",
    ["from pydantic import AwareDatetime", "TIME = TypeAdapter(datetime | None)"],
)
def test_one_that_does_is_found(wrong: str) -> None:
    assert len(bare(ast.parse(wrong))) == 1
