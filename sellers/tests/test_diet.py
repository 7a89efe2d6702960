"""Which data is collected and never used (N-09), from a log and from who speaks of a field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sellers.diet import Filled, cost_of, filled, rows_of, uses
from shared.events import REGISTRY, encode
from shared.events.touches import TouchRecorded
from shared.memory import MemoryLog
from shared.testing import recorded

AT = datetime(2026, 3, 2, tzinfo=UTC)


def touch(number: int, **more: str) -> TouchRecorded:
    told = {"publisher": "p", "publisher_id": str(number), "person": "person-1"}
    return TouchRecorded(**told, channel="call", **more)


async def test_n_09_facts_and_what_they_say_are_counted_from_the_log() -> None:
    log = MemoryLog(2)
    for number in range(4):
        more = {"note": "Yes."} if number else {"subject": "Offer"}
        stream = f"touch-{number}"
        at = AT - timedelta(days=400 if number == 3 else 0)
        (fact,) = recorded(touch(number, **more), stream=stream, occurred_at=at)
        await log.append("touches", stream, encode(fact))
    await log.append("touches", "touch-x", b"no fact")
    found = await filled(log, ["touches"], AT - timedelta(days=365))
    told = found["touches.touch_recorded.v1"]
    assert (told.facts, told.fields["note"], told.fields["subject"]) == (3, 2, 1)
    assert told.fields["campaign"] == 0
    # Publisher, its id, person and channel, and one more.
    assert cost_of(found) == "5.0"
    rows = {row["field"]: row for row in rows_of(found)}
    assert (rows["note"]["share"], rows["person"]["share"]) == ("66.67", "100.0")
    # What says the same as when nobody says anything is not filled in.
    assert rows["direction"]["share"] == "0.0"


def test_n_09_a_field_that_nobody_speaks_of_is_named_first() -> None:
    class Odd(TouchRecorded):
        """A fact of which nobody reads the towel."""

        towel: str | None = None

    assert uses()  # Looked up before the facts are others.
    told = Filled()
    told.add(Odd(publisher="p", publisher_id="1", person="person-1", channel="web", towel="blue"))
    known = REGISTRY["touches.touch_recorded.v1"]
    REGISTRY["touches.touch_recorded.v1"] = Odd
    try:
        first = rows_of({"touches.touch_recorded.v1": told})
    finally:
        REGISTRY["touches.touch_recorded.v1"] = known
    # Of a class that no module names nothing is used.
    assert not any(row["used"] for row in first)
    real = {row["field"]: row for row in rows_of({"touches.touch_recorded.v1": told})}
    assert real["campaign"]["used"]
    assert "services.contacts.timelines" in real["note"]["used_by"]


def test_n_09_every_field_of_every_fact_is_used_by_somebody() -> None:
    """What we ask for and make nothing of is waste: leave it out, or show it somewhere."""
    unused = {
        f"{wire}: {name}"
        for wire, event in REGISTRY.items()
        for name in event.model_fields
        if f"{event.__name__}.{name}" not in uses()
    }
    assert unused == set()
