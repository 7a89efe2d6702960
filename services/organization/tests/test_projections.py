"""Views of our organisation: unmoved by duplicates and by the order in which streams arrive."""

from __future__ import annotations

from datetime import date

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.organization.main import domain
from services.organization.model import held_on, roles_on
from services.organization.projections import (
    PROJECTIONS,
    Assignment,
    Held,
    employee_card,
    handover_card,
    key_card,
    owned_item,
    unit_card,
    workcalendar_card,
)
from shared.events import Envelope
from shared.events.calendar import CalendarEvent
from shared.events.contacts import CompanyEvent, PersonEvent, VisitEvent
from shared.events.issues import CommitmentEvent, IssuesEvent
from shared.events.opportunities import OpportunityEvent, ProgressEvent
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeEvent,
    EmployeeJoined,
    EmployeeLeft,
    HandoverEvent,
    KeyEvent,
    ManagerAppointed,
    UnitEvent,
    UnitFormed,
    UnitPlacedUnder,
    WorkcalendarEvent,
)
from shared.events.touches import TouchesEvent
from shared.testing import check_projection, histories, recorded

JANUARY, MARCH, JUNE = date(2026, 1, 1), date(2026, 3, 1), date(2026, 6, 1)
KINDS = {
    "employee": EmployeeEvent,
    "unit": UnitEvent,
    "workcalendar": WorkcalendarEvent,
    "handover": HandoverEvent,
    "key": KeyEvent,
}
OWNED = {
    "company": CompanyEvent,
    "person": PersonEvent,
    "opportunity": OpportunityEvent | ProgressEvent,
    "issue": IssuesEvent,
    "commitment": CommitmentEvent,
    "entry": CalendarEvent,
    "visit": VisitEvent,
    "touch": TouchesEvent,
    "handover": HandoverEvent,
}


@for_all(histories(OWNED, length=4), st.integers())
def test_C_09_whose_is_what_does_not_depend_on_the_order_in_which_it_is_told(  # noqa: N802
    told: list[list[Envelope]], seed: int
) -> None:
    check_projection(owned_item, told, seed=seed)


@for_all(histories(KINDS), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    for projection in PROJECTIONS:
        check_projection(projection, told, seed=seed)


@for_all(histories(KINDS), st.dates(date(2025, 12, 31), date(2026, 1, 10)))
def test_cards_and_rules_agree_on_who_belongs_where(told: list[list[Envelope]], day: date) -> None:
    for history in told:
        stream = history[0].stream
        state = domain.decider(stream).state([fact.data for fact in history])
        if stream.startswith("employee-"):
            card = employee_card.replay(history)[stream].on(day)
            assert card.unit == held_on(state.units, day)
            assert card.active == (not state.gone_on(day))
            assert card.grade == held_on(state.grades, day)
            assert card.function == held_on(state.functions, day)
            assert card.roles == roles_on(state.roles, day)
            assert card.absences == state.absences
        elif stream.startswith("workcalendar-"):
            by = workcalendar_card.replay(history)[stream]
            assert by.week == state.week
            assert {one.day: one.name for one in by.holidays} == state.holidays
        elif stream.startswith("handover-"):
            handed = handover_card.replay(history)[stream]
            assert handed.receiver == state.receiver
            assert handed.acknowledged == state.acknowledged
            assert {one.person for one in handed.meetings} == state.met
        elif stream.startswith("key-"):
            key = key_card.replay(history)[stream]
            assert (key.digest is not None, key.revoked) == (state.issued, state.revoked)
        else:
            led = unit_card.replay(history)[stream].on(day)
            assert led.parent == held_on(state.parents, day)
            assert led.manager == held_on(state.managers, day)
            assert led.calendar == held_on(state.calendars, day)


def test_assignments_stand_in_the_order_in_which_they_held() -> None:
    told = recorded(
        EmployeeJoined(name="Ada", on=JANUARY),
        EmployeeAssigned(unit="unit-2", on=JUNE),
        EmployeeAssigned(unit="unit-1", on=MARCH),
        stream="employee-1",
    )
    card = check_projection(employee_card, [told])["employee-1"]
    assert card.assignments == (Assignment("unit-1", MARCH), Assignment("unit-2", JUNE))
    assert [card.on(day).unit for day in (JANUARY, MARCH, JUNE)] == [None, "unit-1", "unit-2"]


def test_who_will_leave_is_with_us_until_then() -> None:
    told = recorded(
        EmployeeJoined(name="Ada", on=JANUARY), EmployeeLeft(on=JUNE), stream="employee-1"
    )
    card = check_projection(employee_card, [told])["employee-1"]
    assert (card.on(MARCH).active, card.on(JUNE).active, card.left_on) == (True, False, JUNE)


def test_who_comes_back_is_active_again() -> None:
    told = recorded(
        EmployeeJoined(name="Ada", on=JANUARY),
        EmployeeLeft(on=MARCH),
        EmployeeJoined(name="Ada", on=JUNE),
        stream="employee-1",
    )
    card = check_projection(employee_card, [told])["employee-1"]
    assert (card.active, card.joined_on, card.left_on) == (True, JUNE, None)


def test_a_unit_shows_who_leads_it_last_not_who_was_entered_last() -> None:
    told = recorded(
        UnitFormed(name="Team", kind="team", parent="unit-2", on=JANUARY),
        ManagerAppointed(employee="employee-2", on=JUNE),
        ManagerAppointed(employee="employee-1", on=MARCH),
        UnitPlacedUnder(parent="unit-3", on=MARCH),
        stream="unit-1",
    )
    card = check_projection(unit_card, [told])["unit-1"].on(JUNE)
    assert (card.manager, card.parent) == ("employee-2", "unit-3")
    assert card.managers == (Held("employee-1", MARCH), Held("employee-2", JUNE))
    assert card.parents == (Held("unit-2", None), Held("unit-3", MARCH))
