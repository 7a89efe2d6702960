"""The only place that looks at a clock or makes a random id; everything else is handed one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

import uuid_utils

NAMESPACE = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "tag:sellers,2026:facts")


class Clock(Protocol):
    """Time and fresh ids, as data."""

    def now(self) -> datetime: ...

    def new_id(self) -> str: ...


class SystemClock:
    """The machine's clock, in UTC, and time-ordered ids (UUIDv7, RFC 9562)."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def new_id(self) -> str:
        return str(uuid_utils.uuid7())


def derived_id(*parts: str) -> str:
    """The same parts give the same id for ever (UUIDv5); length prefixes keep parts apart."""
    return str(uuid_utils.uuid5(NAMESPACE, "".join([f"{len(part)}:{part}" for part in parts])))
