"""Starts a new domain: `python -m sellers.new_domain orders` (`make new-domain NAME=orders`).

Facts, folder, tests, topic, schemas and examples from the templates beside this file; it is served
and passes every check at once. Nothing is written when anything is in the way.
"""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from fastapi import FastAPI

from sellers import node
from shared import events
from shared.snapshots import EVENTS
from shared.topics import declared_topics

TEMPLATES = Path(__file__).parent / "templates" / "domain"
ROOT = Path(__file__).parent.parent
NAME = re.compile(r"[a-z]{3,20}")
PUBLISHED = "\n  # Published views"
LANGUAGE = "__init__.py"
VOWELS = "aeiou"
PACKAGES = ("services", "shared", "sellers", "tests")
PROBES = ("livez", "readyz", "metrics", "docs", "openapi")


class NoDomainError(Exception):
    """Why a domain cannot be started under this name."""


def singular(name: str) -> str:
    """Guess what one of them is called."""
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name.removesuffix("s")


def check(name: str, one: str) -> None:
    """Refuse names that something else has, or that code cannot have.

    Raises:
        NoDomainError: saying what is in the way.

    """
    for word in (name, one):
        if not NAME.fullmatch(word) or keyword.iskeyword(word) or keyword.issoftkeyword(word):
            raise NoDomainError(f"{word!r}: 3 to 20 small letters, and no word of Python's")
    if name == one:
        raise NoDomainError(f"say what one of the {name} is called: make new-domain NAME=… ONE=…")
    if name in _taken() or (ROOT / "services" / name).exists():
        raise NoDomainError(f"{name!r} is taken")
    if name in sys.stdlib_module_names:
        raise NoDomainError(f"{name!r} is a module of Python's own")
    domains = [module.domain for module in node.MODULES]
    kinds = {kind for domain in domains for kind in domain.deciders} | {"touch"}
    views = {projection.name for domain in domains for projection in domain.projections}
    if one in kinds or f"{one}_card" in views:
        raise NoDomainError(f"{one!r} is taken: it names streams and views for ever")


def _taken() -> set[str]:
    """Return what would be hidden: topics, modules, imported names, and where HTTP begins."""
    topics = {topic.name for topic in declared_topics()}
    modules = {path.stem for path in EVENTS.glob("*.py")} | set(PACKAGES)
    # A router that includes another lists none of its routes; the whole API does.
    api = FastAPI()
    for router in node.routers():
        api.include_router(router)
    paths = {path.split("/")[1] for path in api.openapi()["paths"]}
    return topics | modules | set(PROBES) | set(vars(node)) | set(vars(events)) | paths


def rendered(template: Path, name: str, one: str) -> str:
    text = template.read_text(encoding="utf-8")
    words = {"domain": name, "one": one, "a": "an" if one[0] in VOWELS else "a"}
    words |= {placeholder.capitalize(): word.capitalize() for placeholder, word in words.items()}
    for placeholder, word in words.items():
        text = text.replace(f"@{placeholder}@", word)
    return text


def planned(name: str, one: str) -> dict[Path, str]:
    """Return every file that is to be written, with its text.

    Raises:
        NoDomainError: a file is there already, or a list of domains has another shape than this
            program knows.

    """
    files = {}
    for template in [*TEMPLATES.rglob("*.py.tmpl"), TEMPLATES / "README.md.tmpl"]:
        inside = template.relative_to(TEMPLATES).with_suffix("")
        facts = inside.name == "events.py"
        path = EVENTS / f"{name}.py" if facts else ROOT / "services" / name / inside
        if path.exists():
            raise NoDomainError(f"{path.relative_to(ROOT)} is there already")
        files[path] = rendered(template, name, one)
    return files | _entered(name, one)


def _entered(name: str, one: str) -> dict[Path, str]:
    """Return the places where domains are listed, with this one in them."""
    topic = rendered(TEMPLATES / "topic.yaml.tmpl", name, one)
    node_py, topics, language = ROOT / "sellers/node.py", EVENTS / "topics.yaml", EVENTS / LANGUAGE
    analytics = "from services.analytics import main as analytics\n"
    return {
        topics: _put(topics, (PUBLISHED, f"{topic}{PUBLISHED}")),
        language: _put(
            language,
            ("from shared.events import (", f"from shared.events import (\n    {name},"),
            ("__all__ = [", f'__all__ = [\n    "{name}",'),
        ),
        node_py: _put(
            node_py,
            (analytics, f"{analytics}from services.{name} import main as {name}\n"),
            ("    analytics,\n)", f"    {name},\n    analytics,\n)"),
        ),
    }


def _put(path: Path, *changes: tuple[str, str]) -> str:
    text = path.read_text(encoding="utf-8")
    for what, into in changes:
        if text.count(what) != 1:
            raise NoDomainError(f"{path.name} has changed: {what.strip()!r} is not there once")
        text = text.replace(what, into)
    return text


def write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def finish(written: Iterable[Path]) -> None:
    """Sort and format what was written; write schemas, examples and every page made of the code."""
    code = [str(path) for path in written if path.suffix == ".py"]
    for words in (
        ["ruff", "check", "--quiet", "--fix", "--unsafe-fixes", "--select", "I,RUF022", *code],
        ["ruff", "format", "--quiet", *code],
        ["shared.released"],
        ["sellers.catalogue"],
        ["sellers.contracts"],
        ["sellers.matrix"],
        ["sellers.problems"],
    ):
        subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=True)


def main() -> int:
    """Start the domain that the command line names."""
    name, one = (*sys.argv[1:], "", "")[:2]
    one = one or singular(name)
    try:
        check(name, one)
        files = planned(name, one)
    except NoDomainError as error:
        sys.stderr.write(f"new-domain: {error}\n")
        return 1
    write(files)
    finish(files)
    sys.stdout.write(
        f"services/{name} is there, with shared/events/{name}.py. Say in both what it is about, "
        "then `make test`; nothing else has to be edited (docs/how-to/add-a-domain.md).\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
