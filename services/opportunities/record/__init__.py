"""All that is known about winning an opportunity, told once: every page is made of it (O-05).

Rules and views share it: what a rule knows is what a screen shows. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from services.opportunities.record.progress import Progress, evolve_progress
from shared.events.opportunities import RecordEvent


@dataclass(frozen=True, slots=True)
class Record:
    """Everything told about one opportunity beside its life, theme by theme."""

    progress: Progress = field(default=Progress())


def evolve_record(record: Record, event: RecordEvent) -> Record:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    return replace(record, progress=evolve_progress(record.progress, event))
