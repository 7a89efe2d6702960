"""Until when a seller's weeks with too much work are told to nobody else (K-09). A pure fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from shared.events import Envelope
from shared.events.calendar import OverworkFound
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class OverworkTold:
    """Answers: of which weeks was a seller told, and up to which day are they theirs alone?

    By the Monday of the week.
    """

    overwork: str
    own_until: Mapping[str, date] = field(default_factory=dict)


overwork_told = Projection("overwork_told", version=1, view=OverworkTold, streams=("overwork",))


@overwork_told.on(OverworkFound)
def found(view: OverworkTold, event: OverworkFound, at: Envelope) -> OverworkTold:
    return replace(view, own_until={**view.own_until, event.week.isoformat(): event.own_until})
