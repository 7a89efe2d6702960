"""The views beside the figures: only the facts count, and our tree agrees with our own cards."""

from __future__ import annotations

from datetime import date

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.analytics.projections import PROJECTIONS, labels, org_tree
from services.analytics.tree import Organization
from shared.events import Envelope
from shared.events.contacts import CompanyEvent, CompanyRegistered
from shared.events.opportunities import ProductEvent, ProductListed
from shared.events.organization import EmployeeAssigned, EmployeeEvent, EmployeeJoined, UnitEvent
from shared.testing import check_projection, histories, recorded

JANUARY, MARCH = date(2026, 1, 1), date(2026, 3, 1)
KINDS = {
    "employee": EmployeeEvent,
    "unit": UnitEvent,
    "product": ProductEvent,
    "company": CompanyEvent,
}


@for_all(histories(KINDS), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    for projection in PROJECTIONS:
        check_projection(projection, told, seed=seed)


def test_who_was_assigned_late_was_there_from_its_day_on() -> None:
    told = recorded(
        EmployeeJoined(name="김민준"),
        EmployeeAssigned(unit="unit-2", on=MARCH),
        EmployeeAssigned(unit="unit-1", on=JANUARY),
        stream="employee-1",
    )
    nodes = check_projection(org_tree, [told])
    teams = [Organization(nodes).place("employee-1", day).team for day in (JANUARY, MARCH)]
    assert teams == ["unit-1", "unit-2"]


def test_what_people_call_it_is_its_name() -> None:
    told = [
        recorded(ProductListed(name="Pump"), stream="product-1"),
        recorded(CompanyRegistered(name="한빛"), stream="company-1"),
    ]
    names = {stream: label.name for stream, label in check_projection(labels, told).items()}
    assert names == {"product-1": "Pump", "company-1": "한빛"}
