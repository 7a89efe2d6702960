"""JSON as others write it: read once, and refused where it could be read in two ways. Pure.

Of a name that an object gives twice one reader takes the first and another the last (RFC 8259, 4);
I-JSON (RFC 7493, 2.3) has none. No parser in C tells of it, and to look with one of Python's takes
three times as long as to read: so texts are counted, as they were sent and as they were read.
"""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from shared.errors import InvalidError, pointer

# Far more than any field takes, which says so itself; more are no number of 64 bits any more.
DIGITS_MAX = 300
_SHOWN_MAX = 100
# In longer texts nobody looks for the place: all others would wait for it.
LOOKED_AT_MAX = 500_000


class RepeatedNameError(InvalidError):
    """An object gives one name twice: which of both is meant nobody can tell."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "A name is given twice"


@dataclass(frozen=True, slots=True)
class _Unfit:
    """In place of what no reader may take; `name`: of an object that gives it twice."""

    cause: str
    name: str | None = None


def read(text: bytes, *, half_written: bool = False) -> Any:
    """Return what a JSON text says.

    `half_written`: half of a character is no reason to refuse all of it, as whoever reads the field
    in which it is refuses that one.

    Raises:
        InvalidError: it is no JSON, or holds what nobody could look at, with the cause.
        RepeatedNameError: pointing at a name that an object gives twice.

    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        looked_at = _looked_at(text) if len(text) <= LOOKED_AT_MAX else None
        if half_written and looked_at is not None:
            return looked_at
        raise InvalidError(f"not JSON: {_not_utf8(text) or error}", field="#") from error
    try:
        alike = _quotes(text) == _quotes(orjson.dumps(document))
    except orjson.JSONEncodeError as error:
        if len(text) > LOOKED_AT_MAX or _looked_at(text) is None:
            raise InvalidError(f"too deep: {error}", field="#") from error
        return document
    if not alike:
        if len(text) <= LOOKED_AT_MAX:
            _looked_at(text)
        # It was too deep, or too long, to find the place.
        raise RepeatedNameError("a name is given twice", field="#")
    return document


def _not_utf8(text: bytes) -> str | None:
    """Say where a text is written otherwise than JSON is (RFC 8259, 8.1); None: nowhere."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return f"byte {text[error.start]:#04x} at {error.start:,} is no UTF-8; write it in UTF-8"
    if text.startswith(BOM_UTF8):
        return "it begins with a byte-order mark; leave out its first three bytes"
    return None


def _quotes(text: bytes) -> int:
    """Return how many quotes begin a text or end one, within JSON."""
    if b"\\" not in text:
        return text.count(b'"')
    if rb"\\" in text:
        text = text.replace(rb"\\", b"")
    return text.count(b'"') - text.count(rb"\"")


def _looked_at(text: bytes) -> Any:
    """Return what it says, None where it is no JSON at all.

    Raises:
        InvalidError: pointing at what is unfit within.

    """
    try:
        document = json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_int=_whole,
            parse_float=_decimal,
            parse_constant=_constant,
        )
    except (ValueError, RecursionError):
        return None
    at: list[str] = []
    unfit = _unfit(document, at)
    if unfit is None:
        return document
    at.reverse()
    if unfit.name is None:
        raise InvalidError(unfit.cause, field=pointer("#", at))
    raise RepeatedNameError(unfit.cause, field=pointer("#", [*at, unfit.name]))


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return _Unfit(f"the name {name[:_SHOWN_MAX]!r} is given twice", name)
        seen.add(name)
    return found


def _whole(said: str) -> Any:
    if len(said) <= DIGITS_MAX:
        return int(said)
    return _Unfit(f"a number of {len(said):,} digits; {DIGITS_MAX} are the most that is read")


def _decimal(said: str) -> Any:
    number = float(said)
    return number if math.isfinite(number) else _Unfit("a number beyond what is read, 1.7e308")


def _constant(said: str) -> Any:
    raise ValueError(f"{said} is no JSON")


def _unfit(value: Any, at: list[str]) -> _Unfit | None:
    """Return the first that is unfit, and add to `at` where it is, from within to without."""
    if isinstance(value, _Unfit):
        return value
    if isinstance(value, dict):
        held: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list):
        held = enumerate(value)
    else:
        return None
    for place, one in held:
        found = _unfit(one, at)
        if found is not None:
            at.append(str(place))
            return found
    return None
