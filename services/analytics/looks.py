"""Who looked at whose figures (N-13): a tool to work with, not to watch with. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.clock import derived_id
from shared.command import HappenedCommand
from shared.errors import InvalidError
from shared.events import Envelope
from shared.events.analytics import FiguresLookedAt
from shared.projection import Projection
from shared.references import EmployeeStream

# A colleague, a system by its key, or somebody who signed in and is none of us, under whatever name
# the gate has proved: an issuer may call people as it likes.
Viewer = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


@dataclass(frozen=True, slots=True)
class Look:
    """Of whom somebody has already seen figures of a report on a day."""

    seen: frozenset[str] = frozenset()


class LookAt(HappenedCommand):
    """Look at figures of colleagues; one's own are nobody's business."""

    viewer: Viewer
    report: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]{1,300}$")]
    of: tuple[EmployeeStream, ...] = Field(min_length=1, max_length=10_000)


def look_of(viewer: str, report: str, day: date) -> str:
    """Return the stream of one report that somebody looks at on a day."""
    return f"look-{derived_id(viewer, report, day.isoformat())}"


def decide_look(known: Look, command: LookAt) -> list[FiguresLookedAt]:
    """Say whose figures it was the first time of that day. No facts: nobody new."""
    if command.on is None:
        raise InvalidError("what was looked at was looked at on some day", field="#/date_unknown")
    new = sorted({*command.of} - known.seen - {command.viewer})
    if not new:
        return []
    looked = FiguresLookedAt(
        viewer=command.viewer, report=command.report, of=tuple(new), on=command.on
    )
    return [looked]


def evolve_look(known: Look, event: FiguresLookedAt) -> Look:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    return Look(known.seen | set(event.of))


@dataclass(frozen=True, slots=True)
class Looked:
    """Somebody looked at a report on a day, by this fact."""

    on: date | None
    viewer: str
    report: str
    event: str


@dataclass(frozen=True, slots=True)
class LooksOfMonth:
    """Answers: who looked at my figures in this month?"""

    key: str
    of: str = ""
    month: str = ""
    looks: tuple[Looked, ...] = ()


def _months(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, FiguresLookedAt)
    return tuple(f"{one}/{_month(at)}" for one in at.data.of)


def _month(at: Envelope) -> str:
    assert isinstance(at.data, FiguresLookedAt)
    return f"{at.data.on or at.recorded_at.date():%Y-%m}"


looks = Projection("looks", version=1, view=LooksOfMonth, indexes=("of",), streams=("look",))


@looks.on(FiguresLookedAt, keys=_months)
def looked_at(view: LooksOfMonth, event: FiguresLookedAt, at: Envelope) -> LooksOfMonth:
    told = (*view.looks, Looked(event.on, event.viewer, event.report, at.id))
    ordered = sorted(told, key=lambda one: (one.on or date.min, one.viewer, one.report, one.event))
    return replace(view, of=view.key.partition("/")[0], month=_month(at), looks=tuple(ordered))
