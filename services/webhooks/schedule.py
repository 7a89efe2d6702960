"""When what could not be delivered is tried again, and when that is given up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from http import HTTPStatus

# Nobody is waited for longer than that, whatever they ask for.
RETRY_AFTER_S_MAX = 24 * 3600.0
SPREAD = 0.2
_FULL = 2**64


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt. `status` None: nobody answered, and `said` is why."""

    status: int | None
    said: str
    took_ms: int
    retry_after: str | None = None

    @property
    def taken(self) -> bool:
        return (
            self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES
        )

    @property
    def gone(self) -> bool:
        return self.status == HTTPStatus.GONE


def pause_s(waits: Sequence[float], attempts: int, seed: str) -> float | None:
    """Return how long to wait after so many failed attempts; None: that was the last one.

    Spread by a fifth around what the schedule says, so that many that failed together do not come
    again together; the same for the same `seed`.
    """
    if attempts > len(waits):
        return None
    drawn = int.from_bytes(blake2b(f"{seed}/{attempts}".encode(), digest_size=8).digest())
    return waits[attempts - 1] * (1 + SPREAD * (2 * drawn / _FULL - 1))


def asked_pause_s(answer: Answer, now: datetime) -> float:
    """Return how long they asked us to wait (RFC 9110, 10.2.3): seconds, or until an instant."""
    told = (answer.retry_after or "").strip()
    if told.isascii() and told.isdigit():
        return min(float(told[:12]), RETRY_AFTER_S_MAX)
    try:
        until = parsedate_to_datetime(told)
    except ValueError:
        return 0.0
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max((aware - now).total_seconds(), 0.0), RETRY_AFTER_S_MAX)
