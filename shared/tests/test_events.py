"""What is no fact is said to be none, and whatever is one has a date in every zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import UndecodableError, decode, encode
from shared.events.touches import TouchRecorded
from shared.testing import recorded

(FACT,) = recorded(
    TouchRecorded(publisher="/mail", publisher_id="1", person="person-ada", channel="email"),
    stream="touch-1",
)
ZONES = ("Asia/Seoul", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("time", "0001-01-01T00:00:00+14:00"),
        ("time", "9999-12-31T23:59:59-12:00"),
        ("recordedat", "2200-01-01T00:00:00Z"),
        ("recordedat", "2026-01-01T00:00:00"),
        ("streamversion", 2**31),
        ("streamversion", 2**64 - 1),
        ("streamversion", True),
        ("chaindepth", 2**31),
        ("chaindepth", -1),
    ],
)
def test_an_attribute_that_cannot_be_is_named(attribute: str, value: object) -> None:
    document = orjson.loads(encode(FACT)) | {attribute: value}
    with pytest.raises(UndecodableError, match=f"^{attribute}: "):
        decode(orjson.dumps(document))


@given(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)),  # noqa: DTZ001 - the zone comes next.
    st.sampled_from(["Z", "+14:00", "-12:00"]),
)
def test_every_fact_that_can_be_read_has_a_date_in_every_zone(at: datetime, offset: str) -> None:
    document = orjson.loads(encode(FACT)) | {"time": f"{at.isoformat()}{offset}"}
    try:
        fact = decode(orjson.dumps(document))
    except UndecodableError:
        assert (
            not datetime(1900, 1, 2, tzinfo=UTC)
            < at.replace(tzinfo=UTC)
            < datetime(2199, 12, 31, tzinfo=UTC)
        )
        return
    for zone in ZONES:
        assert abs((fact.day(ZoneInfo(zone)) - fact.occurred_at.date()).days) <= 1
