"""N_07: an alert says in words what it is about, whichever it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.alerts.main import domain, router
from services.alerts.subjects import subjects
from services.alerts.tests.test_api import LONG_AGO, get
from shared.clock import SystemClock
from shared.events import encode
from shared.events.contacts import (
    PersonDetailsStated,
    PersonRegistered,
    VisitFollowUpPromised,
    VisitPlanned,
)
from shared.events.issues import (
    CommitmentBroken,
    CommitmentMade,
    DeadlineMissed,
    IssueRegistered,
)
from shared.events.opportunities import ActionAgreed, NextStepAgreed, OpportunityDiscovered
from shared.events.organization import (
    EmployeeJoined,
    HandoverReceiverNamed,
    HandoverStarted,
)
from shared.events.touches import TouchRecorded
from shared.memory import MemoryLog
from shared.testing import check_projection, recorded, serving

DAY, ME = LONG_AGO.date(), "employee-1"
DEAL = OpportunityDiscovered(title="Pump for Busan", stage="A", owner=ME, on=DAY)
MISSED: dict[str, Any] = {"owner": ME, "set_by": "fact"}

# Of each: the facts by stream, the rule that calls, what it says, what its subject is called, and
# which part of it is meant.
ABOUT: dict[str, tuple[dict[str, list[Any]], str, str, str, str | None]] = {
    "issues": (
        {
            "issue-1": [
                IssueRegistered(kind="complaint", words="It leaks", person="person-1", owner=ME),
                DeadlineMissed(answer_by=LONG_AGO, **MISSED),
            ]
        },
        "overdue_commitment",
        "the answer that a customer waits for is overdue",
        "It leaks",
        None,
    ),
    "commitments": (
        {
            "commitment-1": [
                CommitmentMade(what="A new seal", person="person-1", owner=ME, due_by=LONG_AGO),
                CommitmentBroken(clock="deadline", by=LONG_AGO, **MISSED),
            ]
        },
        "overdue_commitment",
        "what was promised to a customer is overdue",
        "A new seal",
        None,
    ),
    "milestones": (
        {
            "opportunity-1": [
                DEAL,
                ActionAgreed(action="a1", what="Send the offer", owner=ME, due_on=DAY, on=DAY),
            ]
        },
        "milestone",
        "what was to be done by a day is not done",
        "Pump for Busan",
        "Send the offer",
    ),
    "next steps": (
        {
            "opportunity-1": [
                DEAL,
                NextStepAgreed(stage="A", what="Call the plant", owner=ME, due_on=DAY, on=DAY),
            ]
        },
        "milestone",
        "what was to be done by a day is not done",
        "Pump for Busan",
        "Call the plant",
    ),
    "visits": (
        {
            "visit-1": [
                VisitPlanned(executive=ME, company="company-1", purpose="Ten years", on=DAY),
                VisitFollowUpPromised(
                    follow_up="f1", what="Send the drawings", owner=ME, due_on=DAY, on=DAY
                ),
            ]
        },
        "milestone",
        "what was to be done by a day is not done",
        "Ten years",
        "Send the drawings",
    ),
    "cadence": (
        {
            "person-1": [PersonRegistered(name="Han")],
            "touch-1": [
                TouchRecorded(
                    person="person-1",
                    employee=ME,
                    channel="call",
                    about="general",
                    publisher="crm",
                    publisher_id="1",
                    direction="outbound",
                )
            ],
        },
        "cadence_gap",
        "nobody was in touch with a person for longer than usual",
        "Han",
        None,
    ),
    "stale deals": (
        {"opportunity-1": [DEAL]},
        "stale_opportunity",
        "nothing happened with an open opportunity",
        "Pump for Busan",
        None,
    ),
    "first meetings": (
        {
            "employee-9": [EmployeeJoined(name="Lim")],
            "handover-9": [
                HandoverStarted(employee="employee-9", cause="leaves"),
                HandoverReceiverNamed(receiver=ME, meet_by=DAY, on=DAY),
            ],
        },
        "first_meeting",
        "who took over has not met the first customer",
        "Lim",
        None,
    ),
}


@pytest.mark.parametrize("about", ABOUT)
async def test_n_07_an_alert_says_what_it_is_about(about: str) -> None:
    streams, rule, says, name, what = ABOUT[about]
    log = MemoryLog(2)
    async with serving(domain, router, log=log) as client:
        for stream, events in streams.items():
            for fact in recorded(*events, stream=stream, occurred_at=LONG_AGO):
                await log.append(fact.data.topic, stream, encode(fact))
        found: list[Any] = []
        deadline = SystemClock().now() + timedelta(seconds=20)
        while not found and SystemClock().now() < deadline:
            every = (await get(client, "/inbox/1"))["items"]
            found = [one["card"] for one in every if one["card"]["rule"] == rule]
        (card,) = found
        assert (card["says"], card["name"], card["what"]) == (says, name, what)
        one = await get(client, f"/{card['alert'].removeprefix('alert-')}")
        (listed,) = (await get(client, f"?owner={ME}&rule={rule}"))["items"]
        assert (one["name"], listed["name"]) == (name, name)


def test_n_07_the_newest_statement_says_what_somebody_is_called() -> None:
    told = recorded(
        PersonRegistered(name="Han"),
        PersonDetailsStated(name="Hahn", on=DAY),
        PersonDetailsStated(name="Hana", on=DAY - timedelta(days=1)),
        PersonDetailsStated(email="h@x.example", on=DAY),
        stream="person-1",
    )
    assert check_projection(subjects, [told])["person-1"].name == "Hahn"
