"""No pattern takes longer than what it reads is long: whoever writes one here may be read by it.

What requests must match is matched by pydantic, whose engine cannot go back; these are the ones of
Python's own, found in every module, and each is tried on texts that are made to lead it astray.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import sellers
import services
import shared
from shared.exports import NEGATIVE

ROOT = Path(__file__).parents[2]
# Tests, programs that run when imported, and what another environment has the modules for.
ELSEWHERE = re.compile(r"\.(tests|testing|__main__|store_files|stream)\b")
# One that goes over a text for each pair of places would never end on a long one: a short one
# finds it.
LENGTHS = (100, 200, 400, 24_000)
# Of the processor's own time. Going over the text once takes a thousandth of it, going over it
# again from each place twenty-four thousand times as long.
SECONDS = 0.1
GROWTH = 8
END = "\x00"
COMMON = (*"a0 \t\n-.,;", '"', "\\", "\\a", "a ", "0.", "가", "\ufeff")
USING = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}


def modules() -> Iterator[ModuleType]:
    for package in (shared, services, sellers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            named = found.name
            if not ELSEWHERE.search(named):
                yield importlib.import_module(named)


def compiled() -> dict[str, re.Pattern[Any]]:
    """Return what modules keep, and what is written where it is used."""
    found: dict[str, re.Pattern[Any]] = {}
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                found.setdefault(f"{module.__name__}.{name}", value)
        path = Path(str(module.__file__))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = written(node)
            if text is not None:
                found[f"{module.__name__}:{node.lineno}"] = re.compile(text)  # type: ignore[attr-defined]
    unique = {(pattern.pattern, pattern.flags): name for name, pattern in found.items()}
    return {name: found[name] for name in unique.values()}


def written(node: ast.AST) -> str | bytes | None:
    """Return the pattern of a call like `re.sub("...", ...)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    of = node.func.value
    if (
        not isinstance(of, ast.Name)
        or of.id != "re"
        or node.func.attr not in USING
        or not node.args
    ):
        return None
    first = node.args[0]
    return first.value if isinstance(first, ast.Constant) else None


def pumps(pattern: re.Pattern[Any]) -> set[str]:
    """Return what to say over and over: the pattern's own words and signs, and common ones."""
    text = pattern.pattern
    shown = text if isinstance(text, str) else text.decode("latin-1")
    words = set(re.findall(r"[A-Z]+:[A-Z]+|[^\W_]+", shown)) | set(shown) | set(COMMON)
    return words | {f"{word}\n" for word in words if len(word) > 3}


PATTERNS = compiled()


def timed(use: Callable[[Any], object], text: Any) -> float:
    began = time.process_time()
    use(text)
    return time.process_time() - began


def slowest(pattern: re.Pattern[Any]) -> tuple[float, str]:
    """Return how long the worst text takes that takes far more when it is four times as long."""
    worst = (0.0, "")
    for length, pump in itertools.product(LENGTHS, sorted(pumps(pattern))):
        texts: list[Any] = [pump * (of // len(pump)) + END for of in (length, length // 4)]
        if isinstance(pattern.pattern, bytes):
            texts = [text.encode() for text in texts]
        for use in (pattern.findall, pattern.fullmatch):
            took = timed(use, texts[0])
            if took > SECONDS:
                # The collector of garbage may have come in between: it does not each time.
                took = min(took, timed(use, texts[0]), timed(use, texts[0]))
            if took > SECONDS and took > GROWTH * timed(use, texts[1]):
                return took, pump
            worst = max(worst, (min(took, SECONDS), pump))
    return worst


def test_patterns_are_found_where_they_are() -> None:
    assert len(PATTERNS) > 30
    assert NEGATIVE in PATTERNS.values()
    assert any(":" in name for name in PATTERNS)


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_a_pattern_goes_over_a_text_once(name: str) -> None:
    took, pump = slowest(PATTERNS[name])
    assert took <= SECONDS, f"{PATTERNS[name].pattern!r} takes {took:.1f} s for {pump!r} many times"


@pytest.mark.parametrize(
    "bad",
    [r"(a+)+$", r"(a|a)*b", r"\s+$", r"^BEGIN:V$.*?^END:V$", r"a*a*a*b", r"(?:[^\"\\]|\\.|.)*\""],
)
def test_one_that_does_not_is_found(bad: str) -> None:
    text = re.compile(bad, re.MULTILINE | re.DOTALL)
    # Patterns that double their time with each character would never end: fewer are enough here.
    if bad.startswith(("(a", "(?:")):
        began = time.process_time()
        text.search("a" * 24 + "!")
        text.search("\\a" * 11)
        assert time.process_time() - began > 0.05
    else:
        assert slowest(text)[0] > SECONDS
