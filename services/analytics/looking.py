"""Keeps who looked at whose figures, whichever service showed them (N-13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from services.analytics.looks import LookAt, look_of
from shared.runtime import Runtime
from shared.service import Request

# So many looks are remembered here, so that they are not decided on again.
REMEMBERED = 100_000


@dataclass(slots=True)
class Looking:
    """Notes looks in the journal of analytics, each at most once a day from this process."""

    runtime: Callable[[], Runtime]
    _noted: dict[tuple[str, str, str], date] = field(default_factory=dict)

    async def note(
        self, viewer: str, report: str, seen: frozenset[str], correlation_id: str
    ) -> None:
        """Record the look at whom it is the first one of the day.

        Raises:
            DomainError: whoever says that they look cannot be a colleague.
            UnavailableError: it is not known whether it was recorded.

        """
        runtime = self.runtime()
        day = runtime.today
        new = sorted(one for one in seen if self._noted.get((viewer, report, one)) != day)
        if not new:
            return
        look = LookAt(viewer=viewer, report=report, of=tuple(new), on=day)
        await runtime.service.handle(
            Request(
                stream=look_of(viewer, report, day),
                command=look,
                actor=viewer,
                correlation_id=correlation_id,
            )
        )
        if len(self._noted) > REMEMBERED:
            self._noted.clear()
        self._noted |= {(viewer, report, one): day for one in new}
