"""Which facts a webhook wants: patterns of their types, as `opportunities.*won*`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.events import REGISTRY

# Stars alone, no sets and question marks: what somebody wants is to be read at a glance.
STARS_MAX = 4
PATTERN = re.compile(r"[a-z0-9_.*]{1,100}")


def _pattern(text: str) -> str:
    if not PATTERN.fullmatch(text):
        raise ValueError("small letters, digits, `_`, `.` and `*`, as in opportunities.*won*")
    if "**" in text or text.count("*") > STARS_MAX:
        raise ValueError(f"at most {STARS_MAX} stars, none beside another")
    if not any(fnmatchcase(wire, text) for wire in REGISTRY):
        raise ValueError("no fact is of such a type: docs/EVENTS.md has them all")
    return text


def _one_at_least(patterns: tuple[str, ...]) -> tuple[str, ...]:
    if not patterns:
        raise ValueError("of one fact at least")
    return patterns


Pattern = Annotated[str, AfterValidator(_pattern)]
Wants = Annotated[tuple[Pattern, ...], Field(max_length=50), AfterValidator(_one_at_least)]


def wanted(wire: str, wants: Iterable[str]) -> bool:
    return any(fnmatchcase(wire, pattern) for pattern in wants)


def topics_of(wants: Sequence[str]) -> tuple[str, ...]:
    """Return the topics in which such facts lie, as far as this release knows facts."""
    return tuple(sorted({e.topic for wire, e in REGISTRY.items() if wanted(wire, wants)}))
