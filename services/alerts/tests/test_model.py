"""N_07: an alert is raised once, and acknowledged by whom it concerns."""

from __future__ import annotations

from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.alerts.main import domain
from services.alerts.model import (
    AcknowledgeAlert,
    AlertCommand,
    AlertNotYoursError,
    AlertUnknownError,
    RaiseAlert,
    RaiseToSelf,
)
from services.alerts.tests.test_rules import day
from shared.events.alerts import AlertAcknowledged, AlertEvent, AlertRaised, AlertRaisedToSelf
from shared.testing import check_decider, commands, facts, given

RAISE = RaiseAlert(
    rule="milestone", subject="opportunity-1", owner="employee-1", since=day(1), set_by="fact"
)
RAISED = AlertRaised(**RAISE.model_dump())


def test_n_07_an_alert_is_raised_once_and_seen_by_whom_it_concerns() -> None:
    decider = domain.decider("alert-1")
    given(decider).when(RAISE).then(RAISED)
    given(decider, RAISED).when(RAISE).then_nothing()
    seen = AcknowledgeAlert(by="employee-1", on=day(2))
    given(decider, RAISED).when(seen).then(AlertAcknowledged(by="employee-1", on=day(2)))
    other = AcknowledgeAlert(by="employee-2", on=day(2))
    assert given(decider, RAISED).when(other).then_refused(AlertNotYoursError).field == "#/by"
    given(decider).when(seen).then_refused(AlertUnknownError)
    assert list(decider.commands.values()) == [AcknowledgeAlert]


def test_k_09_what_is_somebodys_own_at_first_is_raised_to_them() -> None:
    decider = domain.decider("alert-1")
    own = RaiseToSelf(
        rule="overwork",
        subject="employee-1",
        owner="employee-1",
        since=day(1),
        set_by="fact-1",
        own_until=day(8),
    )
    raised = AlertRaisedToSelf(**own.model_dump())
    given(decider).when(own).then(raised)
    given(decider, raised).when(own).then_nothing()
    seen = AcknowledgeAlert(by="employee-1", on=day(2))
    given(decider, raised).when(seen).then(AlertAcknowledged(by="employee-1", on=day(2)))
    other = AcknowledgeAlert(by="employee-2", on=day(2))
    given(decider, raised).when(other).then_refused(AlertNotYoursError)


@for_all(st.lists(facts(AlertEvent), max_size=6), st.lists(commands(AlertCommand), max_size=6))
def test_n_07_any_facts_evolve_and_nothing_is_done_twice(
    history: list[Any], asked: list[Any]
) -> None:
    check_decider(domain.decider("alert-1"), history, asked)
