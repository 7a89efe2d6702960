"""What this domain does by itself: hand over, and say which times of a series are entries. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from services.calendar.series import TakeOutOccurrence
from shared.events import Envelope
from shared.events.calendar import EntryPlanned
from shared.handovers import following
from shared.policies import Policy, Reaction

# Who folds a series alone has to know which of its times are entries, whenever they became some.
an_entry_is_taken_out: Policy[EntryPlanned] = Policy(
    "calendar_take_entries_out_of_series", since_ever=True
)


@an_entry_is_taken_out.on(EntryPlanned)
def entry_planned(event: EntryPlanned, at: Envelope) -> Iterator[Reaction]:
    if event.series is not None and event.occurrence is not None:
        yield Reaction(event.series, TakeOutOccurrence(occurrence=event.occurrence))


POLICIES = (following("calendar", "entry", "series"), an_entry_is_taken_out)
