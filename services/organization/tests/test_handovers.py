"""C-09: who leaves hands over: a receiver, their acknowledgement, and a first meeting by a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from httpx2 import AsyncClient

from services.organization.handovers import (
    Acknowledge,
    CallOffHandover,
    HandoverNotYoursError,
    HandoverUnknownError,
    HandoverWithoutReceiverError,
    MeetCustomer,
    NameReceiver,
    StartHandover,
)
from services.organization.main import domain, router
from services.organization.policies import leaving_starts_a_handover
from services.organization.projections import handover_card
from shared.errors import InvalidError
from shared.events.organization import (
    EmployeeLeft,
    HandoverAcknowledged,
    HandoverCalledOff,
    HandoverCustomerMet,
    HandoverReceiverNamed,
    HandoverRescheduled,
    HandoverStarted,
)
from shared.policies import Reaction
from shared.reading import Token
from shared.testing import check_projection, given, recorded, serving

decider = domain.decider("handover-1")
MARCH, JUNE, JULY = date(2026, 3, 1), date(2026, 6, 1), date(2026, 7, 1)
LEAVES: dict[str, Any] = {"employee": "employee-1", "cause": "leaves", "leaves_on": JUNE}
STARTED = HandoverStarted(**LEAVES)
BY = date(2026, 6, 15)
NAMED = HandoverReceiverNamed(receiver="employee-2", meet_by=BY, on=MARCH)
YES = HandoverAcknowledged(receiver="employee-2", on=MARCH)
MET = HandoverCustomerMet(receiver="employee-2", person="person-1", on=MARCH)


def test_C_09_who_leaves_us_by_a_day_starts_a_handover() -> None:  # noqa: N802
    (fact,) = recorded(EmployeeLeft(on=JUNE), stream="employee-1")
    command = StartHandover(**LEAVES)
    assert leaving_starts_a_handover.react(fact) == [Reaction("handover-1", command)]
    given(decider).when(command).then(STARTED)
    given(decider, STARTED).when(command).then_nothing()


def test_another_day_of_leaving_moves_it_and_leaving_again_starts_another() -> None:
    later = StartHandover(**LEAVES | {"leaves_on": JULY})
    given(decider, STARTED, NAMED).when(later).then(HandoverRescheduled(leaves_on=JULY))
    again = HandoverStarted(**LEAVES | {"leaves_on": JULY})
    given(decider, STARTED, NAMED, YES, MET).when(later).then(again)
    given(decider, STARTED, HandoverCalledOff()).when(later).then(again)


def test_the_first_meeting_is_by_a_day_that_the_company_or_the_leader_chose() -> None:
    given(decider, STARTED).when(NameReceiver(receiver="employee-2", on=MARCH)).then(NAMED)
    named = NameReceiver(receiver="employee-2", meet_by=JULY, on=MARCH)
    given(decider, STARTED, NAMED).when(named).then(
        HandoverReceiverNamed(receiver="employee-2", meet_by=JULY, on=MARCH)
    )
    given(decider, STARTED, NAMED).when(NameReceiver(receiver="employee-2")).then_nothing()


def test_nobody_takes_over_from_themselves_nor_in_anothers_name() -> None:
    refused = (
        given(decider, STARTED).when(NameReceiver(receiver="employee-1")).then_refused(InvalidError)
    )
    assert refused.field == "#/receiver"
    given(decider, STARTED, NAMED).when(Acknowledge(receiver="employee-3")).then_refused(
        HandoverNotYoursError
    )
    with pytest.raises(InvalidError, match="handover-2 is not that of employee-1"):
        StartHandover(**LEAVES).check("handover-2", MARCH)


@pytest.mark.parametrize(
    "command", [Acknowledge(receiver="employee-2"), MeetCustomer(person="person-1")]
)
def test_without_a_receiver_nothing_is_acknowledged_and_nobody_met(command: Any) -> None:
    given(decider, STARTED).when(command).then_refused(HandoverWithoutReceiverError)
    given(decider).when(command).then_refused(HandoverUnknownError)


def test_the_receiver_acknowledges_and_meets_each_customer_once() -> None:
    known = (STARTED, NAMED)
    given(decider, *known).when(Acknowledge(receiver="employee-2", on=MARCH)).then(YES)
    given(decider, *known, YES).when(Acknowledge(receiver="employee-2", on=JUNE)).then_nothing()
    given(decider, *known).when(MeetCustomer(person="person-1", on=MARCH)).then(MET)
    given(decider, *known, MET).when(MeetCustomer(person="person-1", on=JUNE)).then_nothing()


def test_another_receiver_has_to_acknowledge_and_to_meet_them_anew() -> None:
    other = HandoverReceiverNamed(receiver="employee-3", meet_by=BY, on=MARCH)
    known = (STARTED, NAMED, YES, MET, other)
    acknowledged = HandoverAcknowledged(receiver="employee-3", on=JUNE)
    given(decider, *known).when(Acknowledge(receiver="employee-3", on=JUNE)).then(acknowledged)
    card = check_projection(handover_card, [recorded(*known, stream="handover-1")])["handover-1"]
    assert card.on(MARCH).lacks == ("acknowledgement", "first meeting")


def test_it_is_called_off_when_they_stay() -> None:
    off = HandoverCalledOff(reason="she stays", on=MARCH)
    given(decider, STARTED).when(CallOffHandover(reason="she stays", on=MARCH)).then(off)
    given(decider, STARTED, off).when(CallOffHandover(on=MARCH)).then_refused(HandoverUnknownError)
    card = check_projection(handover_card, [recorded(STARTED, off, stream="handover-1")])
    assert (card["handover-1"].on(JULY).overdue, card["handover-1"].is_open) == (False, False)


@pytest.mark.parametrize(
    ("told", "day", "lacks", "overdue"),
    [
        ([STARTED], MARCH, ("receiver", "acknowledgement", "first meeting"), False),
        ([STARTED], JUNE, ("receiver", "acknowledgement", "first meeting"), True),
        ([STARTED, NAMED, YES], JUNE, ("first meeting",), False),
        ([STARTED, NAMED, YES], BY, ("first meeting",), False),
        ([STARTED, NAMED, YES], date(2026, 6, 16), ("first meeting",), True),
        ([STARTED, NAMED, YES, MET], JULY, (), False),
    ],
)
def test_a_handover_says_what_it_lacks_and_whether_that_was_due(
    told: list[Any], day: date, lacks: tuple[str, ...], *, overdue: bool
) -> None:
    card = check_projection(handover_card, [recorded(*told, stream="handover-1")])["handover-1"]
    assert (card.on(day).lacks, card.on(day).overdue) == (lacks, overdue)


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_C_09_from_leaving_to_the_first_meeting(client: AsyncClient) -> None:  # noqa: N802
    for who, name in (("1", "Ada"), ("2", "Bo")):
        joined = {"name": name, "on": "2026-01-05"}
        await client.post(f"/organization/employees/{who}/join", json=joined)
    await client.post("/organization/employees/1/leave", json={"on": "2160-06-01"})
    # The leaving itself starts it, a moment later: the first version of its stream is awaited.
    started = {"X-At-Least": Token("handover-1", 1).encode()}
    page = (await client.get("/organization/handovers/1", headers=started)).json()
    assert (page["leaver"], page["cause"]) == ({"employee": "employee-1", "name": "Ada"}, "leaves")
    assert page["lacks"] == ["receiver", "acknowledgement", "first meeting"]
    for what, body in (
        ("name-receiver", {"receiver": "employee-2"}),
        ("acknowledge", {"receiver": "employee-2"}),
        ("meet-customer", {"person": "person-1"}),
    ):
        answer = await client.post(f"/organization/handovers/1/{what}", json=body)
        assert answer.status_code == 202, answer.text
    at_least = {"X-At-Least": answer.json()["token"]}
    page = (await client.get("/organization/handovers/1", headers=at_least)).json()
    assert (page["taker"]["name"], page["meet_by"], page["lacks"]) == ("Bo", "2160-06-15", [])
    leaver = (await client.get("/organization/employees/1", headers=at_least)).json()
    assert leaver["handover"]["receiver"] == "employee-2"
    for asked, count in (("receiver=employee-2", 1), ("is_open=false", 0), ("overdue=true", 0)):
        found = await client.get(f"/organization/handovers?{asked}", headers=at_least)
        assert len(found.json()["items"]) == count
