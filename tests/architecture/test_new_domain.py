"""A new domain passes every check at once, and nothing is written when its name cannot be."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sellers.new_domain import NoDomainError, check, planned, singular

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("name", "one", "because"),
    [
        ("contacts", "contact", "taken"),
        ("touches", "contact", "taken"),
        ("structlog", "entry", "taken"),
        ("tickets", "issue", "taken: it names streams"),
        ("orders", "orders", "say what one of the orders is called"),
        ("Orders", "order", "small letters"),
        ("key_accounts", "account", "small letters"),
        ("match", "order", "no word of Python"),
        ("orders", "class", "no word of Python"),
        ("../x", "order", "small letters"),
        ("email", "order", "module of Python"),
        ("base", "foo", "taken"),
        ("decode", "foo", "taken"),
        ("shared", "foo", "taken"),
        ("sellers", "foo", "taken"),
        ("parked", "foo", "taken"),
        ("readyz", "foo", "taken"),
        ("", "", "small letters"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_reason(
    name: str, one: str, because: str
) -> None:
    with pytest.raises(NoDomainError, match=because):
        check(name, one)


def test_a_file_that_exists_is_never_written_over() -> None:
    with pytest.raises(NoDomainError, match=r"base\.py is there already"):
        planned("base", "foo")


def test_one_of_them_is_guessed() -> None:
    assert [singular(name) for name in ("orders", "deliveries", "stock")] == [
        "order",
        "delivery",
        "stock",
    ]


def test_the_places_where_domains_are_listed_have_the_shape_it_knows() -> None:
    check("zebras", "zebra")
    files = planned("zebras", "zebra")
    assert {
        path.relative_to(ROOT / "services/zebras").as_posix()
        for path in files
        if "services" in path.parts
    } == {
        "README.md",
        "__init__.py",
        "access.py",
        "api.py",
        "main.py",
        "model.py",
        "projections.py",
        "tests/__init__.py",
        "tests/test_api.py",
        "tests/test_model.py",
        "tests/test_projections.py",
    }
    placeholder = re.compile("@[A-Za-z]+@")
    assert not any(placeholder.search(text) for text in files.values())


def test_one_of_them_has_the_right_article() -> None:
    antelopes = planned("antelopes", "antelope")[ROOT / "services/antelopes/model.py"]
    assert '"""What may happen to an antelope.' in antelopes
    assert '"""An antelope is registered once."""' in antelopes
    zebras = planned("zebras", "zebra")[ROOT / "services/zebras/model.py"]
    assert '"""A zebra is registered once."""' in zebras


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository: what git tracks, and what it would if it were added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def run(copy: Path, *words: str | Path) -> str:
    done = subprocess.run(
        words,
        cwd=copy,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)  # every check of the repository, one after the other
def test_a_new_domain_passes_every_check_at_once(copy: Path) -> None:
    assert "services/orders is there" in run(copy, PYTHON, "-m", "sellers.new_domain", "orders")
    code = ("services/orders", "shared/events", "sellers/node.py")
    run(copy, BIN / "ruff", "check", *code)
    run(copy, BIN / "ruff", "format", "--check", *code)
    run(copy, BIN / "mypy")
    assert "0 broken" in run(copy, BIN / "lint-imports")
    # What is tried with the template itself was tried outside the copy.
    tests = (
        "services/orders",
        "tests/architecture",
        f"--ignore={Path(__file__).relative_to(ROOT)}",
    )
    passed = run(copy, PYTHON, "-m", "pytest", "-q", "-n", "2", "-m", "not slow", *tests, "-rA")
    assert "services/orders/tests/test_api.py::test_it_is_listed_by_owner" in passed
    assert "test_a_released_schema_means_what_it_meant[orders.order_registered.v1]" in passed


@pytest.mark.slow
def test_a_refused_name_leaves_everything_as_it_is(copy: Path) -> None:
    before = sorted(copy.rglob("*"))
    done = subprocess.run(
        [PYTHON, "-m", "sellers.new_domain", "contacts"],
        cwd=copy,
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.returncode, done.stderr) == (1, "new-domain: 'contacts' is taken\n")
    assert sorted(copy.rglob("*")) == before
