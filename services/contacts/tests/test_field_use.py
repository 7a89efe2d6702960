"""C_07: few fields are asked for; what nobody fills in is named, to be left out."""

from __future__ import annotations

from services.contacts.field_use import field_use, optional, seldom_filled
from services.contacts.main import domain, router
from services.contacts.model import RegisterCompany, RegisterPerson
from services.contacts.tests.client import get, post
from shared.events.contacts import PersonAffiliated, PersonRegistered
from shared.testing import check_projection, recorded, serving


def test_c_07_a_person_and_a_company_need_nothing_but_a_name() -> None:
    for command in (RegisterPerson, RegisterCompany):
        needed = [name for name, one in command.model_fields.items() if one.is_required()]
        assert needed == ["name"]


def test_c_07_fields_that_hardly_anybody_fills_are_reported() -> None:
    told = [
        recorded(
            PersonRegistered(name="Kim", email="kim@a.example" if number else None),
            stream=f"person-{number}",
        )
        for number in range(20)
    ]
    parts = check_projection(field_use, told).values()
    found = {one.field: (one.filled, one.facts) for one in seldom_filled(parts, 0.05)}
    assert found == {"phone": (0, 20), "language": (0, 20), "on": (0, 20)}
    assert [one.filled for one in seldom_filled(parts, 1.0)][-1] == 19
    assert optional(PersonAffiliated) == ["on", "role"]


async def test_c_07_the_report_is_one_call() -> None:
    async with serving(domain, router) as client:
        after = await post(client, "/contacts/people/1/register", {"name": "Kim"})
        report = await get(client, "/contacts/field-use", after)
        assert report["below"] == 0.05
        assert {one["field"] for one in report["items"]} == {"email", "phone", "language"}
