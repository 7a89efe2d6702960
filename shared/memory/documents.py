"""Documents as MongoDB sees them: what it can keep, matches, sorts and picks. Pure."""

from __future__ import annotations

import operator as compare
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any

from shared.store import Document, Sort, StoreError, Where

_INT64 = 2**63
_LONE = re.compile("[\ud800-\udfff]")  # Half a surrogate pair: no encoding has it.
# MongoDB compares values of one kind only and sorts kinds in this order.
_KINDS: tuple[tuple[int, tuple[type, ...]], ...] = (
    (7, (bool,)),  # before numbers: in Python a bool is an int, in MongoDB it is not.
    (1, (int, float)),
    (2, (str,)),
    (3, (dict,)),
    (4, (list,)),
    (5, (bytes,)),
    (8, (datetime,)),
)
_KIND = {kind: order for order, kinds in _KINDS for kind in kinds} | {type(None): 0}

_ORDER = {"$gt": compare.gt, "$gte": compare.ge, "$lt": compare.lt, "$lte": compare.le}


def copied(value: Any) -> Any:
    """A copy that shares nothing mutable; scalars are immutable and need none."""
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) for inner in value]
    return value


def kept(value: Any) -> Any:
    """Return a copy as MongoDB would give it back, or refuse what it would refuse."""
    match value:
        case None | bool() | float() | bytes():
            return value
        case str() if value.isascii() or not _LONE.search(value):
            return value
        case int() if -_INT64 <= value < _INT64:
            return value
        case datetime() if value.tzinfo is not None:
            at = value.astimezone(UTC)
            return at.replace(microsecond=at.microsecond // 1000 * 1000)
        case dict() if all(isinstance(name, str) for name in value):
            return {name: kept(inner) for name, inner in value.items()}
        case list() | tuple():
            return [kept(inner) for inner in value]
        case _:
            raise StoreError(f"a document cannot hold {value!r}")


def values_at(document: Any, path: str) -> Iterator[Any]:
    """Every value under a dotted path: through lists of documents, by element. Missing: none."""
    step, _, rest = path.partition(".")
    if isinstance(document, dict):
        if step in document:
            inner = document[step]
            yield from values_at(inner, rest) if rest else (inner,)
    elif isinstance(document, list):
        if step.isdigit() and int(step) < len(document):
            inner = document[int(step)]
            yield from values_at(inner, rest) if rest else (inner,)
        for element in document:
            if isinstance(element, dict):
                yield from values_at(element, path)


def matches(document: Document, where: Where) -> bool:
    return all(_holds(document, path, wanted) for path, wanted in where.items())


def _holds(document: Document, path: str, wanted: Any) -> bool:
    found = list(values_at(document, path))
    candidates = found + [inner for value in found if isinstance(value, list) for inner in value]
    if isinstance(wanted, dict) and any(name.startswith("$") for name in wanted):
        return all(_condition(candidates, name, bound) for name, bound in wanted.items())
    return _equals_any(candidates, wanted)


def _condition(candidates: Sequence[Any], operator: str, bound: Any) -> bool:
    match operator:
        case "$in":
            return any(_equals_any(candidates, wanted) for wanted in bound)
        case "$ne":
            return not _equals_any(candidates, bound)
        case "$gt" | "$gte" | "$lt" | "$lte":
            holds = _ORDER[operator]
            return any(_comparable(value, bound) and holds(value, bound) for value in candidates)
        case "$not":
            return not all(_condition(candidates, name, value) for name, value in bound.items())
        case _:
            raise ValueError(f"{operator} is not an operator of this port")


def _equals_any(candidates: Sequence[Any], wanted: Any) -> bool:
    if wanted is None and not candidates:
        return True  # A missing field equals null.
    return any(_comparable(value, wanted) and value == wanted for value in candidates)


def _comparable(left: Any, right: Any) -> bool:
    return _KIND[type(left)] == _KIND[type(right)]


def ordered(documents: Iterable[Document], sort: Sort) -> list[Document]:
    """By the last criterion first: Python's sort is stable, so the first one wins."""
    result = list(documents)
    for path, direction in reversed(sort):
        result.sort(key=lambda one: _rank(one, path, direction), reverse=direction == -1)
    return result


def _rank(document: Document, path: str, direction: int) -> tuple[int, Any]:
    ranks = [
        (_KIND[type(value)], 0 if value is None else value)
        for found in values_at(document, path)
        for value in (found if isinstance(found, list) else (found,))
    ]
    if not ranks:
        return (0, 0)
    return min(ranks) if direction == 1 else max(ranks)


def picked(document: Document, fields: Sequence[str]) -> Document:
    """The document with `_id` and these dotted fields only."""
    return {"_id": document["_id"], **_picked(document, [path.split(".") for path in fields])}


def _picked(document: Document, paths: Sequence[Sequence[str]]) -> Document:
    result: Document = {}
    for name, value in document.items():
        rests = [path[1:] for path in paths if path[0] == name]
        if any(not rest for rest in rests):
            result[name] = value
        elif rests and isinstance(value, dict):
            result[name] = _picked(value, rests)
        elif rests and isinstance(value, list):
            result[name] = [_picked(inner, rests) for inner in value if isinstance(inner, dict)]
    return result


def index_keys(document: Document | None, fields: Sequence[str]) -> set[tuple[Any, ...]]:
    """The entries of a document in an index: one for each element of a list, null for missing."""
    if document is None:
        return set()
    columns = []
    for path in fields:
        found = list(values_at(document, path))
        flat = [
            inner for value in found for inner in (value if isinstance(value, list) else (value,))
        ]
        columns.append([(_KIND[type(value)], repr(value)) for value in flat or [None]])
    return set(product(*columns))


def add(document: Document, path: str, amount: int) -> None:
    """Add to the number at a dotted path; whatever is missing on the way is made."""
    *way, last = path.split(".")
    for step in way:
        document = document.setdefault(step, {})
    document[last] = document.get(last, 0) + amount
