"""C_07: which fields are asked for by name is recorded; what nobody reads is named."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.contacts.main import domain, router
from services.contacts.readings import (
    FieldsReadDays,
    ReadFields,
    Reading,
    decide_reading,
    evolve_reading,
    fields_read,
    reads_of,
)
from services.contacts.tests.client import get, post
from shared.errors import InvalidError
from shared.events.contacts import FieldsRead
from shared.reading import Token
from shared.testing import check_projection, recorded, serving

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=1)


def test_c_07_a_field_is_recorded_as_read_once_a_day_however_often_it_is_asked_for() -> None:
    read = ReadFields(fields=("name", "email"), on=MONDAY)
    told = decide_reading(Reading(), read)
    assert told == [FieldsRead(fields=("email", "name"), on=MONDAY)]
    since = evolve_reading(Reading(), told[0])
    assert decide_reading(since, read) == []
    more = ReadFields(fields=("name", "phone"), on=MONDAY)
    assert decide_reading(since, more) == [FieldsRead(fields=("phone",), on=MONDAY)]
    again = ReadFields(fields=("name",), on=TUESDAY)
    assert decide_reading(since, again) == [FieldsRead(fields=("name",), on=TUESDAY)]


def test_c_07_what_was_read_was_read_on_some_day() -> None:
    with pytest.raises(InvalidError, match="on some day"):
        decide_reading(Reading(), ReadFields(fields=("name",), date_unknown=True))
    state = evolve_reading(Reading(), FieldsRead(fields=("name",)))
    assert state == Reading()


def test_c_07_what_nobody_asked_for_lately_is_named() -> None:
    told = recorded(
        FieldsRead(fields=("name", "sector"), on=MONDAY),
        FieldsRead(fields=("name",), on=TUESDAY),
        stream="reading-companies",
    )
    views = check_projection(fields_read, [told])
    assert views["reading-companies"].days == {"name": 2, "sector": 1}

    def unread(today: date) -> tuple[str, ...] | None:
        found = reads_of(views, today=today, days=90)
        return next(one.unread for one in found if one.of == "companies")

    early = unread(TUESDAY)
    assert early is not None
    assert "name" not in early
    assert "sector" not in early
    assert "founded_year" in early
    late = unread(MONDAY + timedelta(days=90))
    assert late is not None
    assert "sector" in late
    assert "name" not in late


def test_c_07_of_a_list_that_nobody_asked_by_name_nothing_is_said_to_be_unread() -> None:
    found = reads_of({}, today=MONDAY, days=90)
    assert {one.of for one in found} == {"people", "person", "companies"}
    assert {one.unread for one in found} == {None}
    old = {"reading-people": FieldsReadDays("reading-people", last={"name": MONDAY})}
    later = reads_of(old, today=MONDAY + timedelta(days=90), days=90)
    assert {one.unread for one in later} == {None}


async def test_c_07_a_reader_gets_the_fields_asked_for_and_the_report_knows() -> None:
    async with serving(domain, router) as client:
        after = await post(client, "/contacts/people/1/register", {"name": "Kim", "phone": "1"})
        at = await post(client, "/contacts/companies/1/register", {"name": "Hanbit"})
        page = await get(client, "/contacts/people?fields=name,touch_count", after)
        assert page["items"] == [{"name": "Kim", "touch_count": 0}]
        assert await get(client, "/contacts/people/1?fields=name", after) == {"name": "Kim"}
        assert await get(client, "/contacts/companies/1?fields=name", at) == {"name": "Hanbit"}
        listed = await get(client, "/contacts/companies?fields=name", at)
        assert listed["items"] == [{"name": "Hanbit"}]
        file = await client.get("/contacts/people?fields=touch_count,name&format=csv")
        assert file.text.splitlines() == ['\ufeff"touch_count","name"', '"0","Kim"']
        told = [Token(f"reading-{of}", 1).encode() for of in ("people", "person", "companies")]
        report = await get(client, "/contacts/field-use", *told)
        reads = {one["of"]: one for one in report["reads"]}
        assert reads["people"]["days"] == {"name": 1, "touch_count": 1}
        assert "phone" in reads["people"]["unread"]
        assert "name" not in reads["companies"]["unread"]


async def test_c_07_a_field_that_there_is_not_is_refused_by_name() -> None:
    async with serving(domain, router) as client:
        after = await post(client, "/contacts/people/1/register", {"name": "Kim"})
        answer = await client.get("/contacts/people/1?fields=nam", headers={"X-At-Least": after})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "query/fields"
        assert "'nam' is none of" in answer.json()["detail"]
