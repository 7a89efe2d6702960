"""What our organisation does by itself: who leaves us hands over. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from services.organization.handovers import StartHandover, handover_of
from shared.events import Envelope
from shared.events.organization import EmployeeLeft
from shared.policies import Policy, Reaction

leaving_starts_a_handover: Policy[EmployeeLeft] = Policy("leaving_starts_a_handover")


@leaving_starts_a_handover.on(EmployeeLeft)
def employee_left(event: EmployeeLeft, at: Envelope) -> Iterator[Reaction]:
    started = StartHandover(employee=at.stream, cause="leaves", leaves_on=event.on)
    yield Reaction(handover_of(at.stream), started)


POLICIES = (leaving_starts_a_handover,)
