"""What the demo is made of: commands and touches, each with an id that makes it happen once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shared.clock import derived_id

SOURCE = "demo"
TOUCHES = "touches"


@dataclass(frozen=True, slots=True)
class Item:
    """One command to a stream of a domain; for touches `domain` is their topic."""

    domain: str
    stream: str
    type: str
    command: Mapping[str, Any]
    id: str
    occurred_at: datetime | None = None


@dataclass(slots=True)
class Maker:
    """Gives names that follow from which demo it is, so that a second run makes the same ones."""

    seed: int
    size: int
    end_on: date
    _said: dict[str, int] = field(default_factory=dict)

    @property
    def which(self) -> tuple[str, str, str, str]:
        return SOURCE, str(self.seed), str(self.size), self.end_on.isoformat()

    def stream(self, kind: str, *key: object) -> str:
        return f"{kind}-{derived_id(*self.which, kind, *map(str, key))}"

    def item(
        self, domain: str, stream: str, what: str, at: datetime | None = None, /, **told: Any
    ) -> Item:
        """Return the next command to a stream; what is None is not told."""
        ordinal = self._said[stream] = self._said.get(stream, 0) + 1
        command = {name: plain(value) for name, value in told.items() if value is not None}
        return Item(domain, stream, what, command, f"{SOURCE}/{stream}/{ordinal}", at)

    def touch(self, key: tuple[object, ...], at: datetime, **told: Any) -> Item:
        """Return a touch; its stream follows from its id, as at the edge."""
        name = derived_id(*self.which, "touch", *map(str, key))
        stream = f"touch-{derived_id('touch', SOURCE, name)}"
        touch = {name: plain(value) for name, value in told.items() if value is not None}
        return Item(TOUCHES, stream, "touch", touch | {"occurred_at": plain(at)}, name, at)


def plain(value: Any) -> Any:
    """Return it as JSON says it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
