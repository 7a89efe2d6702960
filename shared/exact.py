"""What a request says is taken as it is said: a number is no text, and no truth is a number. Pure.

Left alone, pydantic takes "1" and 1.0 for 1, "yes" for true, and 0 for the first of January 1970:
what a sender mistook would become a fact that looks right.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any

from pydantic_core import core_schema

# A decimal as text: digits, with a point at most. The description says the same of it.
DECIMAL = r"^[+-]?[0-9]{1,40}(\.[0-9]{1,40})?$"
# Next-line (U+0085) is cut off as a blank here, and none to the patterns of JSON Schema.
NOT_BLANK = r"[^\s\u0085]"
_DECIMAL = re.compile(DECIMAL)
_DATE, _CLOCK = r"[0-9]{4}-[0-9]{2}-[0-9]{2}", r"([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = re.compile(_DATE)
# RFC 3339, 5.6: with seconds and an offset; the blank for the T is its note's.
_INSTANT = re.compile(rf"{_DATE}[Tt ]{_CLOCK}:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]{_CLOCK})")
# In an address a plus is a blank.
_PLUS_LOST = re.compile(rf"{_DATE}[Tt ].* {_CLOCK}")
_AN_INSTANT = "an instant as text with its offset, like 2026-03-01T09:00:00+09:00"
_STRICT = {"bool", "int", "float"}
_NO_SCHEMAS = {"metadata", "default", "cls", "expected"}


def day(said: Any) -> Any:
    """Return it where it may be read as a day, or raise ValueError."""
    return _text(said, date, _DAY, "a date as text, like 2026-03-01")


def instant(said: Any) -> Any:
    """Return it where it may be read as an instant (RFC 3339), or raise ValueError."""
    if isinstance(said, str) and _PLUS_LOST.fullmatch(said):
        raise ValueError(f"{_AN_INSTANT}; in an address + is written %2B")
    return _text(said, date, _INSTANT, _AN_INSTANT)


def _time(said: Any) -> Any:
    return _text(said, time, re.compile(".+"), "a time as text, like 09:00")


def _decimal(said: Any) -> Any:
    if isinstance(said, str) and not _DECIMAL.fullmatch(said):
        raise ValueError("a number in digits, like 1250.50")
    return said


def _text(said: Any, kind: type[Any], pattern: re.Pattern[str], wanted: str) -> Any:
    if said is None or isinstance(said, kind):
        return said
    if not isinstance(said, str) or not pattern.fullmatch(said):
        raise ValueError(wanted)
    return said


_LOOKED_AT = {"date": day, "datetime": instant, "time": _time, "decimal": _decimal}


def exact(schema: Any) -> Any:
    """Return the core schema of a model that takes every scalar as what it is, and nothing else."""
    if isinstance(schema, list):
        return [exact(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if kind == "function-before" and schema["function"]["function"] in _LOOKED_AT.values():
        return schema
    if kind in _STRICT:
        return {**schema, "strict": True}
    if kind == "str" and schema.get("strip_whitespace") and schema.get("min_length"):
        # Refused already: the description says by it that blanks alone are nothing.
        schema = {"pattern": NOT_BLANK, **schema}
    if kind in _LOOKED_AT:
        return core_schema.no_info_before_validator_function(_LOOKED_AT[kind], schema)
    return {name: _within(name, value) for name, value in schema.items()}


def _within(name: str, value: Any) -> Any:
    if name in _NO_SCHEMAS:
        return value
    # Fields go by names of their own, which are no words of a schema.
    by_name = name == "fields" and isinstance(value, dict)
    return {one: exact(field) for one, field in value.items()} if by_name else exact(value)
