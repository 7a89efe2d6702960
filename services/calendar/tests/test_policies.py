"""What the calendar does by itself, in memory: a series learns which of its times are entries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.calendar.main import domain, router
from services.calendar.policies import an_entry_is_taken_out
from services.calendar.series import TakeOutOccurrence
from shared.events import encode
from shared.events.calendar import EntryPlanned, SeriesPlanned
from shared.memory import MemoryLog
from shared.policies import Reaction
from shared.reading import Token
from shared.testing import recorded, serving

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
WHAT: dict[str, Any] = {
    "seller": "employee-1",
    "category": "customer",
    "starts_at": NINE,
    "ends_at": NINE + timedelta(hours=1),
}
TAKEN_OUT = EntryPlanned(**WHAT, series="series-1", occurrence=NINE)


def test_only_an_entry_that_takes_the_place_of_a_time_is_told_to_its_series() -> None:
    def told(event: EntryPlanned) -> list[Reaction]:
        (fact,) = recorded(event, stream="entry-1")
        return an_entry_is_taken_out.react(fact)

    assert told(TAKEN_OUT) == [Reaction("series-1", TakeOutOccurrence(occurrence=NINE))]
    assert told(EntryPlanned(**WHAT)) == []
    assert told(EntryPlanned(**WHAT, series="series-1")) == []


async def test_a_series_is_told_of_entries_that_were_there_before_the_policy() -> None:
    log = MemoryLog(2)
    weekly = SeriesPlanned(**WHAT, zone="Asia/Seoul", rule="FREQ=WEEKLY")
    for stream, event in (("series-1", weekly), ("entry-1", TAKEN_OUT)):
        for fact in recorded(event, stream=stream):
            await log.append("calendar", stream, encode(fact))
    async with serving(domain, router, log=log) as client:
        headers = {"X-At-Least": Token("series-1", 2).encode()}
        assert (await client.get("/calendar/series/1", headers=headers)).status_code == 200
        facts = (await client.get("/calendar/history/series-1")).json()["facts"]
    assert facts[-1]["type"] == "calendar.series_occurrence_taken_out.v1"
    assert facts[-1]["data"] == {"occurrence": "2026-01-05T09:00:00Z"}
